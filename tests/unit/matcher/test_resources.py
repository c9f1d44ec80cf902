"""What offers share can't be sold twice; where a resource is not known, nothing is."""

from typing import Any

import pytest

from tenon.contracts import intake
from tenon.contracts.alerts import Overloaded
from tenon.contracts.codec import decode_tolerant
from tenon.contracts.positions import ResourcePosition
from tenon.contracts.values import ResourceDraw, Shape, Window
from tests.support.market import (
    MARKET,
    MASKS,
    World,
    answered,
    demand,
    demanded,
    draw,
    item,
    offer,
    policy,
    progressed,
    resource,
    steps_of,
    window,
)

pytestmark = pytest.mark.unit

WITHDRAWN = intake.ResourceWithdrawn(
    party="a", resource="line", revision=9, class_=MASKS, reason="it is sold"
)


def docked(world: World) -> dict[str, int]:
    """Return what is docked of each offer, in every state that consumes."""
    offers = world.state.markets[MARKET].offers.values()
    return {offer.said.offer: sum(window.consumed for window in offer.windows) for offer in offers}


def told(world: World) -> ResourcePosition:
    """Return the last that was told of the resource."""
    values = [
        event.value
        for decisions in world.rounds
        for event in decisions.events
        if event.key == "a/resource/line" and event.value
    ]
    return decode_tolerant(ResourcePosition, values[-1])


def overloads(world: World) -> list[Overloaded]:
    return [
        decode_tolerant(Overloaded, event.value)
        for event in world.rounds[-1].events
        if ("ce_type", b"tenon.alert.overloaded.v1") in event.headers
    ]


def window_of_parts(quantity: int, least: int) -> Window:
    return demanded(window(quantity), least)


def sharing(*loads: str | int) -> list[Shape]:
    """Return offers of 100 that each take so much of a line per unit."""
    return [offer("a", 100, name=f"o{at}", resource=draw(load)) for at, load in enumerate(loads)]


def test_two_offers_of_one_line_give_together_no_more_than_it_bears() -> None:
    world = World()
    world.round(resource("a", window(100)), *sharing(1, 1), demand("b", 500))
    assert sum(docked(world).values()) == 100
    assert [(int(part.consumed), int(part.free)) for part in told(world).windows] == [(100, 0)]


def test_of_what_a_unit_takes_follows_how_many_a_line_bears() -> None:
    world = World()
    world.round(resource("a", window(100)), *sharing("7.5"), demand("b", 500))
    assert docked(world) == {"o0": 13}
    assert str(told(world).windows[0].free) == "2.5"


def test_the_line_makes_what_is_worth_most_for_what_it_takes() -> None:
    """One takes a second a piece and has a long way, the other ten."""
    world = World()
    world.round(
        policy(tranches=(intake.Tranche(up_to_share=1, value=1000),)),
        resource("a", window(100)),
        offer("a", 100, name="slow", resource=draw(10), windows=[window(100, 0, 10)]),
        offer("a", 100, name="quick", resource=draw(1), windows=[window(100, 10, 20)]),
        demand("b", 100, windows=[window(100, 0, 10)]),
        demand("c", 60, windows=[window(60, 10, 20)], kilometres=800),
    )
    assert docked(world) == {"slow": 4, "quick": 60}


def test_the_mould_of_the_chapter_makes_all_caps_and_what_is_left_of_valves() -> None:
    """Docs/matching.md: 100 hours; half a minute for a cap, two for a valve."""
    world = World()
    world.round(
        resource("a", window(360_000, 0, 7)),
        offer("a", name="caps", item=item("mask.cap"), windows=[window(20_000, 0, 7)], resource=draw(30)),
        offer("a", name="valves", item=item("mask.valve"), windows=[window(2_000, 1, 4)], resource=draw(120)),
        demand("clinic", item=item("mask.cap"), windows=[window(8_000, 0, 7)]),
        demand("school", item=item("mask.valve"), windows=[window(1_500, 0, 7)]),
    )
    assert docked(world) == {"caps": 8_000, "valves": 1_000}
    reasons = world.state.markets[MARKET].demands["school/d"].reasons
    assert reasons is not None
    assert reasons.failed == {"class": 1, "resource": 1}


