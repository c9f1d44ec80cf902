"""The state as rows and back: whoever loads it decides as the one that lived."""

from collections.abc import Sequence
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from matcher.domain.reading import Entry, Unusable
from matcher.domain.rows import Rows
from matcher.domain.state import State
from matcher.domain.step import Read
from tenon.contracts import intake
from tenon.contracts.values import Shape
from tests.support.market import (
    MARKET,
    MASKS,
    START_MS,
    World,
    answered,
    demand,
    item,
    offer,
    policy,
    read_of,
    window,
)
from tests.unit.matcher.stories import Story, stories
from tests.unit.matcher.tables import stored

pytestmark = pytest.mark.unit


def reloaded(world: World) -> State:
    return stored(decisions.rows for decisions in world.rounds).reborn(world.state)


@settings(max_examples=200, deadline=None)
@given(stories, st.integers(0, 8))
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
        "closed",
        "forgotten",
        "forgotten_deals",
        "resource_windows",
    }


def lived_and_rebuilt(*before: tuple[float, Sequence[Shape | Unusable]]) -> tuple[World, World]:
    """Return a world after some rounds, and one that was loaded from what it stored."""
    world, other = World(), World()
    for at, data in before:
        world.round(*data, at=at)
    other.state = reloaded(world)
    return world, other


def both_decide(worlds: tuple[World, World], *data: Shape, at: float) -> None:
    lived, loaded = (world.round(*data, at=at) for world in worlds)
    assert loaded == lived


def two_windows(revision: int, *names: str) -> Shape:
    both = {"w1": window(50, 0, 10, "w1"), "w2": window(50, 10, 20, "w2")}
    return offer("a", revision=revision, windows=[both[name] for name in names])


def test_a_closed_docking_outlives_its_window() -> None:
    world = World()
    world.round(two_windows(1, "w1", "w2"), demand("b", 50, windows=[window(50, last=10)]))
    (docking,) = world.dockings()
    world.round(answered(docking, "a", "decline"))
    world.round(two_windows(2, "w2"))
    assert [deal.told.status for deal in reloaded(world).markets[MARKET].deals.values()] == ["declined"]


def test_a_window_that_goes_and_comes_back_in_one_round_is_kept() -> None:
    world = World()
    world.round(two_windows(1, "w1", "w2"))
    world.round(two_windows(2, "w2"), two_windows(3, "w1", "w2"))
    assert [each.id for each in reloaded(world).markets[MARKET].offers["a/o"].windows] == ["w1", "w2"]


def test_a_policy_that_moves_to_another_market_leaves_the_one_before() -> None:
    near = (intake.ReachStep(waiting_s=0, distance_m=1_000),)
    worlds = lived_and_rebuilt(
        (0, [policy(1, market=MARKET, reach=near)]), (0, [policy(2, market="own:other", reach=near)])
    )
    assert worlds[1].state.policies == worlds[0].state.policies
    both_decide(worlds, offer("a"), demand("b", kilometres=500), at=0)
    assert len(worlds[0].dockings()) == 1


def test_of_two_policies_for_a_market_the_later_statement_holds() -> None:
    first, second = policy(1, hold_s=1), structs.replace(policy(1, hold_s=2), policy="q")
    worlds = lived_and_rebuilt((0, [first]), (0, [second]), (0, [structs.replace(first, revision=2)]))
    assert [world.state.policies["*"].hold_s for world in worlds] == [1, 1]


@pytest.mark.parametrize("order", [("own:mask", "own:mask.ffp2"), ("own:mask.ffp2", "own:mask")])
def test_the_narrowest_route_holds_in_whatever_order_it_was_said(order: tuple[str, str]) -> None:
    metres = {"own:mask": 900_000, "own:mask.ffp2": 5_000}
    routes: list[Shape] = [
        intake.RoutesPublished(
            party="a",
            site="main",
            revision=1,
            class_=item(name.removeprefix("own:")).class_,
            distances_m={"b/main": metres[name]},
        )
        for name in order
    ]
    worlds = lived_and_rebuilt((0, routes))
    both_decide(worlds, offer("a", item=item("mask.ffp2")), demand("b"), at=0)
    assert worlds[0].dockings()[0].distance_m == 5_000


