"""Guarantee 6: the rounds of a partition are one chain, and the table and the topic tell the same.

That they decide the same again is `replaying`'s to find out.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256

from tenon.contracts.codec import encode
from tenon.contracts.topics import MARKET, ROUNDS
from tenon_audit.facts import Own, Round
from tenon_audit.finding import Finding, record, row

FIRST_DIGEST = "0" * 64
_TABLE = "matcher.rounds"
_RESTORE = "stop the matcher, restore its schema from a backup, and audit again"


class Chain:
    """Follows the rounds of each partition in order, with what each says of itself."""

    def __init__(self) -> None:
        self.last: dict[int, Round] = {}

    def follow(self, this: Round, own: Own | None) -> Iterator[Finding]:
        """Check a round against the one before it and against its own events."""
        before = self.last.get(this.partition)
        yield from self._links(this, before)
        where = row(_TABLE, this.partition, this.round)
        if this.parked_why is not None:
            todo = f"find out why ({this.parked_why}), then set published_at and parked_why to NULL"
            yield Finding(5, "round.parked", "its events were set aside and not told", where, todo)
        if own is None:
            yield Finding(6, "round.mute", "it does not tell itself among its events", where, _RESTORE)
        else:
            yield from self._own(this, own, before, where)
        self.last[this.partition] = this._replace(events=())

    def _links(self, this: Round, before: Round | None) -> Iterator[Finding]:
        number, offset = (before.round, before.next_offset) if before else (0, 0)
        where = row(_TABLE, this.partition, this.round)
        if this.first_round != number + 1:
            last = this.first_round - 1
            missing = f"{number + 1}" if last == number + 1 else f"{number + 1} to {last}"
            what = f"round {missing} of partition {this.partition} is missing"
            yield Finding(6, "round.missing", what, row(_TABLE, this.partition, missing), _RESTORE)
        elif this.first_offset != offset:
            kind = "gap" if this.first_offset > offset else "overlap"
            what = f"it begins at offset {this.first_offset}, the round before ended at {offset}"
            place = f"{where}, {record(MARKET.name, this.partition, min(offset, this.first_offset))}"
            yield Finding(6, f"round.{kind}", what, place, _RESTORE)
        if this.next_offset < this.from_offset:
            yield Finding(6, "round.backwards", "it ends before it begins", where, _RESTORE)
        if before is not None and this.clock_ms < before.clock_ms:
            yield Finding(6, "round.clock", "its clock is behind that of the round before", where, _RESTORE)

    def _own(self, this: Round, own: Own, before: Round | None, where: str) -> Iterator[Finding]:
        if (faults := differences(this, own)) != "":
            yield Finding(6, "round.differs", f"its row and its own event differ: {faults}", where, _RESTORE)
        follows = this.round == (before.round if before else 0) + 1
        previous = before.digest if before else FIRST_DIGEST
        if follows and own.previous_digest != previous:
            what = "its previous digest is not the digest of the round before"
            yield Finding(6, "round.chain", what, where, _RESTORE)
        if summed(this, own) != own.digest:
            what = "its digest does not cover the events that its row keeps: they were changed"
            yield Finding(6, "round.digest", what, where, _RESTORE)
        if own.records != this.next_offset - this.from_offset:
            what = f"it read {own.records} records of {this.next_offset - this.from_offset} offsets"
            yield Finding(6, "round.records", what, where, "look for records that were deleted from the log")


def differences(this: Round, own: Own) -> str:
    """Name the facts in which a row and what its round told differ; empty where none."""
    names = ("from_offset", "next_offset", "clock_ms", "digest")
    return ", ".join(name for name in names if getattr(this, name) != getattr(own, name))


def summed(this: Round, own: Own) -> str:
    """Return the digest of a round, from the one before, its facts and its events."""
    facts = [own.partition, own.round, own.from_offset, own.next_offset, own.clock_ms]
    inputs = encode(facts)[:-1] + b"," + own.policies + b"]"
    total = sha256(own.previous_digest.encode() + inputs + own.skipped)
    for event in this.events:
        if event.topic != ROUNDS.name:
            total.update(event.topic.encode() + b"\0" + event.key.encode() + b"\0" + event.value)
    return total.hexdigest()


def on_topic(
    last: Mapping[int, Round], rows: Mapping[tuple[int, int], str], told: Iterable[tuple[int, int, Own]]
) -> Iterator[Finding]:
    """Compare what tenon.rounds.v1 holds, (partition, offset, round), with the table's digests.

    `rows` holds the digest of each round that is told by now. Rounds later than `last` were decided since.
    """
    unseen = dict(rows)
    for partition, offset, own in told:
        key, where = (own.partition, own.round), record(ROUNDS.name, partition, offset)
        newest = last.get(own.partition)
        if newest is None or own.round > newest.round:
            continue
        unseen.pop(key, None)
        if key in rows and rows[key] != own.digest:
            what = f"round {own.round} of partition {own.partition} has another digest than its row"
            yield Finding(6, "round.told_otherwise", what, f"{where}, {row(_TABLE, *key)}", _RESTORE)
    for key in unseen:
        what = f"round {key[1]} of partition {key[0]} counts as told, but {ROUNDS.name} does not hold it"
        todo = f"set published_at of the round to NULL in {_TABLE}: the matcher tells it again"
        yield Finding(5, "round.untold", what, row(_TABLE, *key), todo)


def at_position(
    last: Mapping[int, Round], positions: Mapping[int, int], ends: Mapping[int, int]
) -> Iterator[Finding]:
    """Check that each partition's position stands where its last round ended, within the log."""
    for partition in sorted({*last, *positions}):
        here = positions.get(partition, 0)
        ended = last[partition].next_offset if partition in last else 0
        where = row("matcher.positions", MARKET.name, partition)
        if here != ended:
            what = f"the position is {here}, the last round ended at {ended}"
            yield Finding(6, "position.round", what, where, _RESTORE)
        if here > ends.get(partition, 0):
            what = f"the position is {here}, the log ends at {ends.get(partition, 0)}"
            todo = "the log is another one, or lost its end: restore Kafka's data, or begin a new log"
            yield Finding(6, "position.beyond", what, where, todo)
