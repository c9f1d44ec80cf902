"""Whatever is said, repeated, reordered and cut into rounds, and whoever dies between two of them.

What is deterministic: every round is decided by an owner that lived, by one that was rebuilt from the rows,
and by one that never reads a record twice; the three must agree. The judge sums what was told by itself.
"""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from msgspec import structs

import matcher.domain.step as rounds
from matcher.domain.pairs import all_pairs
from matcher.domain.reading import LogRecord
from matcher.domain.solving import worth_taking
from matcher.replay import replay
from tenon.contracts import intake
from tenon.contracts.codec import instant
from tenon.contracts.dockings import Docking
from tenon.contracts.log import DemandListed, OfferListed, PartyChanged, SiteChanged
from tenon.contracts.values import Shape
from tests.support.driving import drive
from tests.support.market import MARKET, MASKS
from tests.unit.matcher.ledger import Told, judge
from tests.unit.matcher.machine import (
    UNUSABLE,
    Partition,
    accepted,
    decided_in_rounds_of,
    demands,
    essence,
    good,
    listings,
    markets,
    moves,
    offers,
    others,
    parties,
    policies,
    resources,
    seldom,
)
from tests.unit.matcher.tables import holds_every_window_and_docking

pytestmark = [pytest.mark.unit, pytest.mark.timeout(3_600)]  # The deep profile takes its time.

ALL = 10**6
KINDS = ("offer", "demand", "resource", "site", "policy", "party")
ENDS: dict[str, Any] = {
    "offer": intake.OfferWithdrawn,
    "demand": intake.DemandWithdrawn,
    "resource": intake.ResourceWithdrawn,
}
Shares = dict[str, float | None]
OTHER_UNIT = {"KGM": "GRM", "C62": "DZN"}
counts = st.sampled_from((ALL, ALL, 1, 2, 3, 5))
flags = st.booleans()
which = st.integers(0, 50)
declines = st.sampled_from((False, False, False, True))
visions = st.sampled_from((0, 0, 1, -1))
disturbances = st.sampled_from((*UNUSABLE.values(), "0-9999-1", "1-1-1"))
rises = st.sampled_from((1, 1, 1, 1, 2, 0, -1, None))
amounts = st.sampled_from((0.5, 1.0, 1.0, None, 0.0, 0.3, 1.5))
reported = st.fixed_dictionaries({}, optional=dict.fromkeys(("shipped", "delivered", "failed"), amounts))


