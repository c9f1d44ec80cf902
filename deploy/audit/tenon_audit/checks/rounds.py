"""Guarantee 6: the rounds of a partition are one chain, and the tables and the topic tell the same.

tenon.rounds.v1 keeps every round, the tables the recent ones. That they decide the same again is
`replaying`'s to find out.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256

from tenon.contracts.codec import encode
from tenon.contracts.topics import MARKET, ROUNDS
from tenon_audit.facts import Head, Own, Round
from tenon_audit.finding import Finding, record, row

FIRST_DIGEST = "0" * 64
_TABLE = "matcher.rounds"
_RESTORE = "stop the matcher, bring its schema back (`tenon restore`), and audit again"
_TOPIC = (
    "restore Kafka's data, or set published_at of the rounds to NULL in matcher.rounds where it keeps them"
)
Place = tuple[int, int]
"""Partition and offset of a topic."""


class Told:
    """What tenon.rounds.v1 holds: each round once, about 600 bytes each."""

    def __init__(self) -> None:
        self.rounds: dict[int, dict[int, Own]] = {}
        self._places: dict[tuple[int, int], Place] = {}

    def see(self, own: Own, place: Place) -> Iterator[Finding]:
        """Take a record; a round may stand there more than once, and is the same then."""
        known = self.rounds.setdefault(own.partition, {}).setdefault(own.round, own)
        first = self._places.setdefault((own.partition, own.round), place)
        if known.digest != own.digest:
            what = f"round {own.round} of partition {own.partition} stands there twice, decided otherwise"
            where = f"{record(ROUNDS.name, *first)}, {record(ROUNDS.name, *place)}"
            yield Finding(
                6, "round.twice", what, where, "find out who wrote the second: two matchers decided"
            )

    def where(self, own: Own) -> str:
        """Name the record of a round."""
        return record(ROUNDS.name, *self._places[own.partition, own.round])

    def chains(self) -> Iterator[Finding]:
        """Check each partition's rounds from the first one on."""
        for owns in self.rounds.values():
            before: Own | None = None
            for _, own in sorted(owns.items()):
                yield from self._links(own, before)
                before = own

    def _links(self, own: Own, before: Own | None) -> Iterator[Finding]:
        number, offset = (before.round, before.next_offset) if before else (0, 0)
        where = self.where(own)
        if own.round != number + 1:
            last = own.round - 1
            missing = f"round {last}" if last == number + 1 else f"each round from {number + 1} to {last}"
            what = f"{missing} of partition {own.partition} is missing on {ROUNDS.name}"
            yield Finding(6, "round.missing", what, f"before {where}", _TOPIC)
        else:
            yield from _joins(own, before, offset, where)
        if own.records != own.next_offset - own.from_offset:
            what = f"it read {own.records} records of {own.next_offset - own.from_offset} offsets"
            place = f"{where}, {record(MARKET.name, own.partition, own.from_offset)}"
            yield Finding(6, "round.records", what, place, "look for records that were deleted from the log")
        if before is not None and own.clock_ms < before.clock_ms:
            yield Finding(6, "round.clock", "its clock is behind that of the round before", where, _RESTORE)


def _joins(own: Own, before: Own | None, offset: int, where: str) -> Iterator[Finding]:
    """Check a round against the one right before it."""
    if own.from_offset != offset:
        kind = "gap" if own.from_offset > offset else "overlap"
        what = f"it begins at offset {own.from_offset}, the round before ended at {offset}"
        place = f"{where}, {record(MARKET.name, own.partition, min(offset, own.from_offset))}"
        yield Finding(6, f"round.{kind}", what, place, _RESTORE)
    if own.previous_digest != (before.digest if before else FIRST_DIGEST):
        what = "its previous digest is not the digest of the round before"
        yield Finding(6, "round.chain", what, where, _RESTORE)