def test_a_market_that_gathers_gives_the_same_reasons() -> None:
    worlds = lived_and_rebuilt((0, [policy(hold_s=86_400), offer("a", 10), demand("b", 10)]))
    both_decide(worlds, demand("c", 5), at=0.1)
    both_decide(worlds, at=1)


def test_unusable_records_are_counted_over_a_restart_until_one_is_used() -> None:
    bad = [Unusable(number, "not_json", "") for number in range(3)]
    worlds = lived_and_rebuilt((0, [*bad]), (0, [bad[0]]))
    assert [world.state.unusable_run for world in worlds] == [4, 4]
    worlds = lived_and_rebuilt((0, [*bad]), (0, [offer("a")]))
    assert [world.state.unusable_run for world in worlds] == [0, 0]


def test_what_fired_before_does_not_fire_again() -> None:
    far = (intake.ReachStep(waiting_s=0, distance_m=1), intake.ReachStep(waiting_s=86_400, distance_m=2))
    worlds = lived_and_rebuilt(
        (0, [policy(reach=far, hold_s=3600), offer("a")]), (0.5, []), (1, []), (1.5, [])
    )
    assert worlds[1].state.wake_at_ms == worlds[0].state.wake_at_ms
    worlds = lived_and_rebuilt(
        (0, [policy(reach=far), offer("a")]), (0.5, [policy(2, reach=far, hold_s=60)]), (1, [])
    )
    both_decide(worlds, at=1)


def test_a_market_that_gathers_for_what_is_forgotten_meanwhile_ends_it_in_time() -> None:
    gathering = policy(1, hold_s=86_400, keep_closed_s=1)
    end = intake.OfferWithdrawn(party="a", offer="o", revision=2, class_=MASKS)
    worlds = lived_and_rebuilt(
        (0, [gathering, demand("b")]), (1, []), (1, [offer("a")]), (1.1, [end]), (1.2, [])
    )
    assert MARKET in worlds[0].state.markets
    assert "a/o" not in worlds[0].state.markets[MARKET].offers
    both_decide(worlds, at=2)
    assert worlds[0].state.markets[MARKET].held_until_ms is None


def test_a_rise_that_an_earlier_policy_announced_wakes_nobody() -> None:
    rising = policy(1, weights=intake.Weights(waiting=150))
    worlds = lived_and_rebuilt((0, [rising, demand("b")]), (0.1, [policy(2, hold_s=60)]), (0.2, []))
    both_decide(worlds, at=1)
    assert worlds[0].state.markets[MARKET].held_until_ms is None


def test_an_offer_that_changed_its_class_is_found_under_the_new_one_only() -> None:
    narrow = offer("a", 10, item=item("mask.ffp2"))
    wide = offer("a", 10, revision=2, item=item("mask.ffp3"))
    worlds = lived_and_rebuilt((0, [narrow]), (0, [wide]))
    both_decide(worlds, demand("b", 5, blocked=["a"]), at=0)
    (asked,) = worlds[0].state.markets[MARKET].demands.values()
    assert asked.reasons is not None
    assert asked.reasons.failed == {"blocked": 1}


def test_closed_ids_stay_closed() -> None:
    end = intake.OfferWithdrawn(party="a", offer="o", revision=7, class_=MASKS)
    unknown = intake.DemandWithdrawn(party="b", demand="d", revision=7, class_=MASKS)
    worlds = lived_and_rebuilt((0, [offer("a"), end, unknown]))
    both_decide(worlds, offer("a", revision=6), demand("b", revision=7), at=0)
    assert worlds[1].rounds[0].decided.counts.superseded == 2


def test_an_end_said_in_another_market_leaves_an_id_where_it_is_listed() -> None:
    """An offer is withdrawn where there is none, and listed in its own market, in one round."""
    world = World()
    end = intake.OfferWithdrawn(party="a", offer="o", revision=1, class_=item("glove").class_)
    listed = read_of([offer("a")], 1, START_MS).entries
    world.decide(Read([Entry(0, "own:glove", "a", end), *listed], 0, 2, START_MS))
    assert world.state.homes == {"o:a/o": MARKET}
    assert reloaded(world).homes == world.state.homes
