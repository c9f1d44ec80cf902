"""One pass over the rounds of the table: what they decided, summed and checked round by round.

Holds what the later comparisons need: steps of dockings, sums of windows, ids that are to be on Kafka.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tenon.contracts.topics import ALERTS, DOCKINGS, POSITIONS, REJECTED, ROUNDS
from tenon_audit.checks import asked, offered
from tenon_audit.checks.repeated import step_says_something
from tenon_audit.checks.rounds import Chain
from tenon_audit.checks.told import Others, Steps
from tenon_audit.facts import DemandTold, OfferTold, Own, Round, WindowKey
from tenon_audit.finding import Finding, row
from tenon_audit.ledger import Ledger
from tenon_audit.reading import Unreadable, own, position, step

_DAY_MS = 86_400_000
_ALERTS_KEPT_MS = (ALERTS.retention_ms or 0) - _DAY_MS


@dataclass(slots=True)
class Decided:
    """What the rounds decided."""

    now_ms: int
    keep_owns: bool = False
    chain: Chain = field(default_factory=Chain)
    steps: Steps = field(default_factory=Steps)
    others: Others = field(default_factory=Others)
    ledgers: dict[int, Ledger] = field(default_factory=dict)
    skipped: set[tuple[int, int]] = field(default_factory=set)
    digests: dict[tuple[int, int], str] = field(default_factory=dict)
    owns: dict[int, list[Own]] = field(default_factory=dict)

    def take(self, this: Round) -> Iterator[Finding]:
        """Take the next round of a partition."""
        where = row("matcher.rounds", this.partition, this.round)
        try:
            mine = self._own(this)
            yield from self.chain.follow(this, mine)
            yield from self._events(this)
        except Unreadable as error:
            todo = "restore the row from a backup"
            yield Finding(6, "round.unreadable", f"an event that it keeps is {error}", where, todo)

    def _own(self, this: Round) -> Own | None:
        mine = next((own(event.value) for event in this.events if event.topic == ROUNDS.name), None)
        if this.told:
            self.digests[this.partition, this.round] = this.digest
        if mine is not None:
            self.skipped |= {(this.partition, offset) for offset in mine.skipped_offsets}
            if self.keep_owns:
                self.owns.setdefault(this.partition, []).append(mine)
        return mine

    def _events(self, this: Round) -> Iterator[Finding]:
        made_in = (this.partition, this.round)
        ledger = self.ledgers.setdefault(this.partition, Ledger())
        new: dict[WindowKey, str] = {}
        offers: list[OfferTold] = []
        demands: list[DemandTold] = []
        for event in this.events:
            if event.topic == DOCKINGS.name:
                taken = step(event.id, event.value, made_in)
                yield from step_says_something(taken, ledger.held.get(taken.docking))
                yield from self.steps.take(taken, told=this.told)
                ledger.apply(taken)
                if taken.revision == 1:
                    new[taken.offer] = taken.docking
            elif event.topic == POSITIONS.name:
                told = position(event.value, event.key.split("/")[1])
                offers += [told] if isinstance(told, OfferTold) else []
                demands += [told] if isinstance(told, DemandTold) else []
            self._expect(this, event.topic, event.key, event.id)
        yield from offered.at_commit(made_in, offers, ledger, new)
        yield from asked.at_commit(made_in, demands, ledger)

    def _expect(self, this: Round, topic: str, key: str, event_id: str) -> None:
        made_in = (this.partition, this.round)
        fresh = topic == ALERTS.name and this.decided_ms > self.now_ms - _ALERTS_KEPT_MS
        if topic == POSITIONS.name and this.told:
            self.others.latest.setdefault(key, {})[this.partition] = event_id
        elif topic == POSITIONS.name:
            self.others.due.add(event_id)
        elif this.told and (topic == REJECTED.name or fresh):
            self.others.ids[event_id] = (topic, *made_in)
