"""What time leaves of offers and demands."""

from collections.abc import Sequence
from typing import Any

import pytest

from tenon.contracts import intake
from tenon.contracts.alerts import Overdrawn, Unmet
from tenon.contracts.codec import decode_tolerant
from tests.support.market import MARKET, MASKS, World, day, demand, offer, policy, progressed, window

pytestmark = pytest.mark.unit


def statuses(world: World) -> dict[str, str]:
    market = world.state.markets[MARKET]
    offers = {key: entry.status for key, entry in market.offers.items()}
    return {**offers, **{key: entry.status for key, entry in market.demands.items()}}


def unmet(world: World) -> list[Unmet]:
    """Return the alerts of the last round."""
    return [
        decode_tolerant(Unmet, event.value)
        for event in world.rounds[-1].events
        if ("ce_type", b"tenon.alert.unmet.v1") in event.headers
    ]


def parts(world: World) -> list[tuple[int, int, int]]:
    (asked,) = world.state.markets[MARKET].demands.values()
    return [(window.open, window.docked, window.given_up) for window in asked.windows]


def test_a_demand_waits_until_the_end_of_its_patience_and_no_longer() -> None:
    world = World()
    world.round(demand("b", patience_until=day(2)))
    world.round(at=1.9999)
    assert statuses(world) == {"b/d": "open"}
    world.round(at=2)
    assert statuses(world) == {"b/d": "expired"}
    assert [(alert.cause, int(alert.quantity)) for alert in unmet(world)] == [("its patience ended", 100)]


def test_a_demand_without_patience_of_its_own_has_the_policys() -> None:
    world = World()
    world.round(policy(patience_s=86_400), demand("b"), demand("c", patience_until=day(3)))
    world.round(at=1)
    assert statuses(world) == {"b/d": "expired", "c/d": "open"}


def test_each_window_is_given_up_when_it_ends() -> None:
    world = World()
    world.round(demand("b", windows=[window(10, 0, 2, "w1"), window(20, 2, 4, "w2")]))
    world.round(at=2)
    assert parts(world) == [(0, 0, 10), (20, 0, 0)]
    assert [(alert.cause, int(alert.quantity)) for alert in unmet(world)] == [("its window ended", 10)]
    assert statuses(world) == {"b/d": "open"}
    world.round(at=4)
    assert statuses(world) == {"b/d": "expired"}


def test_what_is_docked_is_not_given_up() -> None:
    world = World()
    world.round(offer("a", 60, automatic=True), demand("b", 100, patience_until=day(1), automatic=True))
    world.round(at=1)
    assert parts(world) == [(0, 60, 40)]


def test_what_comes_back_after_the_end_is_given_up_too() -> None:
    world = World()
    world.round(offer("a", 100, automatic=True), demand("b", 100, patience_until=day(1), automatic=True))
    world.round(at=1)
    world.round(progressed(world.dockings()[0], "a", failed=30), at=1)
    assert parts(world) == [(0, 70, 30)]
    assert [alert.quantity for alert in unmet(world)] == [30]


def test_what_time_ends_in_one_round_does_not_depend_on_timers_of_the_past() -> None:
    """A patience that was shorter once left a timer, which an owner that was rebuilt does not have."""
    world = World()
    world.round(policy(respond_within_s=155_520), offer("a", 40), demand("b", 100, patience_until=day(1.5)))
    world.round(demand("b", 100, revision=2, patience_until=day(2)), demand("a", 5, patience_until=day(2)))
    world.round(at=3)
    assert [(alert.party, int(alert.quantity)) for alert in unmet(world)] == [("a", 5), ("b", 100)]


def test_a_withdrawn_demand_raises_no_alert() -> None:
    world = World()
    world.round(demand("b"))
    world.round(intake.DemandWithdrawn(party="b", demand="d", revision=2, class_=MASKS))
    assert (parts(world), unmet(world)) == ([(0, 0, 100)], [])


def test_asking_again_after_the_end_opens_a_demand_again() -> None:
    world = World()
    world.round(demand("b", patience_until=day(1)))
    world.round(at=1)
    world.round(demand("b", revision=2, patience_until=day(9)), offer("a"), at=1)
    assert statuses(world) == {"b/d": "filled", "a/o": "filled"}


@pytest.mark.parametrize(
    ("said", "last"),
    [
        ({"windows": [window(10, 0, 3)]}, 3),
        ({"windows": [window(5, 0, 3, "w1"), window(5, 4, 6, "w2")]}, 6),
        ({"windows": [window(10, 0, 9)], "valid_until": day(5)}, 5),
    ],
)
def test_an_offer_expires_with_its_last_window_or_its_validity(said: dict[str, Any], last: int) -> None:
    world = World()
    world.round(offer("a", **said))
    world.round(at=last - 0.001)
    assert statuses(world) == {"a/o": "open"}
    world.round(at=last)
    assert statuses(world) == {"a/o": "expired"}


def test_an_expired_offer_is_not_looked_at_any_more() -> None:
    world = World()
    world.round(offer("a", valid_until=day(1)))
    world.round(at=1)
    assert all(not names for names in world.state.markets[MARKET].open_offers.values())


def test_status_follows_what_is_docked_and_given_back() -> None:
    world = World()
    world.round(offer("a", 100), demand("b", 100))
    assert statuses(world) == {"a/o": "filled", "b/d": "filled"}
    world.round(at=1)
    assert statuses(world) == {"a/o": "open", "b/d": "open"}


def overdrawn(world: World) -> Sequence[tuple[str, int]]:
    return [
        (told.window, int(told.quantity))
        for event in world.rounds[-1].events
        if ("ce_type", b"tenon.alert.overdrawn.v1") in event.headers
        for told in [decode_tolerant(Overdrawn, event.value)]
    ]


@pytest.mark.parametrize(("quantity", "alerts"), [(100, []), (99, [("w", 1)]), (0, [("w", 100)])])
def test_a_window_that_holds_less_than_is_confirmed_is_told_as_overdrawn(
    quantity: int, alerts: list[tuple[str, int]]
) -> None:
    world = World()
    world.round(offer("a", 100, automatic=True), demand("b", 100, automatic=True))
    world.round(offer("a", quantity, revision=2, automatic=True))
    assert overdrawn(world) == alerts
