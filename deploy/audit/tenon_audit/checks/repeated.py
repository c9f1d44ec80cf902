"""Guarantee 2: a repeated event has no second effect, and a late one never overwrites a newer one.

What is in force is recomputed from the log by the rule of revisions alone: of each offer and demand the
highest holds, an end counts as a revision, and what the rounds say they could not use is passed over.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tenon.contracts.topics import MARKET
from tenon_audit.facts import Draw, Entity, Statement, Step
from tenon_audit.finding import Finding, record, row

Name = tuple[int, str, str]
"""Partition, `offer`, `resource` or `demand`, `party/id`."""


class Contents:
    """Whether each event of the log says one thing, however often it stands there.

    Keeps about 200 bytes per event: a digest of source and id, and one of what it says.
    """

    def __init__(self) -> None:
        self._said: dict[bytes, bytes] = {}
        self.repeated = 0
        self.doubled = 0

    def see(
        self, name: bytes, content: bytes, event: tuple[str, str], place: tuple[int, int], *, fans_out: bool
    ) -> Iterator[Finding]:
        """Take a record; `fans_out`: one event becomes a record in each market or partition."""
        known = self._said.get(name)
        if known is None:
            self._said[name] = content
            return
        if known == content:
            self.repeated += not fans_out
            return
        self.doubled += 1
        what = f"event {event[1]} of {event[0]} stands in the log with two contents: both took effect"
        todo = "find out who used the id twice; correct what the later one did by a new revision"
        yield Finding(2, "event.doubled", what, record(MARKET.name, *place), todo)


@dataclass(slots=True)
class InForce:
    """An offer, a resource or a demand as the log leaves it. `most`: the most that each window ever held.

    `spans`: of an offer where each window lies that it ever had, of a resource those that it has.
    """

    market: str
    revision: int
    ended: int = 0
    quantities: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    offset: int = 0
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    draw: Draw | None = None
    counted: tuple[str, int] = ("", 1)


class Statements:
    """What offers and demands are in force after the statements so far: about 700 bytes for each."""

    def __init__(self) -> None:
        self.in_force: dict[Name, InForce] = {}
        self._ended: dict[tuple[int, str, str, str], int] = {}

    def take(self, said: Statement | None) -> None:
        """Take a statement of the log that could be used; None: it is about something else."""
        if said is None:
            return
        name = (said.partition, said.kind, said.key)
        if said.quantities is None:
            self._end(name, said)
        else:
            self._list(name, said, said.quantities)

    def _list(self, name: Name, said: Statement, quantities: dict[str, int]) -> None:
        known = self.in_force.get(name)
        end = (*name, said.market)
        present = self._ended.get(end) or (known.revision if known else 0)
        if said.revision <= present:
            return
        self._ended.pop(end, None)
        entry = known or InForce(said.market, said.revision)
        entry.revision, entry.ended, entry.offset = said.revision, 0, said.offset
        entry.quantities, entry.draw, entry.counted = quantities, said.draw, said.counted
        entry.spans = {**entry.spans, **said.spans} if said.kind == "offer" else said.spans
        for window, quantity in quantities.items():
            entry.most[window] = max(entry.most.get(window, 0), quantity)
        self.in_force[name] = entry

    def _end(self, name: Name, said: Statement) -> None:
        end = (*name, said.market)
        known, ended = self.in_force.get(name), self._ended.get(end)
        if (ended is not None and said.revision <= ended) or (known and said.revision < known.revision):
            return
        self._ended[end] = said.revision
        if known:
            known.ended, known.offset = said.revision, said.offset
            if said.kind in ("offer", "resource"):
                known.quantities = dict.fromkeys(known.quantities, 0)


def unreadable(place: tuple[int, int], why: str) -> Iterator[Finding]:
    """Name a record that can't be read, and that the round which read it did not pass over."""
    what = f"it is {why}, and no round says that it passed it over"
    todo = "replay the partition (`tenon audit --replay`); compare the record with its replicas"
    yield Finding(2, "log.unreadable", what, record(MARKET.name, *place), todo)


def kept_in_force(
    in_force: Mapping[Name, InForce], entities: Iterable[Entity], closed: Mapping[Name, int]
) -> dict[Name, InForce]:
    """Leave out what the matcher has forgotten: closed for long, it keeps the id and last revision alone."""
    held = {(entity.partition, entity.kind, entity.key) for entity in entities}
    return {
        name: entry
        for name, entry in in_force.items()
        if name in held or closed.get(name, 0) < max(entry.revision, entry.ended)
    }


def newest_in_force(in_force: Mapping[Name, InForce], entities: Iterable[Entity]) -> Iterator[Finding]:
    """Compare what the matcher holds of offers and demands with what the log leaves in force."""
    missing = dict(in_force)
    for entity in entities:
        if entity.kind not in ("offer", "demand", "resource"):
            continue
        where = row("matcher.entities", entity.partition, entity.kind, entity.market, entity.key)
        entry = missing.pop((entity.partition, entity.kind, entity.key), None)
        if entry is None:
            what = f"no record of the log lists {entity.kind} {entity.key}"
            yield Finding(2, "entity.orphan", what, where, "restore the log or the matcher's schema")
        elif entity.revision != entry.revision:
            late = "an older one overwrote it" if entity.revision < entry.revision else "nobody said that"
            what = f"revision {entity.revision} is in force, the log says {entry.revision}: {late}"
            place = f"{where}, {record(MARKET.name, entity.partition, entry.offset)}"
            todo = f"publish {entity.kind} {entity.key} again under a revision above both"
            yield Finding(2, "entity.revision", what, place, todo)
        elif bool(entry.ended) != (entity.status == "withdrawn"):
            what = f"it is {entity.status}, and in the log {'withdrawn' if entry.ended else 'not withdrawn'}"
            yield Finding(2, "entity.status", what, where, "restore the matcher's schema")
    for (partition, kind, key), entry in missing.items():
        where = row("matcher.entities", partition, kind, entry.market, key)
        place = f"{where}, {record(MARKET.name, partition, entry.offset)}"
        what = f"{kind} {key} is in the log, the matcher does not know it"
        yield Finding(2, "entity.missing", what, place, "restore the matcher's schema")


def step_says_something(step: Step, before: Step | None) -> Iterator[Finding]:
    """Check that a step of a docking changes it: what repeats a statement must not become a step."""
    if before is None or _news(step) != _news(before):
        return
    what = f"step {step.revision} of docking {step.docking} says what step {before.revision} said"
    where = row("matcher.rounds", *step.made_in)
    yield Finding(2, "step.repeated", what, where, "report it: an event had a second effect")


def _news(step: Step) -> tuple[object, ...]:
    return step.status, step.accepted, step.quantity, step.shipped, step.delivered, step.failed
