"""What was decided, from the topics and the rows that are kept of it: summed, and checked round by round.

First all that the topics tell, from the first round on, then the rounds that the table still keeps. Holds
what the later comparisons need: steps of dockings, sums of windows, ids that are to be on Kafka.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from tenon.contracts.topics import ALERTS, DOCKINGS, POSITIONS, REJECTED, ROUNDS
from tenon.kafka import Record
from tenon_audit.checks import asked, drawn, offered
from tenon_audit.checks.repeated import step_says_something
from tenon_audit.checks.rounds import Kept, Told
from tenon_audit.checks.told import Others, Steps, orphan
from tenon_audit.facts import DemandTold, Head, OfferTold, Own, ResourceTold, Round, Step, WindowKey
from tenon_audit.finding import Finding, record, row
from tenon_audit.ledger import Ledger
from tenon_audit.reading import Unreadable, attributes, own, position, step

_DAY_MS = 86_400_000
_ALERTS_KEPT_MS = (ALERTS.retention_ms or 0) - _DAY_MS


class Decided:
    """What the rounds decided, up to the `heads`: each partition's last round when the tables were read."""

    def __init__(self, heads: Iterable[Head], now_ms: int) -> None:
        self.heads = {head.partition: head.round for head in heads}
        self.clocks = {head.partition: head.clock_ms for head in heads}
        self.told = Told()
        self.kept = Kept(self.told, heads)
        self.steps = Steps(self.heads)
        self.others = Others()
        self.ledgers: dict[int, Ledger] = {}
        self.skipped: set[tuple[int, int]] = set()
        self.ended: dict[int, int] = {}
        self._now_ms = now_ms
        self._told_until: dict[int, int] = {}
        self._unsummed: dict[int, list[int]] = {}

    def see_round(self, record_: Record) -> Iterator[Finding]:
        """Take a record of tenon.rounds.v1."""
        place = (record_.partition, record_.offset)
        try:
            said = own(record_.value or b"")
        except Unreadable as error:
            todo = "find out who else writes to the topic"
            yield Finding(6, "round.unreadable", f"it is {error}", record(ROUNDS.name, *place), todo)
            return
        self._note(said)
        yield from self.told.see(said._replace(policies=b"", skipped=b""), place)

    def see_step(self, record_: Record) -> Iterator[Finding]:
        """Take a record of tenon.dockings.v1."""
        place = (record_.partition, record_.offset, record_.timestamp_ms)
        said = attributes(record_.headers)
        try:
            seen = step(said.get("id", ""), said.get("sequence", ""), record_.value or b"")
        except Unreadable:
            yield orphan(said.get("id", "without id"), record(DOCKINGS.name, *place[:2]))
            return
        yield from self.steps.see(seen._replace(place=place))

    def note(self, this: Round) -> None:
        """Take what a round that is not told yet says of itself."""
        mine = _own(this)
        if mine is not None:
            self._note(mine)

    def sum_up(self) -> None:
        """Get ready for the rows: all that the topics tell was taken."""
        for partition, number in sorted(self.steps.made, reverse=True):
            self._unsummed.setdefault(partition, []).append(number)

    def take(self, this: Round) -> Iterator[Finding]:
        """Take the next round that the table keeps."""
        try:
            mine = _own(this)
            yield from self.kept.follow(this, mine)
            if not this.told:
                self._told_until.setdefault(this.partition, this.round - 1)
            yield from self._events(this)
        except Unreadable as error:
            where = row("matcher.rounds", this.partition, this.round)
            what = f"an event that it keeps is {error}"
            yield Finding(6, "round.unreadable", what, where, "restore the row from a backup")

    def end(self) -> Iterator[Finding]:
        """Finish, when all rows were taken."""
        yield from self.kept.end()
        for partition in list(self._unsummed):
            self._sum(partition, self.heads.get(partition, 0))
        for ids in self.steps.of.values():
            before: Step | None = None
            for name in ids:
                yield from step_says_something(self.steps.by_id[name], before)
                before = self.steps.by_id[name]
        owns = chain.from_iterable(owns.values() for owns in self.told.rounds.values())
        yield from self.steps.counted(owns, self._told_until)

    def _note(self, mine: Own) -> None:
        self.skipped |= {(mine.partition, offset) for offset in mine.skipped_offsets}
        if mine.round == self.heads.get(mine.partition):
            self.ended[mine.partition] = mine.next_offset

    def _events(self, this: Round) -> Iterator[Finding]:
        made_in = (this.partition, this.round)
        self._sum(this.partition, this.round - 1)
        steps = [
            step(event.id, event.sequence, event.value)
            for event in this.events
            if event.topic == DOCKINGS.name
        ]
        yield from self.steps.decided(made_in, steps, told=this.told)
        ledger = self._sum(this.partition, this.round, steps)
        told = [
            _position(event.key, event.value)
            for event in this.events
            if event.topic == POSITIONS.name and event.value
        ]
        new: dict[WindowKey, str] = {each.offer: each.docking for each in steps if each.revision == 1}
        offers = [each for each in told if isinstance(each, OfferTold)]
        yield from offered.at_commit(made_in, offers, ledger, new)
        yield from drawn.at_commit(made_in, [each for each in told if isinstance(each, ResourceTold)])
        yield from asked.at_commit(made_in, [each for each in told if isinstance(each, DemandTold)], ledger)
        for event in this.events:
            if event.topic == POSITIONS.name and not event.value:
                self.others.latest.pop(event.key, None)  # A tombstone: it goes from the topic too.
            else:
                self._expect(this, event.topic, event.key, event.id)

    def _sum(self, partition: int, until: int, steps: Iterable[Step] = ()) -> Ledger:
        """Bring a partition's sums up to the end of a round; `steps`: those of that round, if it is kept."""
        ledger = self.ledgers.setdefault(partition, Ledger())
        unsummed = self._unsummed.get(partition, [])
        decided = list(steps)
        while unsummed and unsummed[-1] <= until:
            number = unsummed.pop()
            if not (decided and number == until):
                for name in self.steps.made[partition, number]:
                    ledger.apply(self.steps.by_id[name])
        for each in decided:
            ledger.apply(each)
        return ledger

    def _expect(self, this: Round, topic: str, key: str, event_id: str) -> None:
        made_in = (this.partition, this.round)
        fresh = topic == ALERTS.name and this.decided_ms > self._now_ms - _ALERTS_KEPT_MS
        if topic == POSITIONS.name and this.told:
            self.others.latest.setdefault(key, {})[this.partition] = event_id
        elif topic == POSITIONS.name:
            self.others.due.add(event_id)
        elif this.told and (topic == REJECTED.name or fresh):
            self.others.ids[event_id] = (topic, *made_in)


def _own(this: Round) -> Own | None:
    return next((own(event.value) for event in this.events if event.topic == ROUNDS.name), None)


def _position(key: str, value: bytes) -> OfferTold | DemandTold | ResourceTold:
    return position(value, key.split("/")[1])
