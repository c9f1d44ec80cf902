"""One round after another: what docks, what is released, what each no says."""

from datetime import timedelta
from decimal import Decimal

import pytest

from matcher.domain.reading import Entry
from matcher.domain.step import Read
from tenon.contracts import intake
from tests.support.market import (
    DAY_MS,
    MARKET,
    MASKS,
    START_MS,
    World,
    answered,
    day,
    demand,
    offer,
    policy,
    progressed,
    site,
    steps_of,
    window,
)

pytestmark = pytest.mark.unit


def test_an_offer_and_a_demand_that_fit_are_docked_at_once() -> None:
    world = World()
    decisions = world.round(offer("acme", 70), demand("clinic", 100))
    (docking,) = world.dockings()
    assert steps_of(decisions) == ["proposed"]
    assert (docking.quantity, docking.supply.party, docking.demand.party) == (Decimal(70), "acme", "clinic")
    assert docking.respond_by == day(1)


def test_a_demand_is_split_over_several_offers() -> None:
    world = World()
    world.round(offer("a", 30), offer("b", 50), demand("clinic", 100))
    assert sorted(docking.quantity for docking in world.dockings()) == [30, 50]


def test_the_nearer_offer_is_taken_when_one_is_enough() -> None:
    world = World()
    world.round(offer("far", kilometres=500), offer("near", kilometres=20), demand("clinic"))
    assert [docking.supply.party for docking in world.dockings()] == ["near"]


def test_the_urgent_tier_is_served_first() -> None:
    world = World()
    world.round(offer("acme", 100), demand("later", 100, tier=5), demand("urgent", 80, tier=1))
    assert {docking.demand.party: docking.quantity for docking in world.dockings()} == {
        "urgent": 80,
        "later": 20,
    }


def test_two_automatic_parties_confirm_at_once() -> None:
    world = World()
    assert steps_of(world.round(offer("a", automatic=True), demand("b", automatic=True))) == ["confirmed"]


def test_a_docking_is_confirmed_when_both_sides_accept() -> None:
    world = World()
    world.round(offer("a"), demand("b"))
    (docking,) = world.dockings()
    assert steps_of(world.round(answered(docking, "a", "accept"))) == ["proposed"]
    assert steps_of(world.round(answered(docking, "b", "accept"))) == ["confirmed"]


def test_a_declined_pair_is_not_docked_again_but_the_demand_is() -> None:
    world = World()
    world.round(offer("a", 100), demand("b", 100))
    world.round(offer("c", 40))
    (docking,) = world.dockings()
    decisions = world.round(answered(docking, "a", "decline"))
    assert steps_of(decisions) == ["declined", "proposed"]
    assert [docking.supply.party for docking in world.dockings()] == ["a", "c"]


def test_a_proposal_without_an_answer_lapses_and_gives_back() -> None:
    world = World()
    world.round(offer("a"), demand("b"))
    assert world.state.wake_at_ms == world.state.clock_ms + DAY_MS
    assert steps_of(world.round(at=1)) == ["lapsed"]
    assert world.state.markets["own:mask"].demands["b/d"].open == 100


def test_an_answer_that_comes_too_late_is_refused_with_the_present_state() -> None:
    world = World()
    world.round(offer("a"), demand("b"))
    (docking,) = world.dockings()
    world.round(at=1)
    decisions = world.round(answered(docking, "a", "accept"), at=1)
    (refused,) = [event for event in decisions.events if event.topic == "tenon.rejected.v1"]
    assert b'"code":"too_late"' in refused.value
    assert b'"present_status":"lapsed"' in refused.value


def test_a_stranger_can_not_tell_whether_a_docking_exists() -> None:
    world = World()
    world.round(offer("a"), demand("b"))
    (docking,) = world.dockings()
    decisions = world.round(answered(docking, "stranger", "decline"))
    assert any(b'"code":"unknown_docking"' in event.value for event in decisions.events)
    assert world.dockings()[0].status == "proposed"


def test_an_equal_repetition_changes_nothing() -> None:
    world = World()
    world.round(offer("a"), demand("b"))
    decisions = world.round(offer("a"), demand("b"))
    assert steps_of(decisions) == []
    assert decisions.decided.counts.superseded == 0


