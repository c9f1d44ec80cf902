"""Guarantee 5, first half: every step that the rounds decided is on Kafka, once, and nothing else is.

Once means: under one id. A relay may send a record twice; it is the same then.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tenon.contracts.dockings import CLOSED
from tenon.contracts.topics import DOCKINGS
from tenon_audit.facts import DockingRow, Own, Step
from tenon_audit.finding import Finding, record, row, some

_RESTORE = "stop the matcher, bring its schema back (`tenon restore`), and audit again"
_TELL_AGAIN = "set published_at of the round to NULL in matcher.rounds: the matcher tells it again"
MadeIn = tuple[int, int]
"""The partition and the round that decided something."""


class Steps:
    """The steps of dockings: about 700 bytes each. `heads`: the last round of each partition.

    What was decided after that is set aside as `later`.
    """

    def __init__(self, heads: Mapping[int, int]) -> None:
        self._heads = heads
        self.by_id: dict[str, Step] = {}
        self.of: dict[str, list[str]] = {}
        self.made: dict[MadeIn, list[str]] = {}
        self.later: dict[str, Step] = {}

    def see(self, step: Step) -> Iterator[Finding]:
        """Take a record of tenon.dockings.v1, in the order of its partition."""
        if step.made_in[1] > self._heads.get(step.made_in[0], 0):
            self.later.setdefault(step.id, step)
            return
        known = self.by_id.get(step.id)
        if known is None:
            yield from self.take(step)
        elif known.body != step.body:
            what = f"step {step.revision} of docking {step.docking} stands there with two contents"
            where = f"{_there(known)}, {_there(step)}"
            yield Finding(5, "step.differs", what, where, "find out who wrote the later one")

    def take(self, step: Step) -> Iterator[Finding]:
        """Take a step that was not seen yet. Revisions have no gap."""
        before = self.last(step.docking)
        expected = before.revision + 1 if before else 1
        if step.revision != expected:
            what = f"docking {step.docking} takes step {step.revision}, its next is {expected}"
            kind = "step.missing" if step.revision > expected else "step.twice"
            yield Finding(5, kind, what, f"{_there(step)}, {_row(step.made_in)}", _TELL_AGAIN)
        self._add(step)

    def last(self, docking: str) -> Step | None:
        """Return a docking's latest step."""
        ids = self.of.get(docking)
        return self.by_id[ids[-1]] if ids else None

    def decided(self, made_in: MadeIn, decided: Iterable[Step], *, told: bool) -> Iterator[Finding]:
        """Compare a round's steps with what is on the topic; `told`: they all count as being there."""
        extra = set(self.made.get(made_in, ()))
        for step in decided:
            extra.discard(step.id)
            there = self.by_id.get(step.id)
            if there is None:
                if told:
                    what = f"step {step.revision} of docking {step.docking} counts as told and is not there"
                    yield Finding(5, "step.untold", what, f"{DOCKINGS.name}, {_row(made_in)}", _TELL_AGAIN)
                self._add(step)
                self.of[step.docking].sort(key=lambda name: self.by_id[name].revision)
            elif there.body != step.body:
                what = f"step {step.revision} of docking {step.docking} is another there than was decided"
                where = f"{_there(there)}, {_row(made_in)}"
                yield Finding(5, "step.differs", what, where, "restore whichever of the two was changed")
        for name in sorted(extra):
            yield orphan(name, _there(self.by_id[name]))

    def _add(self, step: Step) -> None:
        self.by_id[step.id] = step
        self.of.setdefault(step.docking, []).append(step.id)
        self.made.setdefault(step.made_in, []).append(step.id)

    def counted(self, owns: Iterable[Own], told_until: Mapping[int, int]) -> Iterator[Finding]:
        """Compare how many dockings each told round made with the first steps that are on the topic."""
        for own in owns:
            if own.round > min(told_until.get(own.partition, own.round), self._heads.get(own.partition, 0)):
                continue
            made_in = (own.partition, own.round)
            made = [name for name in self.made.get(made_in, ()) if self.by_id[name].revision == 1]
            if len(made) != own.docked:
                what = f"it made {own.docked} dockings, {len(made)} of them are on {DOCKINGS.name}"
                yield Finding(5, "round.docked", what, _row(made_in), _TELL_AGAIN)

    def undecided(self, heads: Mapping[int, int]) -> Iterator[Finding]:
        """Name steps of rounds that are not even decided by now; `heads`: the last rounds now."""
        for step in self.later.values():
            if step.made_in[1] > heads.get(step.made_in[0], 0):
                yield orphan(step.id, _there(step))


def orphan(event_id: str, where: str) -> Finding:
    """Return the finding of a step that no round decided."""
    what = f"event {event_id} is on the topic, and no round decided it"
    todo = "find out who else writes to the topic, or restore the round that is missing"
    return Finding(5, "step.orphan", what, where, todo)


def _there(step: Step) -> str:
    return record(DOCKINGS.name, *step.place[:2]) if step.place else DOCKINGS.name


def _row(made_in: MadeIn) -> str:
    return row("matcher.rounds", *made_in)


@dataclass(slots=True)
class Others:
    """Events of told rounds for other topics, about 250 bytes each, as far as the table keeps them.

    `ids`: topic, partition and round of each; `latest`: of positions, the last id that each partition decided
    for a key; `due`: ids of positions that were still to be told when the tables were read.
    """

    ids: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    latest: dict[str, dict[int, str]] = field(default_factory=dict)
    due: set[str] = field(default_factory=set)

    def missing(self, seen: Mapping[str, set[str]]) -> Iterator[Finding]:
        """Name events that are not on their topic; `seen` holds the ids on each."""
        for event_id, (topic, *made_in) in self.ids.items():
            if topic in seen and event_id not in seen[topic]:
                what = f"event {event_id} counts as told and is not on {topic}"
                yield Finding(
                    5, "event.untold", what, f"{topic}, {row('matcher.rounds', *made_in)}", _TELL_AGAIN
                )

    def outdated(self, topic: str, newest: Mapping[str, str], since: set[str]) -> Iterator[Finding]:
        """Name positions of which the topic's newest is not the one that was decided last."""
        for key, ids in self.latest.items():
            there = newest.get(key, "")
            if there not in ids.values() and there not in self.due and there not in since:
                what = f"the newest position of {key} there is {there or 'none'}, not the one decided last"
                where = f"{topic} key {key}, decided {some(sorted(ids.values()))}"
                yield Finding(5, "position.untold", what, where, _TELL_AGAIN)


def rows_as_told(
    rows: Iterable[DockingRow], steps: Steps, forgotten_ms: Mapping[int, int]
) -> Iterator[Finding]:
    """Compare the table of dockings with their latest steps.

    `forgotten_ms`: for each partition, what closed until then may be forgotten.
    """
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
            yield Finding(5, "docking.differs", what, f"{where}, {_row(last.made_in)}", _RESTORE)
        elif (docking.offer, docking.demand, docking.quantity) != (last.offer, last.demand, last.quantity):
            what = f"its columns and its latest step, {last.revision}, name other windows or quantities"
            yield Finding(5, "docking.differs", what, where, _RESTORE)
    for name in sorted(unseen):
        last = steps.last(name)
        assert last is not None
        if last.status in CLOSED and last.at_ms <= forgotten_ms.get(last.made_in[0], 0):
            continue
        what = f"docking {name} was decided, in step {last.revision} it is {last.status}, and has no row"
        where = f"{row('matcher.dockings', last.made_in[0], name)}, {_row(last.made_in)}"
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