class MarketMachine(RuleBasedStateMachine):
    """One partition, from its first record on."""

    def __init__(self) -> None:
        super().__init__()
        self.partition = Partition()
        self.told = Told()
        self.forgot = False
        self.reports = 0
        self.revisions: dict[tuple[str, ...], int] = {}
        self.usual_budget = rounds.EXPLAINED_OFFERS_PER_ROUND

    @initialize(
        budget=st.sampled_from((None, 2)),
        offered=st.lists(offers(), min_size=1, max_size=3),
        demanded=st.lists(demands(), min_size=1, max_size=3),
        borne=st.lists(resources(), max_size=3),
        ruled=st.lists(policies, max_size=1),
    )
    def begin(
        self,
        budget: int | None,
        offered: list[Shape],
        demanded: list[Shape],
        borne: list[Shape],
        ruled: list[Shape],
    ) -> None:
        """The budget of a round for reasons may be far more than is needed, or hardly any."""
        rounds.EXPLAINED_OFFERS_PER_ROUND = budget or self.usual_budget
        for data in (*ruled, *offered, *borne, *demanded):
            self._append(self._revised(data, 1))
        self._decide(ALL)

    @rule(said=st.lists(listings, min_size=1, max_size=3), rise=rises, market=markets, at_once=flags)
    def list_something(self, said: list[Shape], rise: int | None, market: str, at_once: bool) -> None:
        for data in said:
            self._append(self._revised(data, rise), market)
        self._decide_if(at_once)

    @rule(data=others, rise=rises, market=markets, gap=st.sampled_from((0, 0, 2)), at_once=flags)
    def say_something_else(self, data: Shape, rise: int | None, market: str, gap: int, at_once: bool) -> None:
        self._append(self._revised(data, rise), market, gap)
        self._decide_if(at_once)

    @rule(at=which, rise=rises, market=markets, at_once=flags)
    def withdraw(self, at: int, rise: int | None, market: str, at_once: bool) -> None:
        """An offer or demand that was listed ends."""
        known = list(self.partition.said.entries) or [("offer", "a/x")]
        kind, key = known[at % len(known)]
        party, _, name = key.partition("/")
        end = ENDS[kind]
        said = end(party=party, revision=1, class_=MASKS, **{kind: name})
        self._append(self._revised(said, rise), market)
        self._decide_if(at_once)

    @precondition(lambda self: self.partition.ledger.dockings)
    @rule(at=which, supply=flags, decline=declines, saw=visions, market=markets, at_once=flags)
    def answer(self, at: int, supply: bool, decline: bool, saw: int, market: str, at_once: bool) -> None:
        """One side answers, having seen the docking as it is, an older state of it, or none there is."""
        docking = self._docking(at, "proposed")
        said = intake.DockingAnswered(
            party=(docking.supply if supply else docking.demand).party,
            docking=docking.docking,
            docking_revision=max(1, docking.revision + saw),
            class_=MASKS,
            answer="decline" if decline else "accept",
        )
        self._append(said, market)
        self._decide_if(at_once)

    @precondition(lambda self: self.partition.ledger.dockings)
    @rule(at=which)
    def agree(self, at: int) -> None:
        """Both sides accept."""
        docking = self._docking(at, "proposed")
        for side in (docking.supply, docking.demand):
            said = intake.DockingAnswered(
                party=side.party, docking=docking.docking, docking_revision=1, class_=MASKS, answer="accept"
            )
            self._append(said)
        self._decide(ALL)

    @precondition(lambda self: self.partition.ledger.dockings)
    @rule(at=which, supply=flags, counted=reported, converted=seldom(False, True), at_once=flags)
    def report(self, at: int, supply: bool, counted: Shares, converted: bool, at_once: bool) -> None:
        """A side reports shares of what was docked, or counts; not always what it may, nor what can be."""
        docking = self._docking(at, "confirmed", "shipped")
        self.reports += 1
        said = intake.DockingProgressed(
            party=(docking.supply if supply else docking.demand).party,
            docking=docking.docking,
            revision=self.reports,
            class_=MASKS,
            unit=OTHER_UNIT[docking.unit] if converted else docking.unit,
            shipped=_share(docking, counted.get("shipped")),
            delivered=_share(docking, counted.get("delivered")),
            failed=_share(docking, counted.get("failed")),
        )
        self._append(said)
        self._decide_if(at_once)

    @rule(what=disturbances, party=parties)
    def disturb(self, what: LogRecord | str, party: str) -> None:
        """Write what can't be used, or speak of a docking that never was."""
        if isinstance(what, LogRecord):
            self.partition.append(what)
            return
        said = intake.DockingAnswered(
            party=party, docking=what, docking_revision=1, class_=MASKS, answer="accept"
        )
        self._append(said)

    @precondition(lambda self: self.partition.log)
    @rule(ats=st.lists(which, min_size=1, max_size=4), at_once=flags)
    def repeat(self, ats: list[int], at_once: bool) -> None:
        log = self.partition.log
        for at in ats:
            self.partition.append(log[at % len(log)])
        self._decide_if(at_once)

    @precondition(lambda self: len(self.partition.pending) > 1)
    @rule(at=which)
    def overtake(self, at: int) -> None:
        """What two senders write may reach the log in either order."""
        pending = len(self.partition.pending)
        self.partition.swap(len(self.partition.log) - pending + at % (pending - 1))

    @rule(most=counts, move=moves)
    def decide(self, most: int, move: int | str) -> None:
        self.partition.move(move)
        self._decide(most)

    @rule(most=counts, move=moves)
    def die_before_the_commit(self, most: int, move: int | str) -> None:
        """The round that was lost may have had another cut and another clock than the one to come."""
        now_ms = self.partition.wall_ms
        self.partition.move(move)
        self.partition.die(most)
        self.partition.wall_ms = now_ms

    @rule()
    def die_after_the_commit(self) -> None:
        self.partition.other = self.partition.tables.reborn(self.partition.lived)

    @invariant()
    def what_is_stored_is_what_is_known(self) -> None:
        lived = self.partition.lived
        reborn = self.partition.tables.reborn(lived)
        assert essence(reborn) == essence(lived) == essence(self.partition.other)
        sober = essence(self.partition.sober)
        assert {**sober, "position": ()} == {**essence(lived), "position": ()}
        holds_every_window_and_docking(self.partition.tables, lived.markets.values())

    @invariant()
    def what_is_told_adds_up_to_what_was_said(self) -> None:
        partition = self.partition
        judge(partition.said, partition.ledger, self.told, instant(partition.lived.clock_ms))

    @invariant()
    def nothing_worthwhile_is_left(self) -> None:
        now_ms = self.partition.lived.clock_ms
        for market in self.partition.lived.markets.values():
            assert market.policy == self.partition.lived.policy_of(market.name)
            if market.held_until_ms is not None:
                assert market.held_until_ms > now_ms
            else:
                assert not market.dirty
                assert worth_taking(market.policy, all_pairs(market, now_ms), now_ms) == []

    @invariant()
    def what_is_open_has_a_reason_or_will_be_looked_at(self) -> None:
        lived = self.partition.lived
        for key, demand in self.partition.ledger.demands.items():
            if any(window.open for window in demand.windows):
                assert demand.reasons is not None or (demand.market, key) in lived.unexplained
        if self.usual_budget == rounds.EXPLAINED_OFFERS_PER_ROUND:
            assert not lived.unexplained

    def teardown(self) -> None:
        try:
            if self.partition.whole:
                self._finish()
        finally:
            rounds.EXPLAINED_OFFERS_PER_ROUND = self.usual_budget

    def _finish(self) -> None:
        partition = self.partition
        partition.other = partition.tables.reborn(partition.lived)
        self._decide(ALL)
        for _ in range(len(partition.lived.unexplained)):
            self._decide(0)
        assert not partition.lived.unexplained
        decided = [each.decided for each in partition.rounds]
        assert [again.same for again in replay(0, partition.log, decided)] == [True] * len(decided)
        if self.forgot:
            return  # What is forgotten when depends on how the log was cut.
        for most in (1, ALL):
            again = decided_in_rounds_of(most, partition.log, partition.lived.clock_ms)
            assert accepted(again) == accepted(partition.lived)

    def _decide(self, most: int) -> None:
        self.told = self.partition.decide(most)
        self.forgot |= bool(self.told.forgotten)

    def _append(self, data: Shape, market: str = MARKET, gap: int = 0) -> None:
        self.partition.append(good(data, len(self.partition.log), market), gap)

    def _decide_if(self, at_once: bool) -> None:
        if at_once:
            self._decide(ALL)

    def _revised(self, data: Shape, rise: int | None) -> Shape:
        """Give a statement a revision beside that of the last of its name; `rise` None: leave it."""
        revision, said = self.revisions.setdefault(_name(data), 0), _inner(data)
        if rise is None:
            return data
        self.revisions[_name(data)] = number = max(1, revision + rise)
        revised = structs.replace(said, revision=number)
        if isinstance(data, OfferListed):
            return structs.replace(data, offer=revised)
        if isinstance(data, DemandListed):
            return structs.replace(data, demand=revised)
        if isinstance(data, SiteChanged):
            return structs.replace(data, site=revised)
        if isinstance(data, PartyChanged):
            return structs.replace(data, terms=revised)
        return revised

    def _docking(self, at: int, *preferred: str) -> Docking:
        """Return a docking, mostly one in a preferred status."""
        made = list(self.partition.ledger.dockings.values())
        wanted = [docking for docking in made if docking.status in preferred]
        of = wanted if wanted and at % 5 else made
        return of[at % len(of)]


def _inner(data: Shape) -> Shape:
    """Return the statement that carries the revision."""
    for name in ("offer", "demand", "site", "terms"):
        inner = getattr(data, name, None)
        if isinstance(inner, Shape):
            return inner
    return data


def _name(data: Shape) -> tuple[str, ...]:
    """Return what a statement is about: kind, party and id."""
    said = _inner(data)
    kind = next(kind for kind in KINDS if hasattr(said, kind))
    return kind, getattr(said, "party", ""), getattr(said, kind)


def _share(docking: Docking, share: float | None) -> Decimal | None:
    """Return a share of what was docked, rounded down to a whole number."""
    return None if share is None else Decimal(int(docking.quantity * Decimal(share)))


def test_whatever_happens_sums_hold_owners_agree_and_replay_repeats() -> None:
    drive(MarketMachine)