@pytest.mark.parametrize(("revision", "quantity"), [(1, 50), (2, 60)])
def test_an_older_or_different_revision_is_answered_as_superseded(revision: int, quantity: int) -> None:
    world = World()
    world.round(offer("a", 60, revision=2))
    expected = 0 if (revision, quantity) == (2, 60) else 1
    assert world.round(offer("a", quantity, revision=revision)).decided.counts.superseded == expected


def test_a_smaller_revision_releases_the_latest_and_least_urgent_proposal_and_docks_it_again() -> None:
    world = World()
    world.round(offer("a", 100), demand("first", 50, tier=1), demand("second", 50, tier=9))
    world.round(offer("b", 50, kilometres=900))
    decisions = world.round(offer("a", 50, revision=2))
    assert steps_of(decisions) == ["cancelled", "proposed"]
    cancelled = next(docking for docking in world.dockings() if docking.status == "cancelled")
    assert (cancelled.demand.party, cancelled.cause.code) == ("second", "offer_revised")
    assert world.dockings()[-1].supply.party == "b"


def test_what_is_confirmed_stays_and_shows_as_overdrawn_until_it_is_reported_failed() -> None:
    world = World()
    world.round(offer("a", 100, automatic=True), demand("b", 100, automatic=True))
    decisions = world.round(offer("a", 60, revision=2, automatic=True))
    assert steps_of(decisions) == []
    assert any(
        b'"quantity":40' in event.value for event in decisions.events if event.topic == "tenon.alerts.v1"
    )
    (docking,) = world.dockings()
    world.round(progressed(docking, "a", failed=40))
    (kept,) = world.state.markets["own:mask"].offers["a/o"].windows
    assert (kept.consumed, kept.overdrawn) == (60, 0)
    assert world.state.markets["own:mask"].demands["b/d"].open == 40


def test_a_withdrawn_offer_releases_its_proposals_and_stays_dead() -> None:
    world = World()
    world.round(offer("a"), demand("b"))
    end = intake.OfferWithdrawn(party="a", offer="o", revision=2, class_=MASKS)
    assert steps_of(world.round(end)) == ["cancelled"]
    assert world.round(offer("a", 500, revision=1)).decided.counts.superseded == 1
    assert world.state.markets["own:mask"].offers["a/o"].free == 0


def test_progress_is_cumulative_and_late_reports_change_nothing() -> None:
    world = World()
    world.round(offer("a", automatic=True), demand("b", automatic=True))
    (docking,) = world.dockings()
    assert steps_of(world.round(progressed(docking, "a", shipped=60))) == ["shipped"]
    assert steps_of(world.round(progressed(docking, "a", shipped=40))) == []
    assert steps_of(world.round(progressed(docking, "b", delivered=100))) == ["delivered"]


def test_what_can_not_happen_is_refused() -> None:
    world = World()
    world.round(offer("a", automatic=True), demand("b", automatic=True))
    (docking,) = world.dockings()
    assert world.round(progressed(docking, "a", shipped=101)).decided.counts.refused == 1
    assert world.round(progressed(docking, "b", shipped=1)).decided.counts.refused == 1
    assert world.dockings() == [docking]


def test_a_demand_whose_patience_ends_is_given_up_with_an_alert() -> None:
    world = World()
    world.round(demand("b", 100, patience_until=day(2)))
    decisions = world.round(at=2)
    assert [event.topic for event in decisions.events][:1] == ["tenon.positions.v1"]
    assert any(b"patience" in event.value for event in decisions.events if event.topic == "tenon.alerts.v1")
    (asked,) = world.state.markets["own:mask"].demands["b/d"].windows
    assert (asked.given_up, asked.open) == (100, 0)


def test_a_known_route_overrides_the_great_circle() -> None:
    world = World()
    routes = intake.RoutesPublished(
        party="near", site="main", revision=1, class_=MASKS, distances_m={"clinic/main": 2_000_000}
    )
    world.round(routes, offer("near", kilometres=1), offer("far", kilometres=900), demand("clinic"))
    assert [docking.supply.party for docking in world.dockings()] == ["far"]