def test_a_load_may_be_stated_in_another_unit_of_what_the_resource_is_counted_in() -> None:
    world = World()
    timed = offer("a", 100, name="o", resource=draw("0.5", unit="MIN"))
    world.round(resource("a", window(100)), timed, demand("b", 500))
    assert docked(world) == {"o": 3}


def test_a_load_in_hours_of_a_resource_that_is_counted_in_pieces_bears_nothing() -> None:
    world = World()
    world.round(resource("a", unit="C62"), offer("a", 10, resource=draw(1, unit="HUR")), demand("b", 10))
    assert docked(world) == {"o": 0}


def test_what_is_made_on_an_unknown_line_docks_when_the_line_is_known() -> None:
    world = World()
    world.round(offer("a", 10, resource=draw()), demand("b", 10))
    assert world.dockings() == []
    reasons = world.state.markets[MARKET].demands["b/d"].reasons
    assert reasons is not None
    assert reasons.failed == {"resource": 1}
    assert reasons.nearest[0].change == (
        "the supplier has to state the capacity of what it makes it on at that time"
    )
    world.round(resource("a"))
    assert docked(world) == {"o": 10}


def test_what_a_full_line_gives_back_is_docked_again_by_whatever_shares_it() -> None:
    world = World()
    world.round(resource("a", window(10)), *sharing(1), demand("b", 10))
    world.round(offer("a", 10, name="other", resource=draw()), demand("c", 10))
    reasons = world.state.markets[MARKET].demands["c/d"].reasons
    assert reasons is not None
    assert reasons.failed == {"resource": 2}
    assert reasons.nearest[0].change.startswith("wait: nothing is left")
    world.round(answered(world.dockings()[0], "b", "decline"))
    assert sum(docked(world).values()) == 10
    assert world.dockings()[-1].demand.party == "c"


def test_a_window_draws_on_the_window_of_the_line_in_which_it_lies_whole() -> None:
    world = World()
    week = resource("a", window(7, 0, 7, "w1"), window(70, 7, 14, "w2"))
    parts = [window(50, 0, 3, "early"), window(50, 3, 7, "late"), window(50, 6, 9, "across")]
    world.round(
        week, offer("a", windows=[*parts, window(50, 8, 14, "next")], resource=draw()), demand("b", 200)
    )
    offered = world.state.markets[MARKET].offers["a/o"].windows
    held = {part.id: part.consumed for part in offered}
    assert held["early"] + held["late"] == 7
    assert (held["across"], held["next"]) == (0, 50)


def test_a_line_that_shrinks_takes_proposals_back_the_least_urgent_first() -> None:
    world = World()
    urgent, calm = demand("b", 6, tier=1), demand("c", 4, tier=3)
    world.round(resource("a", window(10)), *sharing(1), urgent, calm)
    decisions = world.round(resource("a", window(6), revision=2))
    assert steps_of(decisions) == ["cancelled"]
    assert {docking.demand.party: docking.status for docking in world.dockings()} == {
        "b": "proposed",
        "c": "cancelled",
    }
    assert world.dockings()[1].cause.code == "resource_revised"


def test_what_is_confirmed_stays_and_overloads_the_line_until_it_is_reported_failed() -> None:
    world = World()
    world.round(resource("a", window(10)), *sharing(1), demand("b", 10))
    world.round(*(answered(world.dockings()[0], party, "accept") for party in "ab"))
    world.round(WITHDRAWN)
    assert (world.dockings()[0].status, told(world).status) == ("confirmed", "withdrawn")
    assert [int(alert.quantity) for alert in overloads(world)] == [10]
    world.round(progressed(world.dockings()[0], "a", failed=10))
    assert overloads(world) == []
    assert [int(part.consumed) for part in told(world).windows] == [0]


