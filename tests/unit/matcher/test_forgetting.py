"""What is closed for long leaves the state; that it did so changes no decision."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from msgspec import structs

from matcher.domain.step import Decisions
from tenon.contracts import intake
from tenon.contracts.log import DemandListed, OfferListed
from tenon.contracts.values import Shape
from tests.support.market import (
    MARKET,
    MASKS,
    World,
    answered,
    demand,
    item,
    offer,
    policy,
    progressed,
    window,
)
from tests.unit.matcher.stories import Story, stories
from tests.unit.matcher.tables import stored

pytestmark = pytest.mark.unit

SOON = policy(1, keep_closed_s=86_400)
FOR_EVER_S = 3660 * 86_400


def withdrawn_offer(revision: int) -> Shape:
    return intake.OfferWithdrawn(party="a", offer="o", revision=revision, class_=MASKS)


def world_of(*data: Shape) -> World:
    world = World()
    world.round(SOON, *data)
    return world


def names(world: World) -> set[str]:
    market = world.state.markets[MARKET]
    return {f"o:{key}" for key in market.offers} | {f"d:{key}" for key in market.demands}


def test_of_an_offer_that_was_withdrawn_long_ago_only_its_revision_is_left() -> None:
    world = world_of(offer("a", revision=3), withdrawn_offer(4))
    world.round(at=0.9)
    assert names(world) == {"o:a/o"}
    decisions = world.round(at=1)
    assert names(world) == set()
    assert world.state.markets[MARKET].closed == {"o:a/o": 4}
    assert decisions.rows.forgotten == [("offer", MARKET, "a/o")]
    assert [(event.key, event.value) for event in decisions.events if not event.value] == [("a/offer/o", b"")]
    tables = stored(each.rows for each in world.rounds)
    assert not tables.offer_windows
    assert [kind for kind, _, _ in tables.entities if kind == "offer"] == []


def test_what_is_forgotten_in_one_round_is_told_by_name_whatever_closed_first() -> None:
    """Which timers are left of the past differs between an owner that lived and one that was rebuilt."""
    world = World()
    world.round(
        structs.replace(SOON, keep_closed_s=5 * 86_400),
        offer("z", windows=[window(10, 0, 1)]),
        offer("a", windows=[window(10, 0, 2)]),
        demand("z", windows=[window(10, 0, 3)], item=item("other")),
    )
    for day in (1, 2, 3):
        world.round(at=day)
    decisions = world.round(at=9)
    assert [event.key for event in decisions.events if not event.value] == [
        "z/demand/d",
        "a/offer/o",
        "z/offer/o",
    ]


def test_a_demand_whose_patience_became_longer_is_closed_no_more() -> None:
    hasty = structs.replace(SOON, patience_s=86_400)
    world = World()
    world.round(hasty, demand("b"))
    world.round(at=1.5)
    world.round(structs.replace(SOON, revision=2), at=1.6)
    world.round(at=9)
    assert names(world) == {"d:b/d"}


@pytest.mark.parametrize("revision", [1, 3])
def test_a_late_message_does_not_raise_what_is_forgotten(revision: int) -> None:
    world = world_of(offer("a", revision=3, windows=[window(10, 0, 0.1)]))
    world.round(at=0.5)
    world.round(at=2)
    assert names(world) == set()
    late = world.round(offer("a", revision=revision, windows=[window(10, 0, 20)]), demand("b", 5), at=2)
    assert names(world) == {"d:b/d"}
    assert late.decided.counts.superseded == (1 if revision < 3 else 0)
    assert late.decided.counts.docked == 0


def test_a_newer_revision_of_what_is_forgotten_begins_anew() -> None:
    world = world_of(offer("a", revision=3), withdrawn_offer(4))
    world.round(at=1)
    assert world.round(offer("a", revision=5), demand("b", 5), at=2).decided.counts.docked == 1
    assert world.state.markets[MARKET].closed == {}


def test_an_offer_stays_as_long_as_one_of_its_dockings_may_still_be_reported_on() -> None:
    world = world_of(offer("a", 10, automatic=True), demand("b", 10, automatic=True))
    (docking,) = world.dockings()
    world.round(withdrawn_offer(2), at=1)
    world.round(at=9)
    assert "o:a/o" in names(world)
    world.round(progressed(docking, "a", shipped=10, delivered=10), at=10)
    world.round(at=10.5)
    assert len(world.dockings()) == 1
    decisions = world.round(at=11)
    assert decisions.rows.forgotten_deals == [docking.docking]
    assert decisions.rows.forgotten == [("offer", MARKET, "a/o")]


def test_windows_keep_what_was_delivered_by_dockings_that_are_forgotten() -> None:
    world = world_of(offer("a", 30, automatic=True), demand("b", 10, automatic=True))
    (docking,) = world.dockings()
    world.round(progressed(docking, "a", shipped=10, delivered=10))
    world.round(at=2)
    assert world.dockings() == []
    for state in (world.state, stored(each.rows for each in world.rounds).reborn(world.state)):
        (have,) = state.markets[MARKET].offers["a/o"].windows
        (want,) = state.markets[MARKET].demands["b/d"].windows
        assert (have.consumed, have.free, want.delivered, want.open) == (10, 20, 10, 0)


def test_an_answer_to_a_docking_that_is_forgotten_is_refused() -> None:
    world = world_of(offer("a"), demand("b"))
    (docking,) = world.dockings()
    world.round(answered(docking, "a", "decline"))
    assert world.round(answered(docking, "b", "accept"), at=0.5).decided.counts.refused == 1
    world.round(at=1)
    assert world.dockings() == []
    assert world.round(answered(docking, "b", "accept"), at=1).decided.counts.refused == 1


def test_a_demand_that_was_served_is_forgotten_once_its_windows_are_over() -> None:
    world = world_of(
        offer("a", 10, automatic=True), demand("b", 10, automatic=True, windows=[window(10, 0, 5)])
    )
    (docking,) = world.dockings()
    world.round(progressed(docking, "a", shipped=10, delivered=10))
    world.round(at=4)
    assert "d:b/d" in names(world)
    quiet = world.round(at=5)
    assert len(quiet.events) == 1, "that its time is over is news to nobody"
    world.round(at=6)
    assert "d:b/d" not in names(world)


def test_what_is_published_and_withdrawn_day_after_day_leaves_no_timers() -> None:
    world = world_of()
    for day in range(3_000):
        world.round(offer("a", revision=2 * day + 1), withdrawn_offer(2 * day + 2), at=day)
    assert len(world.state.timers) < 1_100


@settings(max_examples=150, deadline=None)
@given(stories)
def test_forgetting_changes_no_decision(story: Story) -> None:
    """Told the same, but for what begins anew because it was forgotten, both dock the same."""
    forgetful, mindful = World(), World()
    clock = 0.0
    forgetful.round(SOON)
    mindful.round(_remembered(SOON))
    for events, days in story:
        clock += days
        data = [each for build in events if _is_late_or_alive(forgetful, each := build(mindful))]
        decided = forgetful.round(*data, at=clock)
        known = mindful.round(*(_remembered(each) for each in data), at=clock)
        assert _docked(decided) == _docked(known)


def _remembered(data: Shape) -> Shape:
    if isinstance(data, intake.PolicyPublished):
        return structs.replace(data, keep_closed_s=FOR_EVER_S)
    return data


def _docked(decisions: Decisions) -> Sequence[bytes]:
    return [event.value for event in decisions.events if event.topic == "tenon.dockings.v1"]


def _is_late_or_alive(world: World, data: Shape) -> bool:
    """Leave out what another revision of something forgotten would begin."""
    if MARKET not in world.state.markets:
        return True
    match data:
        case OfferListed():
            name, revision = f"o:{data.offer.party}/{data.offer.offer}", data.offer.revision
        case DemandListed():
            name, revision = f"d:{data.demand.party}/{data.demand.demand}", data.demand.revision
        case _:
            return True
    closed = world.state.markets[MARKET].closed.get(name)
    return closed is None or name in names(world) or revision <= closed