def test_an_offer_is_kept_for_nearer_demands_until_its_reach_grows() -> None:
    steps = (intake.ReachStep(waiting_s=0, distance_m=100_000), intake.ReachStep(waiting_s=86_400))
    world = World()
    world.round(policy(reach=steps), offer("a"), demand("b", kilometres=500))
    assert world.dockings() == []
    world.round(at=1)
    assert [docking.demand.party for docking in world.dockings()] == ["b"]


def test_a_market_that_gathers_decides_when_its_window_ends() -> None:
    world = World()
    world.round(policy(hold_s=3600), offer("a", kilometres=300), demand("b"))
    assert world.dockings() == []
    world.round(offer("nearer"), at=0.5 / 24)
    world.round(at=1 / 24)
    assert [docking.supply.party for docking in world.dockings()] == ["nearer"]


@pytest.mark.parametrize(("further_docking", "quantities"), [(0, [30]), (100_000, [30]), (10**9, [])])
def test_a_demand_that_can_not_be_finished_waits_where_another_docking_costs_too_much(
    further_docking: int, quantities: list[int]
) -> None:
    world = World()
    weights = intake.Weights(further_docking=further_docking)
    world.round(policy(weights=weights), offer("a", 30), demand("b", 100))
    assert [docking.quantity for docking in world.dockings()] == quantities


def test_supply_goes_farther_where_it_can_finish() -> None:
    world = World()
    near, far = demand("near", 100, kilometres=10), demand("far", 30, kilometres=200)
    world.round(policy(weights=intake.Weights(further_docking=100_000)), offer("a", 30), near, far)
    assert [docking.demand.party for docking in world.dockings()] == ["far"]


def test_a_no_says_how_many_offers_failed_which_test_and_what_would_have_to_change() -> None:
    world = World()
    world.round(
        offer("late", windows=[window(50, first=40, last=50)]),
        offer("gone", 0),
        offer("elsewhere", place=site("elsewhere", region="US"), regions_served=["US"]),
        demand("b", windows=[window(10, last=30)]),
    )
    reasons = world.state.markets["own:mask"].demands["b/d"].reasons
    assert reasons is not None
    assert reasons.failed == {"window": 1, "exhausted": 1, "region": 1}
    assert [miss.change for miss in reasons.nearest] == [
        "ask the supplier to serve your region",
        "accept 11 days later",
    ]


def test_another_market_of_an_id_is_refused() -> None:
    world = World()
    world.round(offer("a"))
    moved = Entry(1, "own:other", "a", offer("a", revision=2))
    decisions = world.decide(Read([moved], 1, 2, START_MS))
    assert decisions.decided.skipped[0].code == "market_moved"


def test_the_event_of_a_round_repeats_exactly() -> None:
    first, second = World(), World()
    data = (offer("a", 30), demand("b", 100), demand("c", 10, required_certificates=["iso13485"]))
    assert first.round(*data) == second.round(*data)


def test_time_never_runs_backwards() -> None:
    world = World()
    world.round(offer("a"), at=3)
    decisions = world.round(demand("b"), at=1)
    assert decisions.decided.clock == day(3)
    assert world.dockings()[0].proposed_at - day(3) == timedelta(0)


def test_the_example_of_the_guide_is_what_is_decided() -> None:
    world = World()
    worth = (intake.Tranche(up_to_share=1, value=800),)
    rules = policy(weights=intake.Weights(freight=1), tranches=worth)
    world.round(rules, offer("near", 70, kilometres=20), offer("mid", 50, kilometres=300))
    world.round(offer("far", 40, kilometres=900))
    world.round(demand("clinic", 100, tier=1), demand("school", 60, tier=3))
    assert {(one.supply.party, one.demand.party, int(one.quantity)) for one in world.dockings()} == {
        ("near", "clinic", 70),
        ("mid", "clinic", 30),
        ("mid", "school", 20),
    }
    school = world.state.markets[MARKET].demands["school/d"]
    assert school.open == 40
    assert school.reasons is not None
    assert school.reasons.failed == {"exhausted": 2, "not_worth": 1}
