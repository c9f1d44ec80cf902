"""What a unit costs and is worth, in points."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.domain.model import Demand, DemandWindow, Offer
from matcher.domain.pricing import (
    MAX_POINTS,
    Pair,
    best_value,
    further_cost,
    reach_m,
    tranches_of,
    unit_cost,
)
from matcher.domain.said import demand_from, offer_from
from tenon.contracts import intake
from tenon.contracts.values import Money
from tests.support.market import DAY_MS, START_MS, World, demand, item, offer, policy

pytestmark = pytest.mark.unit

THIRDS = (intake.Tranche(up_to_share=0.5, value=100), intake.Tranche(up_to_share=1, value=40))
DEAREST = dict.fromkeys(("price", "freight", "lateness", "waiting"), 10**6)


def supply(**said: Any) -> Offer:
    return offer_from(offer("a", **said), START_MS, 0)


def want(**said: Any) -> Demand:
    return demand_from(demand("b", **said), START_MS, 0)


def cost(
    weights: intake.Weights, offered: Offer, distance_m: int = 0, now_ms: int = START_MS, **asked: Any
) -> int:
    rule = policy(weights=weights)
    return unit_cost(rule, offered, offered.windows[0], want(**asked).windows[0], distance_m, now_ms)


def price(amount: str) -> Money:
    return Money(amount=amount, currency="EUR")


@pytest.mark.parametrize(
    ("weights", "amount", "distance_m", "waited_days", "points"),
    [
        (intake.Weights(freight=0), "2.5", 9_999_999, 9, 0),
        (intake.Weights(freight=3), "0", 1_999, 0, 5),
        (intake.Weights(freight=0, price=10), "2.59", 0, 0, 25),
        (intake.Weights(freight=0, lateness=7), "0", 0, 2.99, 14),
        (intake.Weights(freight=1, price=1, lateness=1), "1", 1_000, 1, 3),
    ],
)
def test_price_freight_and_lateness_add_up(
    weights: intake.Weights, amount: str, distance_m: int, waited_days: float, points: int
) -> None:
    now_ms = START_MS + round(waited_days * DAY_MS)
    assert cost(weights, supply(price=price(amount)), distance_m, now_ms) == points


def test_nothing_legal_costs_more_than_the_limit() -> None:
    weights = intake.Weights(**DEAREST)
    dear = supply(price=price("1000000000"), lead_time_s=5 * 366 * 86_400)
    assert cost(weights, dear, 40_100_000, START_MS + 360 * DAY_MS) == MAX_POINTS


def test_nothing_legal_is_worth_more_than_the_limit() -> None:
    highest = (intake.Tranche(up_to_share=1, value=MAX_POINTS),)
    rule = policy(weights=intake.Weights(**DEAREST), tranches=highest)
    asked = want()
    later = START_MS + 300 * DAY_MS
    assert best_value(rule, asked, later) == MAX_POINTS
    assert tranches_of(rule, asked, asked.windows[0], later) == [(100, MAX_POINTS)]


def test_the_dearest_legal_market_is_decided() -> None:
    world = World()
    highest = (intake.Tranche(up_to_share=1, value=MAX_POINTS),)
    world.round(
        policy(weights=intake.Weights(**DEAREST, further_docking=10**9), tranches=highest),
        offer("dear", price=price("1000000000")),
        offer("free"),
        demand("b", kilometres=900),
        at=5,
    )
    assert [docking.supply.party for docking in world.dockings()] == ["free"]


def test_a_thousand_offers_of_the_largest_quantity_are_decided() -> None:
    world = World()
    largest = 10**12
    world.round(
        *(offer(f"s{number}", largest) for number in range(1000)), demand("b", largest), demand("c", largest)
    )
    assert sum(docking.quantity for docking in world.dockings()) == 2 * largest


@pytest.mark.parametrize(
    ("docked", "parts"),
    [
        (0, [(50, 100), (50, 40)]),
        (49, [(1, 100), (50, 40)]),
        (50, [(50, 40)]),
        (99, [(1, 40)]),
        (100, []),
    ],
)
def test_a_units_value_falls_with_the_share_filled(docked: int, parts: list[tuple[int, int]]) -> None:
    asked = DemandWindow("w", START_MS, START_MS + DAY_MS, 100, confirmed=docked)
    assert tranches_of(policy(tranches=THIRDS), want(), asked, START_MS) == parts


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 999_999))
def test_tranches_hold_exactly_what_is_open(said: int, docked: int, given_up: int, share_ppm: int) -> None:
    asked = DemandWindow("w", 0, 1, said, confirmed=docked)
    asked.given_up = min(given_up, asked.open)
    cut = intake.Tranche(up_to_share=share_ppm / 10**6, value=9), intake.Tranche(up_to_share=1, value=1)
    parts = tranches_of(policy(tranches=cut), want(), asked, START_MS)
    assert sum(amount for amount, _ in parts) == asked.open
    assert all(amount > 0 for amount, _ in parts)


@pytest.mark.parametrize(("days", "value"), [(0, 100), (0.99, 100), (1, 110), (3, 130)])
def test_value_rises_with_each_whole_day_of_waiting(days: float, value: int) -> None:
    rule = policy(weights=intake.Weights(waiting=10), tranches=THIRDS)
    asked, now_ms = want(), START_MS + round(days * DAY_MS)
    assert best_value(rule, asked, now_ms) == value
    assert tranches_of(rule, asked, asked.windows[0], now_ms)[0] == (50, value)


@pytest.mark.parametrize(
    ("have", "asked", "points"),
    [(100, 100, 0), (120, 100, 0), (50, 100, 10), (30, 100, 24), (1, 100, 990)],
)
def test_a_further_docking_is_charged_by_the_share_left_open_over_the_units_that_move(
    have: int, asked: int, points: int
) -> None:
    rule = policy(weights=intake.Weights(further_docking=1000))
    assert further_cost(rule, pair(supply(quantity=have), want(quantity=asked))) == points


def test_a_further_docking_is_charged_per_base_unit_not_per_grain() -> None:
    rule = policy(weights=intake.Weights(further_docking=1000))
    kilograms = item(unit="KGM")
    assert (
        further_cost(rule, pair(supply(quantity=50, item=kilograms), want(quantity=100, item=kilograms)))
        == 10
    )


def test_a_demand_that_moved_part_of_the_way_counts_what_it_asked_in_all() -> None:
    rule = policy(weights=intake.Weights(further_docking=1000))
    asked = want(quantity=100)
    asked.windows[0].confirmed = 40
    assert further_cost(rule, pair(supply(quantity=30), asked)) == 10


@pytest.mark.parametrize(
    ("waited_s", "metres"), [(0, 1000), (59, 1000), (60, 2000), (3599, 2000), (3600, None), (10**6, None)]
)
def test_reach_grows_at_its_steps(waited_s: int, metres: int | None) -> None:
    steps = (
        intake.ReachStep(waiting_s=0, distance_m=1000),
        intake.ReachStep(waiting_s=60, distance_m=2000),
        intake.ReachStep(waiting_s=3600),
    )
    assert reach_m(policy(reach=steps), supply(), START_MS + waited_s * 1000) == metres


def pair(offered: Offer, asked: Demand) -> Pair:
    return Pair(offered, offered.windows[0], asked, asked.windows[0], 0, 0)
