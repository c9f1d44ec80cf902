"""Guarantee 5, second half: what is on Kafka reaches each feed once, in order, and each endpoint or its
parking.

Who gets a step of a docking: both parties, the administrator, and the wall.
"""

from collections.abc import Iterable, Iterator, Mapping

from tenon.contracts.dockings import CLOSED
from tenon.contracts.topics import DOCKINGS
from tenon_audit.checks.told import Steps
from tenon_audit.facts import Endpoint, FeedRow, Step, Undelivered
from tenon_audit.finding import Finding, record, row

ADMINISTRATOR, WALL = "_admin", "*"
_AGAIN = (
    "let the notifier read the topic again: empty its schema, `python -m notifier migrate`, and start it;"
    " subscribers then get repetitions under the same ids"
)


def audiences(step: Step) -> tuple[str, ...]:
    """Return whose feeds a step belongs into."""
    return (*step.parties, ADMINISTRATOR, WALL)


class Feeds:
    """Follows all feeds in order: their numbers have no gap, and no step stands in one twice.

    Keeps a small number per step: which feeds it was seen in.
    """

    def __init__(self, steps: Steps, *, kept_since_ms: int) -> None:
        """`kept_since_ms`: entries that were written before may be gone."""
        self._steps = steps
        self._kept_since_ms = kept_since_ms
        self._seen: dict[str, int] = {}
        self._last: dict[str, FeedRow] = {}
        self.entries = 0

    def follow(self, entry: FeedRow) -> Iterator[Finding]:
        """Take the next entry, in order of audience and number."""
        self.entries += 1
        expected = self._expected(entry)
        self._last[entry.audience] = entry
        if entry.number < expected:
            what = f"number {entry.number} of the feed of {entry.audience} was given twice"
            where = row("notifier.feed", entry.audience, entry.number)
            yield Finding(5, "feed.number", what, where, "report it: two batches were stored at a time")
        elif entry.number > expected:
            yield _gap(entry.audience, expected, entry.number - 1)
        step = self._steps.by_id.get(entry.event_id)
        if step is not None:
            yield from self._step(entry, step)
        elif entry.type.startswith("tenon.docking."):
            what = f"it tells event {entry.event_id}, which no round decided"
            where = row("notifier.feed", entry.audience, entry.number)
            yield Finding(
                5, "feed.orphan", what, where, "restore the round that is missing in matcher.rounds"
            )

    def end(self, counters: Mapping[str, int]) -> Iterator[Finding]:
        """Compare the ends of the feeds with the numbers that were given."""
        for audience, given in sorted(counters.items()):
            newest = self._last.get(audience)
            last = newest.number if newest else given
            if last < given:
                yield _gap(audience, last + 1, given)
            elif last > given:
                what = f"the feed of {audience} goes to {last}, its counter to {given}"
                yield Finding(5, "feed.counter", what, row("notifier.feed_counters", audience), _AGAIN)

    def complete(self, handled: Iterable[Step]) -> Iterator[Finding]:
        """Check that steps that the notifier has handled are in every feed that they belong into."""
        for step in handled:
            if step.place is None or step.place[2] < self._kept_since_ms:
                continue
            seen = self._seen.get(step.id, 0)
            for index, audience in enumerate(audiences(step)):
                if not seen >> index & 1:
                    what = f"step {step.revision} of docking {step.docking} is not in the feed of {audience}"
                    where = f"notifier.feed {audience}, {record(DOCKINGS.name, *step.place[:2])}"
                    yield Finding(5, "feed.missing", what, where, _AGAIN)

    def _expected(self, entry: FeedRow) -> int:
        """Return the number that follows; the entry's own where what was before it may have been removed."""
        before = self._last.get(entry.audience)
        if before is None or before.written_ms < self._kept_since_ms:
            return entry.number
        return before.number + 1

    def _step(self, entry: FeedRow, step: Step) -> Iterator[Finding]:
        wanted = audiences(step)
        where = row("notifier.feed", entry.audience, entry.number)
        if entry.audience not in wanted:
            what = f"step {step.revision} of docking {step.docking} is in a feed that it is not for"
            yield Finding(7, "feed.stranger", what, where, "delete the entry and report it")
            return
        bit = 1 << wanted.index(entry.audience)
        if self._seen.get(step.id, 0) & bit:
            what = f"step {step.revision} of docking {step.docking} is there twice"
            yield Finding(5, "feed.twice", what, where, "report it: a batch was stored twice")
        self._seen[step.id] = self._seen.get(step.id, 0) | bit


