"""What a listing, a revision or a withdrawal does to what is docked already."""

from collections.abc import Callable

import pytest

from matcher.domain.model import Demand, Market, Offer
from tenon.contracts import intake
from tenon.contracts.codec import decode_tolerant
from tenon.contracts.log import PartyChanged, SiteChanged
from tenon.contracts.rejections import EventSuperseded
from tenon.contracts.values import Shape
from tests.support.market import (
    MARKET,
    MASKS,
    World,
    answered,
    day,
    demand,
    item,
    offer,
    policy,
    progressed,
    site,
    steps_of,
    terms,
    window,
)

pytestmark = pytest.mark.unit


def market(world: World) -> Market:
    return world.state.markets[MARKET]


def supply(world: World) -> Offer:
    return market(world).offers["a/o"]


def asked(world: World) -> Demand:
    return market(world).demands["b/d"]


def end_offer(revision: int) -> Shape:
    return intake.OfferWithdrawn(party="a", offer="o", revision=revision, class_=MASKS)


def end_demand(revision: int) -> Shape:
    return intake.DemandWithdrawn(party="b", demand="d", revision=revision, class_=MASKS)


def list_offer(revision: int, quantity: int = 100) -> Shape:
    return offer("a", quantity, revision=revision)


def list_demand(revision: int, quantity: int = 100) -> Shape:
    return demand("b", quantity, revision=revision)


Listing = Callable[[int, int], Shape]
Ending = Callable[[int], Shape]
KINDS = pytest.mark.parametrize(
    ("listing", "ending", "kind"),
    [(list_offer, end_offer, "offer"), (list_demand, end_demand, "demand")],
    ids=["offer", "demand"],
)


@KINDS
@pytest.mark.parametrize(
    ("revision", "quantity", "told"),
    [(2, 100, None), (2, 90, (2, 2, True)), (1, 100, (1, 2, False)), (1, 90, (1, 2, False)), (3, 90, None)],
)
def test_a_revision_is_taken_only_when_it_is_newer(
    listing: Listing, ending: Ending, kind: str, revision: int, quantity: int, told: object
) -> None:
    world = World()
    world.round(listing(2, 100))
    events = [event for event in world.round(listing(revision, quantity)).events if "rejected" in event.topic]
    superseded = [decode_tolerant(EventSuperseded, event.value) for event in events]
    assert [
        (each.revision, each.present_revision, each.same_revision_other_content) for each in superseded
    ] == ([] if told is None else [told])
    assert all(each.kind == kind for each in superseded)


@KINDS
@pytest.mark.parametrize(
    ("ended", "listed", "alive"), [(2, 1, False), (2, 2, False), (1, 1, False), (2, 3, True)]
)
def test_the_dead_are_raised_by_a_newer_revision_only(
    listing: Listing, ending: Ending, kind: str, ended: int, listed: int, alive: bool
) -> None:
    world = World()
    world.round(listing(1, 100), ending(ended), listing(listed, 100))
    entries: list[Offer | Demand] = [*market(world).offers.values(), *market(world).demands.values()]
    assert [entry.status for entry in entries] == ["open" if alive else "withdrawn"]


@KINDS
def test_an_end_that_comes_before_its_listing_keeps_it_out(
    listing: Listing, ending: Ending, kind: str
) -> None:
    world = World()
    world.round(ending(5))
    assert world.round(listing(4, 100)).decided.counts.superseded == 1
    assert not market(world).offers
    assert not market(world).demands


@KINDS
def test_an_older_end_is_answered_and_a_repeated_one_is_not(
    listing: Listing, ending: Ending, kind: str
) -> None:
    world = World()
    world.round(listing(3, 100))
    assert world.round(ending(2)).decided.counts.superseded == 1
    world.round(ending(3))
    assert world.round(ending(3)).decided.counts.superseded == 0
    assert world.round(ending(2)).decided.counts.superseded == 1


@pytest.mark.parametrize("change", [{"item": item(kind="service")}, {"item": item(unit="KGM")}])
@pytest.mark.parametrize("build", [offer, demand])
def test_the_kind_and_the_unit_of_an_id_are_for_life(
    build: Callable[..., Shape], change: dict[str, Shape]
) -> None:
    world = World()
    world.round(build("a"))
    decisions = world.round(build("a", revision=2, **change))
    assert [skipped.code for skipped in decisions.decided.skipped] == ["market_moved"]
    assert "new id" in decisions.decided.skipped[0].detail


def test_proposals_that_no_longer_fit_are_released_and_the_others_stay() -> None:
    world = World()
    world.round(offer("a", 100), demand("b", 40), demand("c", 40, name="e", kilometres=5))
    decisions = world.round(offer("a", 100, revision=2, blocked=["c"]))
    assert steps_of(decisions) == ["cancelled"]
    assert {each.demand.party: each.status for each in world.dockings()} == {
        "b": "proposed",
        "c": "cancelled",
    }


def test_of_equal_urgency_the_latest_proposal_is_released_counted_not_spelled() -> None:
    world = World()
    world.round(offer("a", 110), *(demand(f"p{number:02}", 10) for number in range(11)))
    decisions = world.round(offer("a", 100, revision=2))
    (released,) = [each for each in world.dockings() if each.status == "cancelled"]
    assert steps_of(decisions) == ["cancelled"]
    assert released.docking == "0-1-11"


