"""Guarantee 5, first half: every step that the rounds decided is on Kafka, once, and nothing else is.

Once means: under one id. A relay may send a record twice; it is the same then.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tenon.contracts.topics import DOCKINGS
from tenon_audit.facts import DockingRow, Step
from tenon_audit.finding import Finding, record, row

_RESTORE = "stop the matcher, restore its schema from a backup, and audit again"
_TELL_AGAIN = "set published_at of the round to NULL in matcher.rounds: the matcher tells it again"


class Steps:
    """The steps of dockings in the order of their rounds: about 500 bytes each."""

    def __init__(self) -> None:
        self.by_id: dict[str, Step] = {}
        self.of: dict[str, list[str]] = {}
        self.untold: set[str] = set()

    def last(self, docking: str) -> Step | None:
        """Return a docking's latest step."""
        ids = self.of.get(docking)
        return self.by_id[ids[-1]] if ids else None

    def take(self, step: Step, *, told: bool) -> Iterator[Finding]:
        """Take the next step; `told`: its round counts as told. Revisions have no gap."""
        before = self.last(step.docking)
        where = row("matcher.rounds", *step.made_in)
        expected = before.revision + 1 if before else 1
        if step.revision != expected:
            what = f"docking {step.docking} takes step {step.revision}, its next is {expected}"
            kind = "step.missing" if step.revision > expected else "step.twice"
            yield Finding(5, kind, what, where, _RESTORE)
        self.by_id[step.id] = step
        self.of.setdefault(step.docking, []).append(step.id)
        if not told:
            self.untold.add(step.id)


class OnTopic:
    """Follows tenon.dockings.v1: which steps it holds, and what it holds beside them."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self.seen: set[str] = set()
        self.foreign: dict[str, Finding] = {}

    def see(self, event_id: str, body: bytes, place: tuple[int, int]) -> Iterator[Finding]:
        """Take a record: its event's id and the digest of its data."""
        where = record(DOCKINGS.name, *place)
        known = self._steps.by_id.get(event_id)
        self.seen.add(event_id)
        if known is None:
            what = f"event {event_id} is on the topic, and no round decided it"
            todo = "find out who else writes to the topic, or restore the round that is missing"
            self.foreign[event_id] = Finding(5, "step.orphan", what, where, todo)
        elif known.body != body:
            what = f"step {known.revision} of docking {known.docking} is another there than its round decided"
            place_too = f"{where}, {row('matcher.rounds', *known.made_in)}"
            yield Finding(5, "step.differs", what, place_too, "restore whichever of the two was changed")

    def orphans(self, since: Iterable[str]) -> Iterator[Finding]:
        """Name what no round decided; `since`: ids that rounds decided after the tables were read."""
        later = set(since)
        yield from (found for event_id, found in self.foreign.items() if event_id not in later)

    def missing(self) -> Iterator[Finding]:
        """Name the steps that count as told and are not there."""
        for event_id, step in self._steps.by_id.items():
            if event_id in self.seen or event_id in self._steps.untold:
                continue
            what = f"step {step.revision} of docking {step.docking} counts as told and is not on the topic"
            where = f"{DOCKINGS.name}, {row('matcher.rounds', *step.made_in)}"
            yield Finding(5, "step.untold", what, where, _TELL_AGAIN)


@dataclass(slots=True)
class Others:
    """Events of told rounds for other topics, about 250 bytes each.

    `ids`: topic, partition and round of each; `latest`: of positions, the last id that each partition decided
    for a key; `due`: ids of positions that were still to be told when the tables were read.
    """

    ids: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    latest: dict[str, dict[int, str]] = field(default_factory=dict)
    due: set[str] = field(default_factory=set)

    def missing(self, seen: Mapping[str, set[str]]) -> Iterator[Finding]:
        """Name events that are not on their topic; `seen` holds the ids on each."""
        for event_id, (topic, partition, number) in self.ids.items():
            if topic in seen and event_id not in seen[topic]:
                what = f"event {event_id} counts as told and is not on {topic}"
                where = f"{topic}, {row('matcher.rounds', partition, number)}"
                yield Finding(5, "event.untold", what, where, _TELL_AGAIN)

    def outdated(self, topic: str, newest: Mapping[str, str], since: set[str]) -> Iterator[Finding]:
        """Name positions of which the topic's newest is not the one that was decided last."""
        for key, ids in self.latest.items():
            there = newest.get(key, "")
            if there not in ids.values() and there not in self.due and there not in since:
                what = f"the newest position of {key} there is {there or 'none'}, not the one decided last"
                yield Finding(5, "position.untold", what, f"{topic} key {key}", _TELL_AGAIN)


def rows_as_told(rows: Iterable[DockingRow], steps: Steps) -> Iterator[Finding]:
    """Compare the table of dockings with their latest steps."""
    unseen = set(steps.of)
    for docking in rows:
        unseen.discard(docking.docking)
        where = row("matcher.dockings", docking.partition, docking.docking)
        last = steps.last(docking.docking)
        if last is None:
            what = f"no round decided docking {docking.docking}"
            yield Finding(5, "docking.orphan", what, where, _RESTORE)
        elif (docking.status, docking.body) != (last.status, last.body):
            what = f"it is {docking.status}; its latest step, {last.revision}, is {last.status} or says more"
            yield Finding(5, "docking.differs", what, where, _RESTORE)
        elif (docking.offer, docking.demand, docking.quantity) != (last.offer, last.demand, last.quantity):
            what = f"its columns and its latest step, {last.revision}, name other windows or quantities"
            yield Finding(5, "docking.differs", what, where, _RESTORE)
    for name in sorted(unseen):
        last = steps.last(name)
        assert last is not None
        what = f"docking {name} was decided, in step {last.revision} it is {last.status}, and has no row"
        where = f"{row('matcher.dockings', last.made_in[0], name)}, {row('matcher.rounds', *last.made_in)}"
        yield Finding(3, "docking.missing", what, where, _RESTORE)


def sides_exist(
    rows: Iterable[DockingRow], offers: set[tuple[int, str]], demands: set[tuple[int, str]]
) -> Iterator[Finding]:
    """Check that both sides of each docking exist, as (partition, party/id)."""
    for docking in rows:
        for side, name, present in (
            ("offer", docking.offer[0], offers),
            ("demand", docking.demand[0], demands),
        ):
            if (docking.partition, name) not in present:
                what = f"docking {docking.docking} is of {side} {name}, which does not exist"
                where = row("matcher.dockings", docking.partition, docking.docking)
                yield Finding(3 if side == "offer" else 4, "docking.side", what, where, _RESTORE)


def consumed_as_told(rows: Iterable[DockingRow], consumed: Mapping[str, int]) -> Iterator[Finding]:
    """Compare what each row says it consumes with what its latest step consumes."""
    for docking in rows:
        expected = consumed.get(docking.docking)
        if expected is not None and docking.consumed != expected:
            what = f"docking {docking.docking} says it consumes {docking.consumed}, by its steps {expected}"
            where = row("matcher.dockings", docking.partition, docking.docking)
            yield Finding(3, "docking.consumed", what, where, _RESTORE)