def _gap(audience: str, first: int, last: int) -> Finding:
    numbers = f"number {first}" if first == last else f"each number from {first} to {last}"
    what = f"{numbers} of the feed of {audience} is missing"
    return Finding(5, "feed.gap", what, row("notifier.feed", audience, first), _AGAIN)


def handled(steps: Steps, positions: Mapping[tuple[str, int], int]) -> Iterator[Step]:
    """Yield the steps that the notifier has handled, by its positions."""
    for step in steps.by_id.values():
        if step.place is not None and step.place[1] < positions.get((DOCKINGS.name, step.place[0]), 0):
            yield step


def read_models(
    handled: Iterable[Step],
    states: Mapping[str, tuple[int, str]],
    stored: Mapping[tuple[str, int], int],
    *,
    kept_since_ms: int,
) -> Iterator[Finding]:
    """Compare the notifier's dockings, (revision, status), and their steps with what it has handled.

    `stored`: how often each step stands there. What is older than `kept_since_ms` may be gone, dockings only
    when they have ended.
    """
    latest: dict[str, Step] = {}
    for step in handled:
        if step.docking not in latest or step.revision > latest[step.docking].revision:
            latest[step.docking] = step
        where = row("notifier.steps", step.docking, step.revision)
        times = stored.get((step.docking, step.revision), 0)
        if times > 1:
            what = f"step {step.revision} of docking {step.docking} is kept {times} times"
            yield Finding(5, "shown.step_twice", what, where, "report it: a batch was stored twice")
        elif not times and step.place is not None and step.place[2] > kept_since_ms:
            what = f"step {step.revision} of docking {step.docking} was handled and is not kept"
            yield Finding(5, "shown.step_missing", what, where, _AGAIN)
    for docking, step in latest.items():
        shown = states.get(docking)
        if shown is None and step.status in CLOSED and step.at_ms <= kept_since_ms:
            continue
        if shown != (step.revision, step.status):
            there = f"step {shown[0]}, {shown[1]}" if shown else "nothing"
            what = f"it shows {there}; the latest that was handled is step {step.revision}, {step.status}"
            yield Finding(5, "shown.differs", what, row("notifier.dockings", docking), _AGAIN)


def within_ends(
    positions: Mapping[tuple[str, int], int], ends: Mapping[tuple[str, int], int]
) -> Iterator[Finding]:
    """Check that no position of the notifier is behind the end of its topic."""
    for place, offset in sorted(positions.items()):
        end = ends.get(place, 0)
        if offset > end:
            what = f"the notifier stands at {offset}, the topic ends at {end}"
            todo = "the topic lost its end: restore Kafka's data, or empty the notifier's schema"
            yield Finding(5, "notifier.beyond", what, row("notifier.positions", *place), todo)


def endpoints(rows: Iterable[Endpoint], undelivered: Iterable[Undelivered]) -> Iterator[Finding]:
    """Check that cursors are within their feeds, and what lies behind them was taken or is parked."""
    for endpoint in rows:
        if endpoint.cursor > endpoint.last:
            what = f"its cursor is {endpoint.cursor}, the feed of {endpoint.audience} ends at {endpoint.last}"
            todo = "set the cursor to the end of the feed"
            yield Finding(5, "endpoint.beyond", what, row("notifier.endpoints", endpoint.id), todo)
    for event in undelivered:
        what = f"event {event.event_id}, number {event.number}, was neither taken by it nor parked"
        where = row("notifier.endpoints", event.endpoint)
        todo = "set its cursor to one less than that number: it is delivered again"
        yield Finding(5, "endpoint.passed_over", what, where, todo)
