"""Every no has a reason, and every change that is advised leads to a docking."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from tenon.contracts import intake
from tenon.contracts.positions import Reasons
from tenon.contracts.values import Certificate, Money, Shape
from tests.support.market import (
    MARKET,
    World,
    answered,
    day,
    demand,
    demanded,
    draw,
    item,
    offer,
    policy,
    resource,
    site,
    window,
)
from tests.unit.matcher.stories import Story, played, stories

pytestmark = pytest.mark.unit

Relief = Callable[[World], list[Shape]]


def price(amount: str, currency: str = "EUR") -> Money:
    return Money(amount=amount, currency=currency)


def reasons(world: World, key: str = "b/d") -> Reasons:
    found = world.state.markets[MARKET].demands[key].reasons
    assert found is not None
    return found


def misses(world: World) -> list[tuple[str, str]]:
    return [(miss.test, miss.change) for miss in reasons(world).nearest]


def again(**said: Any) -> Relief:
    """Return the demand said again, with a change."""
    return lambda world: [demand("b", 10, revision=2, **said)]


def near(kilometres: int) -> tuple[intake.ReachStep, ...]:
    return (intake.ReachStep(waiting_s=0, distance_m=kilometres * 1000),)


def worth(points: int) -> tuple[intake.Tranche, ...]:
    return (intake.Tranche(up_to_share=1, value=points),)


FINISHES = intake.Weights(freight=0, further_docking=10**9)
TAKEN: tuple[tuple[str, str, dict[str, Any], dict[str, Any], dict[str, Any], Relief], ...] = (
    (
        "price",
        "pay 15 % more",
        {"price": price("11.01")},
        {"highest_price": price("10")},
        {},
        again(highest_price=price("11.50")),
    ),
    (
        "price",
        "pay 5 % more",
        {"price": price("10.01")},
        {"highest_price": price("10")},
        {},
        again(highest_price=price("10.50")),
    ),
    (
        "price",
        "give a highest price above 0",
        {"price": price("1")},
        {"highest_price": price("0")},
        {},
        again(highest_price=price("1")),
    ),
    (
        "currency",
        "give a highest price in the offer's currency",
        {"price": price("9", "USD")},
        {"highest_price": price("10")},
        {},
        again(highest_price=price("10", "USD")),
    ),
    (
        "region",
        "ask the supplier to serve your region",
        {"regions_served": ["US"]},
        {},
        {},
        lambda world: [offer("a", 10, revision=2)],
    ),
    (
        "certificates",
        "accept other certificates",
        {"certificates": [Certificate(scheme="ce")]},
        {"required_certificates": ["iso"]},
        {},
        again(required_certificates=["ce"]),
    ),
    (
        "readiness",
        "wait until the supplier's site is ready",
        {"place": site("a", ready=0.2)},
        {},
        {},
        lambda world: [offer("a", 10, revision=2, place=site("a", revision=2))],
    ),
    ("blocked", "lift the block between the two parties", {}, {"blocked": ["a"]}, {}, again()),
    (
        "window",
        "accept 3 days later",
        {"windows": [window(10, 7, 20)]},
        {"windows": [window(10, 0, 5)]},
        {},
        again(windows=[window(10, 0, 8)]),
    ),
    (
        "window",
        "accept 1 days earlier",
        {"windows": [window(10, 0, 5)]},
        {"windows": [window(10, 5, 9)]},
        {},
        again(windows=[window(10, 4, 9)]),
    ),
    (
        "window",
        "accept 2 days later",
        {"lead_time_s": 6 * 86_400},
        {"windows": [window(10, 0, 5)]},
        {},
        again(windows=[window(10, 0, 7)]),
    ),
    (
        "window",
        "accept 1 days later",
        {"windows": [window(10, 5, 6)]},
        {"windows": [window(5, 0, 5, "x"), window(5, 30, 40, "y")]},
        {},
        again(windows=[window(5, 0, 6, "x"), window(5, 30, 40, "y")]),
    ),
    (
        "resource",
        "the supplier has to state the capacity of what it makes it on at that time",
        {"resource": draw(2)},
        {},
        {},
        lambda world: [resource("a", window(20))],
    ),
    (
        "least_part",
        "take smaller parts",
        {},
        {"windows": [demanded(window(30), 11)]},
        {},
        again(windows=[demanded(window(30), 10)]),
    ),
    (
        "distance",
        "accept supply from 550 km away",
        {"kilometres": 501},
        {},
        {"reach": near(400)},
        lambda world: [policy(2, reach=near(550))],
    ),
    (
        "not_worth",
        "the policy's value of a unit is below its cost",
        {"kilometres": 500},
        {},
        {"tranches": worth(100)},
        lambda world: [policy(2, tranches=worth(1000))],
    ),
    (
        "unfinished",
        "ask for less: the offer cannot finish what is open",
        {"windows": [window(4)]},
        {},
        {"weights": FINISHES},
        lambda world: [demand("b", 4, revision=2)],
    ),
)


@pytest.mark.parametrize(("test", "change", "supply", "want", "rule", "relief"), TAKEN)
def test_the_change_that_a_nearest_miss_advises_leads_to_a_docking(
    test: str, change: str, supply: dict[str, Any], want: dict[str, Any], rule: dict[str, Any], relief: Relief
) -> None:
    world = World()
    world.round(policy(**rule), offer(**{"party": "a", "quantity": 10, **supply}), demand("b", 10, **want))
    assert world.dockings() == []
    assert misses(world) == [(test, change)]
    world.round(*relief(world))
    assert len(world.dockings()) == 1


def test_waiting_as_advised_leads_to_a_docking() -> None:
    reach = (*near(100), intake.ReachStep(waiting_s=86_400))
    world = World()
    world.round(policy(reach=reach), offer("a", 10, kilometres=300), demand("b", 10))
    assert misses(world) == [("held_back", "wait: the offer is kept for nearer demands for now")]
    world.round(at=1)
    assert len(world.dockings()) == 1


def test_who_can_not_wait_so_long_is_not_told_to() -> None:
    reach = (*near(100), intake.ReachStep(waiting_s=86_400))
    world = World()
    world.round(policy(reach=reach), offer("a", 10, kilometres=300), demand("b", 10, patience_until=day(1)))
    assert reasons(world).failed == {"held_back": 1}
    assert misses(world) == []


def test_while_a_market_gathers_its_demands_are_told_to_wait() -> None:
    world = World()
    world.round(policy(hold_s=3600), offer("a", 10), demand("b", 10))
    assert misses(world) == [("held_back", "wait: the market gathers before it decides for now")]
    world.round(at=1 / 24)
    assert len(world.dockings()) == 1


def test_a_declined_pair_docks_under_a_new_id_as_advised() -> None:
    world = World()
    world.round(offer("a", 10), demand("b", 10))
    world.round(answered(world.dockings()[0], "a", "decline"))
    assert misses(world) == [
        ("declined_before", "publish the demand again under a new id: this pair fell through before")
    ]
    end = intake.DemandWithdrawn(party="b", demand="d", revision=2, class_=item().class_)
    world.round(end, demand("b", 10, name="new"))
    assert [docking.demand.id for docking in world.dockings()] == ["d", "new"]


def test_a_change_that_would_not_be_enough_is_not_advised() -> None:
    world = World()
    dear = offer("a", 10, kilometres=500, price=price("11"))
    world.round(policy(tranches=worth(100)), dear, demand("b", 10, highest_price=price("10")))
    assert reasons(world).failed == {"price": 1}
    assert misses(world) == []


def test_two_faults_are_no_near_miss() -> None:
    world = World()
    world.round(offer("a", 10, regions_served=["US"], blocked=["b"]), demand("b", 10))
    assert reasons(world).failed == {"blocked": 1}
    assert misses(world) == []


def test_nobodys_exact_price_or_place_can_be_read_from_a_miss() -> None:
    seen = set()
    for cents, kilometres in ((1101, 501), (1149, 549)):
        world = World()
        world.round(
            policy(reach=near(400)),
            offer("far", 10, kilometres=kilometres),
            offer("dear", 10, price=price(f"{cents / 100}")),
            demand("b", 10, highest_price=price("10")),
        )
        seen.add(tuple(misses(world)))
    assert seen == {(("price", "pay 15 % more"), ("distance", "accept supply from 550 km away"))}


def test_misses_of_one_kind_are_counted_together_and_only_the_most_frequent_are_told() -> None:
    world = World()
    world.round(
        policy(reach=near(10)),
        *(offer(f"near{number}", 10, kilometres=420) for number in range(3)),
        *(offer(f"far{number}", 10, kilometres=1000 + 100 * number) for number in range(6)),
        demand("b", 10),
    )
    told = reasons(world).nearest
    assert [(miss.change[19:-8], miss.offers, int(miss.quantity)) for miss in told] == [
        ("450", 3, 30),
        ("1050", 1, 10),
        ("1150", 1, 10),
        ("1250", 1, 10),
        ("1350", 1, 10),
    ]


def test_offers_of_other_classes_and_exhausted_ones_are_counted() -> None:
    world = World()
    world.round(
        offer("other", 10, item=item("gown")),
        offer("kind", 10, item=item(kind="service")),
        offer("empty", 0),
        offer("over", 10, valid_until=day(1)),
        at=1,
    )
    world.round(demand("b", 10), at=2)
    assert reasons(world).failed == {"class": 2, "exhausted": 2}


def test_a_filled_demand_has_no_reasons() -> None:
    world = World()
    world.round(demand("b", 10))
    assert reasons(world).considered == 0
    world.round(offer("a", 10))
    assert world.state.markets[MARKET].demands["b/d"].reasons is None


@settings(max_examples=150, deadline=None)
@given(stories)
def test_counts_add_up_to_the_offers_considered(story: Story) -> None:
    world = World()
    for _ in played(world, story):
        for market in world.state.markets.values():
            for asked in market.demands.values():
                assert (asked.reasons is not None) == (asked.open > 0)
                if asked.reasons is not None:
                    assert sum(asked.reasons.failed.values()) == asked.reasons.considered
                    assert len(asked.reasons.nearest) <= 5
