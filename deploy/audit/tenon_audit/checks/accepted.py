"""Guarantee 1: what was accepted is in the log, in the registry, or in ingest's outbox.

With a sender's own record, event by event; without it, whether all that the registry knows was told, and
whether the log is whole.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tenon.contracts.topics import MARKET, PARTIES
from tenon_audit.facts import Entity, JournalLine, Said, Waiting
from tenon_audit.finding import Finding, record, row

Id = tuple[str, str]
"""Source and id of an event: together they are unique (CloudEvents 1.0, `id`)."""


@dataclass(slots=True)
class Journal:
    """What senders wrote down, per event: whether any try was answered with 202, and where it was found.

    Holds one small entry per event: about 300 bytes.
    """

    accepted: dict[Id, bool] = field(default_factory=dict)
    registered: dict[Id, Said] = field(default_factory=dict)
    found: set[Id] = field(default_factory=set)

    @classmethod
    def of(cls, lines: Iterable[JournalLine]) -> "Journal":
        """Bring the tries of each event together."""
        journal = cls()
        for line in lines:
            name = (line.source, line.id)
            journal.accepted[name] = journal.accepted.get(name, False) or line.answer == 202
            if line.kind:
                journal.registered[name] = Said(line.kind, line.key, line.revision)
        return journal

    def see(self, name: Id) -> None:
        """Note an event that stands in the log or in the outbox."""
        if name in self.accepted:
            self.found.add(name)

    def see_registry(self, registry: Iterable[Said]) -> None:
        """Note statements that the registry holds, in this revision or a newer one."""
        present = {(said.kind, said.key): said.revision for said in registry}
        for name, said in self.registered.items():
            if present.get((said.kind, said.key), 0) >= said.revision:
                self.found.add(name)

    @property
    def lost(self) -> list[Id]:
        """Events that were answered with 202 and are nowhere."""
        return [name for name, accepted in self.accepted.items() if accepted and name not in self.found]

    @property
    def unanswered(self) -> int:
        """How many events are written though none of their tries was answered with 202."""
        return sum(name in self.found for name, accepted in self.accepted.items() if not accepted)


def nothing_lost(journal: Journal) -> Iterator[Finding]:
    """Name each event that was answered with 202 and is nowhere."""
    for source, event_id in journal.lost:
        said = journal.registered.get((source, event_id))
        about = f", which was {said.kind} {said.key} in revision {said.revision}," if said else ""
        what = f"event {event_id} of {source}{about} was answered with 202 and is nowhere"
        where = f"neither {MARKET.name} nor the registry nor ingest.outbox"
        todo = "have it sent again under the same id, then look for what deletes from the log"
        yield Finding(1, "event.lost", what, where, todo)


class Offsets:
    """Follows the offsets of the log: they have no gap, because nothing is ever deleted from it."""

    def __init__(self) -> None:
        self.next: dict[int, int] = {}
        self.records = 0

    def follow(self, partition: int, offset: int) -> Iterator[Finding]:
        """Take the next record of a partition."""
        expected = self.next.get(partition, 0)
        self.next[partition] = offset + 1
        self.records += 1
        if offset != expected:
            yield _gap(partition, expected, offset)

    def end(self, ends: Mapping[int, int]) -> Iterator[Finding]:
        """Say what is missing before the ends."""
        for partition, end in sorted(ends.items()):
            expected = self.next.get(partition, 0)
            if expected < end:
                yield _gap(partition, expected, end)


def _gap(partition: int, expected: int, offset: int) -> Finding:
    what = f"{offset - expected} records are missing from the log, up to offset {offset - 1}"
    todo = "restore them from a replica or a backup; then forbid deletion (retention.ms=-1, no DeleteRecords)"
    return Finding(1, "log.gap", what, record(MARKET.name, partition, expected), todo)


def outbox_goes_on(schema: str, waiting: Iterable[Waiting]) -> Iterator[Finding]:
    """Name what was set aside in an outbox: nobody sends it any more."""
    for entry in waiting:
        if entry.parked_why is not None:
            what = f"a record for {entry.topic} is parked: {entry.parked_why}"
            todo = "correct what hinders it, then set parked_why to NULL"
            yield Finding(1, "outbox.parked", what, row(f"{schema}.outbox", entry.id), todo)


def told_to_log(entries: Iterable[Waiting]) -> dict[Id, Waiting]:
    """Return what an outbox says is in the log, by the source and id of its event."""
    return {entry.event: entry for entry in entries if entry.told and entry.topic == MARKET.name}


def log_was_told(unseen: Mapping[Id, Waiting]) -> Iterator[Finding]:
    """Name what counts as told to the log and was not seen there."""
    for entry in unseen.values():
        yield _untold(entry)


def parties_told(entries: Iterable[Waiting], states: Mapping[str, str]) -> Iterator[Finding]:
    """Check that states of parties that count as told are there; `states`: the highest sequence of each."""
    for entry in entries:
        if entry.told and entry.topic == PARTIES.name and states.get(entry.key, "") < entry.sequence:
            yield _untold(entry)


def _untold(entry: Waiting) -> Finding:
    what = f"it counts as told, but {entry.topic} does not hold event {entry.event[1]}"
    todo = "set published_at to NULL: ingest tells it again"
    return Finding(1, "outbox.untold", what, row("ingest.outbox", entry.id), todo)


def registry_is_told(
    registry: Sequence[Said], waiting: Iterable[Waiting], states: Mapping[str, str]
) -> Iterator[Finding]:
    """Check that each party's latest state is on tenon.parties.v1 or waits in the outbox."""
    due = {entry.key for entry in waiting if entry.topic == PARTIES.name and not entry.told}
    for said in registry:
        if said.kind != "party" or said.key in due:
            continue
        if states.get(said.key, "") < f"{said.told:020d}":
            what = f"state {said.told} of party {said.key} is neither on {PARTIES.name} nor in the outbox"
            todo = f"publish party {said.key} again under revision {said.revision + 1}"
            yield Finding(1, "party.untold", what, row("ingest.parties", said.key), todo)


def markets_know(
    registry: Iterable[Said], entities: Iterable[Entity], waiting: Iterable[Waiting]
) -> Iterator[Finding]:
    """Check that markets hold sites and policies as the registry does. True at rest alone.

    A market that has no such site was told of none: whatever is listed there brings the site along.
    """
    in_force = {(said.kind, said.key): said.revision for said in registry if said.kind in ("site", "policy")}
    if any(entry.topic == MARKET.name and not entry.told for entry in waiting):
        return
    for entity in entities:
        revision = in_force.get((entity.kind, entity.key))
        if revision is not None and entity.revision != revision:
            what = f"it holds revision {entity.revision} of {entity.kind} {entity.key}, ingest {revision}"
            where = row("matcher.entities", entity.partition, entity.kind, entity.market, entity.key)
            todo = f"publish {entity.kind} {entity.key} again under revision {revision + 1}"
            yield Finding(1, f"{entity.kind}.untold", what, where, todo)
