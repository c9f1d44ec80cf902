"""What holds after every round, whatever is said, repeated, reordered or cut off by a crash."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.domain.model import Market
from matcher.domain.pairs import all_pairs
from matcher.domain.rows import (
    DealRow,
    DemandWindowRow,
    EntityRow,
    OfferWindowRow,
    Rows,
    rebuild,
)
from matcher.domain.solving import worth_taking
from matcher.domain.state import State
from matcher.domain.step import Decisions
from tenon.contracts import intake
from tenon.contracts.log import PartyChanged, SiteChanged
from tenon.contracts.values import Shape, Window
from tests.support.market import (
    MASKS,
    World,
    answered,
    day,
    demand,
    offer,
    policy,
    progressed,
    read_of,
    site,
    terms,
    window,
)

pytestmark = pytest.mark.unit

PARTIES = ("a", "b", "c", "d")
party = st.sampled_from(PARTIES)
revision = st.integers(1, 4)
quantity = st.integers(0, 60)
kilometres = st.sampled_from((0, 90, 400, 2500))
NEAR_FIRST = (intake.ReachStep(waiting_s=0, distance_m=200_000), intake.ReachStep(waiting_s=3 * 86_400))
ANYWHERE = (intake.ReachStep(waiting_s=0),)
FALLING = (intake.Tranche(up_to_share=0.5, value=100_000), intake.Tranche(up_to_share=1, value=300))
Said = Callable[[World], Shape]
"""What is said may depend on what was decided before: an answer names a docking."""


def windows_of(draw: st.DrawFn) -> list[Window]:
    names = draw(st.lists(st.sampled_from(("w1", "w2")), min_size=1, max_size=2, unique=True))
    return [
        window(draw(quantity), first=index * 10, last=index * 10 + 10, name=name)
        for index, name in enumerate(names)
    ]


@st.composite
def listings(draw: st.DrawFn) -> Said:
    said: dict[str, Any] = {
        "party": draw(party),
        "name": draw(st.sampled_from(("x", "y"))),
        "kilometres": draw(kilometres),
        "revision": draw(revision),
        "automatic": draw(st.booleans()),
        "windows": windows_of(draw),
        "blocked": draw(st.lists(party, max_size=1)),
    }
    if draw(st.booleans()):
        listed: Shape = offer(**said, lead_time_s=draw(st.sampled_from((0, 86_400))))
    else:
        listed = demand(**said, tier=draw(st.integers(1, 3)), patience_until=day(draw(st.integers(1, 20))))
    return lambda world: listed


@st.composite
def ends(draw: st.DrawFn) -> Said:
    who, name, number = draw(party), draw(st.sampled_from(("x", "y"))), draw(revision)
    if draw(st.booleans()):
        return lambda world: intake.OfferWithdrawn(party=who, offer=name, revision=number, class_=MASKS)
    return lambda world: intake.DemandWithdrawn(party=who, demand=name, revision=number, class_=MASKS)


@st.composite
def replies(draw: st.DrawFn) -> Said:
    which, supply = draw(st.integers(0, 20)), draw(st.booleans())
    counts = draw(st.lists(quantity, min_size=3, max_size=3))
    kind: Literal["accept", "decline", "progress"] = draw(st.sampled_from(("accept", "decline", "progress")))

    def build(world: World) -> Shape:
        made = world.dockings()
        if not made:
            return site_changed("a", 2)
        docking = made[which % len(made)]
        who = docking.supply.party if supply else docking.demand.party
        if kind == "progress":
            names = ("shipped", "delivered", "failed") if supply else ("delivered",)
            return progressed(docking, who, **dict(zip(names, counts, strict=False)))
        return answered(docking, who, kind)

    return build


def site_changed(who: str, number: int, ready: float = 1) -> Shape:
    return SiteChanged(site=site(who, 50, revision=number, ready=ready))


@st.composite
def others(draw: st.DrawFn) -> Said:
    kind, who, number = draw(st.integers(0, 3)), draw(party), draw(revision)
    if kind == 0:
        return lambda world: site_changed(who, number, ready=0.2)
    if kind == 1:
        return lambda world: PartyChanged(terms=terms(who, automatic=True))
    if kind == 2:
        far = {f"{other}/main": 1000 * draw(kilometres) for other in PARTIES}
        return lambda world: intake.RoutesPublished(
            party=who, site="main", revision=number, class_=MASKS, distances_m=far
        )
    said: dict[str, Any] = {
        "reach": draw(st.sampled_from((NEAR_FIRST, ANYWHERE))),
        "weights": intake.Weights(further_docking=draw(st.sampled_from((0, 100, 1_000_000, 10**9)))),
        "hold_s": draw(st.sampled_from((0, 0, 86_400))),
        "tranches": FALLING,
        "respond_within_s": 2 * 86_400,
    }
    return lambda world: policy(number, **said)


said = st.one_of(listings(), listings(), listings(), replies(), replies(), ends(), others())
Story = list[tuple[list[Said], int]]
rounds = st.lists(st.tuples(st.lists(said, max_size=4), st.integers(0, 4)), min_size=1, max_size=8)


def windows_add_up(market: Market) -> None:
    for have in market.offers.values():
        for window_ in have.windows:
            held = [deal.consumed for deal in market.deals.values() if deal.offer == (have.key, window_.id)]
            assert window_.consumed == sum(held)
            assert window_.quantity + window_.overdrawn == window_.free + window_.consumed
            promised = [
                deal
                for deal in market.deals.values()
                if deal.offer == (have.key, window_.id) and deal.told.status == "proposed"
            ]
            assert not (window_.overdrawn and promised), "a proposal is never kept where it does not fit"
    for asked in market.demands.values():
        for want in asked.windows:
            parts = (want.open, want.proposed, want.confirmed, want.shipped, want.delivered, want.given_up)
            assert min(parts) >= 0
            assert want.asked == sum(parts)


def nothing_worthwhile_is_left(market: Market, now_ms: int) -> None:
    if market.held_until_ms is not None:
        return
    assert worth_taking(market, all_pairs(market, now_ms), now_ms) == []


def stored(decisions: list[Decisions]) -> Rows:
    """Return what a database that keeps the last of each row holds after these rounds."""
    entities: dict[tuple[str, str, str], EntityRow] = {}
    have: dict[tuple[str, str], OfferWindowRow] = {}
    want: dict[tuple[str, str], DemandWindowRow] = {}
    deals: dict[str, DealRow] = {}
    for decided in decisions:
        for row in decided.rows.entities:
            old = entities.get((row.kind, row.market, row.key))
            body = old.body if old is not None and row.body is None else row.body
            entities[row.kind, row.market, row.key] = replace(row, body=body)
        for dropped in decided.rows.dropped_windows:
            rows: dict[tuple[str, str], Any] = have if dropped[0][0] == "o" else want
            rows.pop((dropped[0][2:], dropped[1]), None)
        have.update({(row.key, row.window): row for row in decided.rows.offer_windows})
        want.update({(row.key, row.window): row for row in decided.rows.demand_windows})
        deals.update({row.docking: row for row in decided.rows.deals})
    return Rows([*entities.values()], [*have.values()], [*want.values()], [*deals.values()])


def reloaded(world: World) -> State:
    state = world.state
    empty = State(state.partition, state.clock_ms, state.round, state.digest, state.next_offset)
    return rebuild(empty, stored(world.rounds))


@settings(max_examples=150, deadline=None)
@given(rounds)
def test_sums_hold_nothing_worthwhile_is_left_and_replay_repeats(
    story: Story,
) -> None:
    world = World()
    clock = 0.0
    for events, days in story:
        clock += days
        world.round(*(build(world) for build in events), at=clock)
        for market in world.state.markets.values():
            windows_add_up(market)
            nothing_worthwhile_is_left(market, world.state.clock_ms)
    again = World()
    assert [again.decide(read) for read in world.reads] == world.rounds


@settings(max_examples=150, deadline=None)
@given(rounds, st.integers(0, 8))
def test_a_rebuilt_state_decides_as_the_one_that_lived(story: Story, crash_after: int) -> None:
    world = World()
    survivor: World | None = None
    clock = 0.0
    for number, (events, days) in enumerate(story):
        clock += days
        data = [build(world) for build in events]
        if number == crash_after:
            survivor = World()
            survivor.state = reloaded(world)
        read = read_of(
            data, world.state.next_offset, max(world.state.clock_ms, world.state.clock_ms + days * 86_400_000)
        )
        lived = world.decide(read)
        if survivor is not None:
            assert survivor.decide(read) == lived


def test_every_row_type_is_rebuilt() -> None:
    assert {each.name for each in fields(Rows)} == {
        "entities",
        "offer_windows",
        "demand_windows",
        "deals",
        "dropped_windows",
    }