def test_a_smaller_demand_releases_what_is_too_much_and_keeps_what_is_confirmed() -> None:
    world = World()
    world.round(offer("a", 60, automatic=True), demand("b", 100, automatic=True))
    world.round(offer("c", 40))
    decisions = world.round(demand("b", 60, revision=2, automatic=True))
    assert steps_of(decisions) == ["cancelled"]
    (want,) = asked(world).windows
    assert (want.open, want.proposed, want.confirmed) == (0, 0, 60)


def test_a_demand_cut_below_what_is_confirmed_still_asks_for_that() -> None:
    world = World()
    world.round(offer("a", automatic=True), demand("b", automatic=True))
    world.round(demand("b", 30, revision=2, automatic=True))
    (want,) = asked(world).windows
    assert (want.asked, want.open, want.confirmed) == (100, 0, 100)


def test_a_larger_revision_docks_the_difference() -> None:
    world = World()
    world.round(offer("a", 150), demand("b", 100))
    world.round(demand("b", 120, revision=2))
    assert [each.quantity for each in world.dockings()] == [100, 20]


def test_a_window_that_vanished_stays_empty_as_long_as_it_is_consumed() -> None:
    world = World()
    first, second = window(50, 0, 10, "first"), window(50, 10, 20, "second")
    world.round(
        offer("a", windows=[first, second], automatic=True),
        demand("b", 50, windows=[window(50, last=10)], automatic=True),
    )
    world.round(offer("a", windows=[second], revision=2, automatic=True))
    assert [(each.id, each.quantity, each.overdrawn) for each in supply(world).windows] == [
        ("second", 50, 0),
        ("first", 0, 50),
    ]
    world.round(progressed(world.dockings()[0], "a", failed=50))
    world.round(offer("a", windows=[second], revision=3, automatic=True))
    assert [each.id for each in supply(world).windows] == ["second"]


def test_a_withdrawn_demand_gives_up_what_is_open_and_keeps_what_is_confirmed() -> None:
    world = World()
    world.round(offer("a", 60, automatic=True), demand("b", 100, automatic=True))
    world.round(end_demand(2))
    (want,) = asked(world).windows
    assert (want.confirmed, want.given_up, want.open) == (60, 40, 0)
    world.round(offer("c", 100))
    assert len(world.dockings()) == 1


def test_the_supply_of_a_withdrawn_demand_serves_others_in_the_same_round() -> None:
    world = World()
    world.round(offer("a", 100), demand("b", 100))
    world.round(demand("c", 100))
    assert steps_of(world.round(end_demand(2))) == ["cancelled", "proposed"]


def test_an_offers_age_counts_from_its_first_listing() -> None:
    world = World()
    world.round(offer("a"))
    world.round(offer("a", revision=2), demand("b"), at=2)
    assert world.dockings()[0].offered_since == day(0)


def test_a_site_that_becomes_ready_is_decided_again() -> None:
    world = World()
    world.round(offer("a", place=site("a", ready=0.1)), demand("b"))
    assert world.dockings() == []
    world.round(SiteChanged(site=site("a", revision=2)))
    assert len(world.dockings()) == 1


@pytest.mark.parametrize("party", ["a", "b"])
def test_what_is_listed_at_a_site_that_moves_is_decided_again_from_there(party: str) -> None:
    world = World()
    near = policy(tranches=(intake.Tranche(up_to_share=1, value=100),))
    world.round(near, offer("a", kilometres=0), demand("b", kilometres=300))
    assert world.dockings() == []
    world.round(SiteChanged(site=site(party, kilometres=150, revision=2)))
    assert world.dockings() == []
    world.round(SiteChanged(site=site(party, kilometres={"a": 240, "b": 60}[party], revision=3)))
    (docking,) = world.dockings()
    assert docking.distance_m == pytest.approx(60_000, rel=0.001)


def test_an_older_site_is_not_taken() -> None:
    world = World()
    world.round(offer("a", place=site("a", revision=5)), SiteChanged(site=site("a", revision=4, ready=0)))
    assert market(world).sites["a/main"].readiness_ppm == 1_000_000


def test_new_terms_hold_for_the_next_proposal() -> None:
    world = World()
    world.round(offer("a", 50), demand("b", 100, automatic=True))
    renewed = terms("a", automatic=True)
    newer = type(renewed)(party="a", revision=2, supply_confirmation="automatic")
    decisions = world.round(PartyChanged(terms=newer), offer("a", 90, revision=2))
    assert steps_of(decisions) == ["confirmed"]


def test_a_demand_out_of_a_shortened_patience_is_given_up_at_once() -> None:
    world = World()
    world.round(demand("b", 100))
    world.round(at=5)
    decisions = world.round(policy(patience_s=2 * 86_400), at=5)
    assert [event.topic for event in decisions.events if "alerts" in event.topic] == ["tenon.alerts.v1"]
    world.round(offer("a"), at=5)
    assert world.dockings() == []


def test_a_unit_that_rises_in_worth_docks_on_the_day_on_which_it_is_worth_its_way() -> None:
    rule = policy(tranches=(intake.Tranche(up_to_share=1, value=100),), weights=intake.Weights(waiting=150))
    world = World()
    world.round(rule, offer("a"), demand("b", kilometres=300))
    waits: list[int] = []
    while not world.dockings():
        assert world.state.wake_at_ms is not None
        waits.append(len(waits) + 1)
        world.round(at=waits[-1])
    assert waits == [1, 2]


def test_an_answer_to_a_released_proposal_comes_too_late() -> None:
    world = World()
    world.round(offer("a"), demand("b"))
    (docking,) = world.dockings()
    decisions = world.round(end_offer(2), answered(docking, "b", "accept"))
    assert decisions.decided.counts.refused == 1