def test_a_line_that_ends_takes_its_proposals_back() -> None:
    world = World()
    world.round(resource("a"), *sharing(1), demand("b", 10))
    assert steps_of(world.round(WITHDRAWN)) == ["cancelled"]
    assert world.dockings()[0].cause.code == "resource_withdrawn"


def test_a_heavier_load_takes_back_what_the_line_does_not_bear_any_more() -> None:
    world = World()
    world.round(resource("a", window(10)), *sharing(1), demand("b", 10))
    decisions = world.round(offer("a", 100, name="o0", revision=2, resource=draw(2)))
    assert steps_of(decisions)[0] == "cancelled"


@pytest.mark.parametrize("changed", [draw(1), draw(10, name="press")])
def test_what_an_offer_leaves_on_its_line_is_docked_by_what_shares_it(changed: ResourceDraw) -> None:
    """One takes ten seconds a piece, until it takes one, or goes to another line."""
    world = World()
    slow: dict[str, Any] = {"automatic": True, "name": "slow", "windows": [window(10)]}
    world.round(
        resource("a", window(100)),
        resource("a", window(100), name="press"),
        offer("a", resource=draw(10), **slow),
        demand("b", 10, automatic=True),
    )
    world.round(offer("a", 50, name="quick", resource=draw(1)), demand("c", 50))
    assert docked(world) == {"slow": 10, "quick": 0}
    world.round(offer("a", revision=2, resource=changed, **slow))
    assert docked(world) == {"slow": 10, "quick": 50}


def test_what_is_confirmed_outside_of_every_window_is_shown_as_drawn_from_outside() -> None:
    world = World()
    world.round(resource("a", window(10)), *sharing(1), demand("b", 10))
    world.round(*(answered(world.dockings()[0], party, "accept") for party in "ab"))
    world.round(resource("a", window(50, 5, 9, "other"), revision=2))
    assert [(part.id, int(part.overdrawn)) for part in told(world).windows] == [("other", 0), ("outside", 10)]


def test_a_line_of_another_party_or_under_another_name_bears_nothing() -> None:
    world = World()
    world.round(resource("x"), resource("a", name="press"), offer("a", 10, resource=draw()), demand("b", 10))
    assert world.dockings() == []


def test_an_old_revision_of_a_line_changes_nothing_and_its_sender_hears_of_it() -> None:
    world = World()
    world.round(resource("a", window(10), revision=3))
    decisions = world.round(resource("a", window(99), revision=2), resource("a", window(10), revision=3))
    assert decisions.decided.counts.superseded == 1
    assert world.state.markets[MARKET].resources["a/line"].windows[0].quantity == 10_000_000


def test_a_line_keeps_its_unit_for_life() -> None:
    world = World()
    world.round(resource("a"))
    assert world.round(resource("a", unit="C62", revision=2)).decided.skipped[0].code == "market_moved"


def test_what_was_taken_from_a_window_stays_taken_until_the_window_is_over() -> None:
    """An offer that ended long ago took a part of a long window of its line."""
    world = World()
    world.round(
        policy(keep_closed_s=86_400, confirmation="automatic"),
        resource("a", window(10, 0, 50)),
        offer("a", 6, name="short", windows=[window(6, 0, 2)], resource=draw()),
        demand("b", 6, windows=[window(6, 0, 2)]),
    )
    world.round(progressed(world.dockings()[0], "a", delivered=6))
    world.round(at=20)
    world.round(
        offer("a", 10, name="new", resource=draw(), windows=[window(10, 0, 50)]), demand("c", 10), at=20
    )
    assert docked(world) == {"short": 6, "new": 4}
    world.round(at=51)
    world.round(at=53)
    assert "short" not in docked(world)