class Kept:
    """Follows the rounds that the table keeps: they join, and are what the topic tells."""

    def __init__(self, told: Told, heads: Iterable[Head]) -> None:
        self._told = told
        self._heads = {head.partition: head for head in heads}
        self._last: dict[int, Round] = {}

    def follow(self, this: Round, own: Own | None) -> Iterator[Finding]:
        """Take the next row of a partition, with what it says of itself among its events."""
        where = row(_TABLE, this.partition, this.round)
        before = self._last.get(this.partition)
        self._last[this.partition] = this._replace(events=())
        if before is not None and this.first_round <= before.round:
            what = f"round {this.first_round} of partition {this.partition} stands there twice"
            yield Finding(6, "round.row_twice", what, where, _RESTORE)
        elif before is not None and this.first_round != before.round + 1:
            yield from self._missing(this.partition, before.round + 1, this.first_round - 1)
        if this.parked_why is not None:
            todo = f"find out why ({this.parked_why}), then set published_at and parked_why to NULL"
            yield Finding(5, "round.parked", "its events were set aside and not told", where, todo)
        if own is None:
            yield Finding(6, "round.mute", "it does not tell itself among its events", where, _RESTORE)
            return
        if faults := differences(this, own):
            yield Finding(6, "round.differs", f"its row and its own event differ: {faults}", where, _RESTORE)
        if summed(this, own) != own.digest:
            what = "its digest does not cover the events that its row keeps: they were changed"
            yield Finding(6, "round.digest", what, where, _RESTORE)
        yield from self._as_told(this, own, where)

    def end(self) -> Iterator[Finding]:
        """Compare the last rows with the heads; the rows of a partition may all be old, and gone."""
        for partition, head in sorted(self._heads.items()):
            last = self._last.get(partition)
            if last is not None and last.round < head.round:
                yield from self._missing(partition, last.round + 1, head.round)
            elif last is not None and (last.round, last.digest) != (head.round, head.digest):
                what = (
                    f"the head is round {head.round}, the last row is round {last.round} or decided otherwise"
                )
                yield Finding(6, "head.differs", what, row("matcher.heads", partition), _RESTORE)
            own = self._told.rounds.get(partition, {}).get(head.round)
            if own is not None and own.digest != head.digest:
                what = f"the head is round {head.round}, and on {ROUNDS.name} that was decided otherwise"
                where = f"{row('matcher.heads', partition)}, {self._told.where(own)}"
                yield Finding(6, "head.differs", what, where, _RESTORE)

    def _missing(self, partition: int, first: int, last: int) -> Iterator[Finding]:
        which = f"round {first}" if first == last else f"each round from {first} to {last}"
        what = f"{which} of partition {partition} is missing in {_TABLE}"
        number = f"{first}" if first == last else f"{first}-{last}"
        yield Finding(6, "round.row_missing", what, row(_TABLE, partition, number), _RESTORE)

    def _as_told(self, this: Round, own: Own, where: str) -> Iterator[Finding]:
        there = self._told.rounds.get(this.partition, {}).get(this.round)
        if there is None and this.told:
            what = f"round {this.round} of partition {this.partition} counts as told, {ROUNDS.name} lacks it"
            todo = f"set published_at of the round to NULL in {_TABLE}: the matcher tells it again"
            yield Finding(5, "round.untold", what, where, todo)
        elif there is not None and there.digest != own.digest:
            what = f"round {this.round} of partition {this.partition} has another digest on {ROUNDS.name}"
            place = f"{self._told.where(there)}, {where}"
            yield Finding(6, "round.told_otherwise", what, place, _RESTORE)


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


def at_position(
    ended: Mapping[int, int], positions: Mapping[int, int], ends: Mapping[int, int]
) -> Iterator[Finding]:
    """Check that each position stands where the partition's last round `ended`, and within the log."""
    for partition, here in sorted(positions.items()):
        where = row("matcher.positions", MARKET.name, partition)
        end = ends.get(partition, 0)
        if here != ended.get(partition, here):
            what = f"the position is {here}, the last round ended at {ended[partition]}"
            yield Finding(6, "position.round", what, where, _RESTORE)
        if here > end:
            what = f"the position is {here}, the log ends at {end}"
            todo = "the log is another one, or lost its end: restore Kafka's data, or begin a new log"
            place = f"{where}, {record(MARKET.name, partition, end)}"
            yield Finding(6, "position.beyond", what, place, todo)
