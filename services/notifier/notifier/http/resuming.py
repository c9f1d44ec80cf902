"""Where a reader of a feed begins: the same for streams and for subscriptions."""

from notifier.feed import Feed
from tenon.problems import Fault, Problem


async def beginning(feed: Feed, audience: str, after: int | None) -> int:
    """Return the number to begin behind; None means now. 410 when what follows it is no longer kept."""
    extent = await feed.extent(audience)
    if after is None:
        return extent.last
    if after > extent.last:
        raise _bad_number(f"the feed ends at {extent.last}")
    if after < extent.removed and after != 0:
        raise Problem(410, f"events up to {extent.removed} are no longer kept; begin with after=0")
    return max(after, extent.removed)


def resumed(last_event_id: str | None, after: int | None) -> int | None:
    """Return the number behind which a client goes on: what it has received before what it asks for."""
    text = (last_event_id or "").strip()
    if not text:
        return after
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise _bad_number("Last-Event-ID is not a number that this service gave")
    return int(text)


def _bad_number(reason: str) -> Problem:
    fault = Fault("/after", reason, "the number of an event that was received")
    return Problem(400, reason, slug="invalid-request", errors=[fault])
