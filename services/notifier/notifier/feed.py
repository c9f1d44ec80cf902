"""Reading feeds: pages behind a number, where a feed begins and ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from notifier.domain.plan import numbered
from tenon.db import Database

PAGE_BYTES: Final = 1_000_000
_PAGE: Final = """
SELECT number, event_id, type, subject, body FROM (
    SELECT *, sum(octet_length(body)) OVER (ORDER BY number) - octet_length(body) AS before
    FROM feed WHERE audience = $1 AND number > $2 ORDER BY number LIMIT $3
) p WHERE before < $4 ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """An entry of a feed, as it was written."""

    number: int
    event_id: str
    type: str
    subject: str
    body: bytes

    def message(self) -> bytes:
        """Return the entry as a CloudEvent in JSON, with its number."""
        return numbered(self.body, self.number)


@dataclass(frozen=True, slots=True)
class Extent:
    """The numbers of a feed that are still kept: above `removed`, up to `last`."""

    removed: int
    last: int


class Feed:
    """The feeds of all audiences."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, audience: str, after: int, limit: int) -> Sequence[FeedEntry]:
        """Return the entries behind a number, in order: at most `limit`, and about a megabyte of them.

        The first is returned whatever its size, so that a reader always gets on.
        """
        rows = await self._database.fetch(_PAGE, audience, after, limit, PAGE_BYTES)
        return [FeedEntry(*row) for row in rows]

    async def extent(self, audience: str) -> Extent:
        """Return which numbers a feed still has; one that was never written to is empty at 0."""
        row = await self._database.fetchrow(
            "SELECT c.last, (SELECT min(number) FROM feed WHERE audience = $1) AS first"
            " FROM feed_counters c WHERE c.audience = $1",
            audience,
        )
        if row is None:
            return Extent(0, 0)
        return Extent(row["last"] if row["first"] is None else row["first"] - 1, row["last"])

    async def last_numbers(self, audiences: Sequence[str]) -> Mapping[str, int]:
        """Return the last number given in each feed that has any."""
        rows = await self._database.fetch(
            "SELECT audience, last FROM feed_counters WHERE audience = ANY($1::text[])", list(audiences)
        )
        return {row[0]: row[1] for row in rows}