def test_a_line_is_forgotten_when_nothing_draws_on_it_any_more() -> None:
    world = World()
    world.round(policy(keep_closed_s=86_400), resource("a", window(10, 0, 3)), *sharing(1))
    world.round(intake.OfferWithdrawn(party="a", offer="o0", revision=2, class_=MASKS), at=1)
    for number in range(2, 12):
        world.round(at=number)
    market = world.state.markets[MARKET]
    assert (market.offers, market.resources, market.drawing) == ({}, {}, {})
    assert market.closed["r:a/line"] == 1
    assert world.round(resource("a", window(10, 0, 300))).decided.counts.superseded == 0
    assert market.resources == {}


def test_a_demand_gets_in_parts_no_smaller_than_it_takes() -> None:
    world = World()
    small, large = offer("a", 30, name="small"), offer("a", 70, name="large")
    world.round(small, large, demand("b", 100, windows=[window_of_parts(100, 40)]))
    assert docked(world) == {"small": 30, "large": 70}, "30 completes what is open"
    world.round(demand("c", 10))
    other = World()
    other.round(small, large, demand("b", 200, windows=[window_of_parts(200, 40)]))
    assert docked(other) == {"small": 0, "large": 70}
    reasons = other.state.markets[MARKET].demands["b/d"].reasons
    assert reasons is not None
    assert reasons.failed == {"exhausted": 1, "least_part": 1}
    assert [(miss.test, miss.change) for miss in reasons.nearest] == [("least_part", "take smaller parts")]
    other.round(demand("b", 200, revision=2))
    assert docked(other) == {"small": 30, "large": 70}


def test_a_window_that_takes_no_parts_gets_all_from_one_or_nothing() -> None:
    world = World()
    world.round(
        offer("a", 60, name="o1"), offer("x", 60), demand("b", 100, windows=[window_of_parts(100, 100)])
    )
    assert world.dockings() == []
    world.round(offer("y", 100))
    assert [docking.supply.party for docking in world.dockings()] == ["y"]


def test_two_that_take_no_parts_do_not_block_each_other() -> None:
    world = World()
    whole = [window_of_parts(60, 60)]
    world.round(offer("a", 100), demand("b", windows=whole), demand("c", windows=whole, kilometres=10))
    assert [(docking.demand.party, int(docking.quantity)) for docking in world.dockings()] == [("b", 60)]


@pytest.mark.parametrize(("due", "late_from"), [(None, 0), (5, 5)])
def test_a_day_costs_as_late_only_after_the_window_is_due(due: float | None, late_from: int) -> None:
    """Two offers: at hand on day 2 and 300 km away, on day 6 and near; a day late costs 100 points."""
    world = World()
    world.round(
        policy(weights=intake.Weights(freight=1, lateness=100)),
        offer("near", 10, windows=[window(10, 6, 20)]),
        offer("far", 10, windows=[window(10, 2, 20)], kilometres=300),
        demand("b", windows=[demanded(window(10, 0, 20), due=due)]),
    )
    assert [docking.supply.party for docking in world.dockings()] == ["far" if late_from == 0 else "near"]


def test_nothing_is_delivered_before_the_earliest_or_after_the_latest() -> None:
    world = World()
    world.round(
        offer("early", 10, windows=[window(10, 0, 4)]),
        offer("late", 10, windows=[window(10, 9, 12)]),
        demand("b", windows=[window(10, 5, 8)]),
    )
    assert world.dockings() == []


def test_what_is_flexible_costs_what_the_policy_says() -> None:
    dear, cheap = intake.Weights(freight=1, flexible=500), intake.Weights(freight=1)
    for weights, chosen in ((dear, "far"), (cheap, "near")):
        world = World()
        world.round(
            policy(weights=weights),
            offer("near", 10, flexible=True),
            offer("far", 10, kilometres=100),
            demand("b", 10),
        )
        assert [docking.supply.party for docking in world.dockings()] == [chosen]


def test_flexible_capacity_beyond_what_it_may_cost_is_not_taken() -> None:
    world = World()
    weights = intake.Weights(freight=1, flexible=200_000)
    world.round(policy(weights=weights), offer("a", 10, flexible=True), demand("b", 10))
    assert world.dockings() == []
