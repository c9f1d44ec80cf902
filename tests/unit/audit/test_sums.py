"""Windows of offers and demands add up, and what is open has a reason; sums come from steps alone."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenon_audit.checks import asked, drawn, offered
from tenon_audit.checks.repeated import InForce, Name
from tenon_audit.facts import (
    GRAINS,
    DemandRow,
    DemandTold,
    Draw,
    Entity,
    OfferRow,
    OfferTold,
    OfferWindow,
    ResourceRow,
    ResourceTold,
)
from tenon_audit.ledger import Ledger, Shares, shares
from tests.unit.audit.samples import DEMAND, OFFER, demand_window, kinds, offer_window, step

OPEN = ("proposed", "confirmed", "shipped", "delivered")


def ledger(*steps: object) -> Ledger:
    made = Ledger()
    for each in steps:
        made.apply(each)  # type: ignore[arg-type]
    return made


def said(quantity: int, most: int | None = None) -> InForce:
    return InForce("own:mask", 1, quantities={"w": quantity}, most={"w": most or quantity})


@pytest.mark.parametrize(
    ("status", "counts", "held"),
    [
        ("proposed", {}, Shares(proposed=10)),
        ("confirmed", {}, Shares(confirmed=10)),
        ("confirmed", {"failed": 4}, Shares(confirmed=6)),
        ("shipped", {"shipped": 7, "delivered": 3}, Shares(confirmed=3, shipped=4, delivered=3)),
        ("delivered", {"shipped": 10, "delivered": 10}, Shares(delivered=10)),
        ("failed", {"shipped": 2, "failed": 8}, Shares(shipped=2)),
        ("cancelled", {}, Shares()),
        ("lapsed", {}, Shares()),
        ("declined", {}, Shares()),
    ],
)
def test_a_docking_holds_what_its_status_says(status: str, counts: dict[str, Any], held: Shares) -> None:
    assert shares(step(status=status, **counts)) == held


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from([*OPEN, "declined"])), max_size=20))
def test_sums_are_those_of_the_latest_steps(story: list[tuple[int, str]]) -> None:
    made, revisions = Ledger(), dict.fromkeys(range(1, 5), 0)
    for number, status in story:
        revisions[number] += 1
        made.apply(step(revisions[number], status, docking=f"0-1-{number}"))
    assert made.consumed(OFFER) == sum(shares(each).consumed for each in made.held.values())
    assert made.docked(DEMAND).consumed == made.consumed(OFFER)


def test_windows_that_add_up_are_clean() -> None:
    made = {0: ledger(step(status="confirmed"))}
    rows = [OfferRow(0, "acme/o1", offer_window(100, 10))]
    wants = [DemandRow(0, "clinic/d1", demand_window(60, confirmed=10))]
    assert kinds(offered.now(rows, made, {(0, "offer", "acme/o1"): said(100)})) == []
    assert kinds(asked.now(wants, made, {(0, "demand", "clinic/d1"): said(60)})) == []


def test_a_reservation_that_no_docking_holds_is_found() -> None:
    rows = [OfferRow(0, "acme/o1", offer_window(100, 10))]
    (found,) = offered.now(rows, {0: Ledger()}, {})
    assert (found.guarantee, found.check) == (3, "offer.consumed")
    assert found.where == "matcher.offer_windows 0/acme/o1/w"


def test_a_window_that_was_taken_out_is_found_on_both_sides() -> None:
    made = {0: ledger(step())}
    assert kinds(offered.now([], made, {(0, "offer", "acme/o1"): said(100)})) == ["offer.window_missing"]
    assert kinds(asked.now([], made, {(0, "demand", "clinic/d1"): said(60)})) == ["demand.window_missing"]
    assert kinds([*offered.now([], made, {}), *asked.now([], made, {})]) == []


@pytest.mark.parametrize("fault", [{"free": 91}, {"overdrawn": 1}, {"quantity": 99}])
def test_an_offers_window_that_does_not_add_up_is_found(fault: dict[str, Any]) -> None:
    rows = [OfferRow(0, "acme/o1", offer_window(100, 10)._replace(**fault))]
    assert kinds(offered.now(rows, {0: ledger(step())}, {})) == ["offer.adds_up"]


@pytest.mark.parametrize("fault", [{"open": 51}, {"given_up": 1}, {"asked": 61}])
def test_a_demands_window_that_does_not_add_up_is_found(fault: dict[str, Any]) -> None:
    window = demand_window(60, proposed=10)._replace(**fault)
    assert kinds(asked.now([DemandRow(0, "clinic/d1", window)], {0: ledger(step())}, {})) == [
        "demand.adds_up"
    ]


def test_a_part_that_is_less_than_nothing_is_found() -> None:
    window = demand_window(60, proposed=10)._replace(open=60, given_up=-10)
    assert kinds(asked.now([DemandRow(0, "clinic/d1", window)], {0: ledger(step())}, {})) == [
        "demand.adds_up"
    ]


def test_quantities_that_nobody_said_are_found() -> None:
    made = {0: ledger(step())}
    rows = [OfferRow(0, "acme/o1", offer_window(100, 10))]
    wants = [DemandRow(0, "clinic/d1", demand_window(60, proposed=10))]
    assert kinds(offered.now(rows, made, {(0, "offer", "acme/o1"): said(90)})) == ["offer.quantity"]
    assert kinds(asked.now(wants, made, {(0, "demand", "clinic/d1"): said(50)})) == ["demand.quantity"]


def test_what_a_cut_left_overdrawn_is_no_fault_and_what_was_sold_twice_is() -> None:
    made = {0: ledger(step(), step(docking="0-1-2"))}
    rows = [OfferRow(0, "acme/o1", offer_window(15, 20))]
    assert kinds(offered.now(rows, made, {(0, "offer", "acme/o1"): said(15, most=30)})) == []
    assert kinds(offered.now(rows, made, {(0, "offer", "acme/o1"): said(15)})) == ["offer.sold_twice"]


def test_a_demand_that_got_more_than_it_ever_asked_for_is_found() -> None:
    made = {0: ledger(step(), step(docking="0-1-2"))}
    rows = [DemandRow(0, "clinic/d1", demand_window(15, proposed=20))]
    assert kinds(asked.now(rows, made, {(0, "demand", "clinic/d1"): said(15, most=30)})) == []
    assert kinds(asked.now(rows, made, {(0, "demand", "clinic/d1"): said(15)})) == ["demand.overfilled"]


def test_a_round_that_docks_beyond_the_offer_is_found_though_it_was_put_right_later() -> None:
    made = ledger(step(), step(docking="0-1-2"))
    told = [OfferTold("acme/o1", (offer_window(15, 20),))]
    (found,) = offered.at_commit((0, 7), told, made, {OFFER: "0-1-2"})
    assert found.check == "offer.sold_twice"
    assert found.where == "matcher.rounds 0/7, offer acme/o1 window w"
    assert kinds(offered.at_commit((0, 7), told, made, {})) == []


def test_a_round_that_tells_other_sums_than_its_steps_is_found() -> None:
    made = ledger(step())
    wrong = [DemandTold("clinic/d1", (demand_window(60, proposed=9),), "open", True)]
    (found,) = asked.at_commit((0, 7), wrong, made)
    assert (found.guarantee, found.check) == (4, "demand.docked")
    assert kinds(offered.at_commit((0, 7), [OfferTold("acme/o1", (offer_window(),))], made, {})) == [
        "offer.consumed"
    ]


def test_what_is_open_without_a_reason_is_found() -> None:
    rows = [DemandRow(0, "clinic/d1", demand_window(60)), DemandRow(0, "depot/d2", demand_window(0))]
    entities = [
        Entity(0, "demand", "own:mask", "clinic/d1", 1, "open", explained=False),
        Entity(0, "demand", "own:mask", "depot/d2", 1, "filled", explained=False),
    ]
    (found,) = asked.explained(rows, entities)
    assert (found.guarantee, found.check) == (4, "demand.unexplained")
    assert "clinic/d1" in found.where
    assert kinds(asked.explained(rows, [entities[0]._replace(explained=True)])) == []


def a_line(load: str, span: tuple[int, int] = (0, 10), dimension: str | None = "time") -> dict[Name, InForce]:
    """Return an offer in force that draws on a line of 100 seconds a window."""
    offer = InForce("m", 1, quantities={"w": 100}, spans={"w": span})
    offer.draw = Draw("acme/line", Fraction(load), dimension)
    line = InForce("m", 1, quantities={"r": 100 * GRAINS}, spans={"r": (0, 20)}, counted=("time", 1))
    return {(0, "offer", "acme/o1"): offer, (0, "resource", "acme/line"): line}


def borne(consumed: int, window: str = "r", quantity: int = 100 * GRAINS) -> ResourceRow:
    over = max(0, consumed - quantity)
    return ResourceRow(
        0, "acme/line", OfferWindow(window, quantity, consumed, max(0, quantity - consumed), over)
    )


OUTSIDE = borne(0, "outside", 0)


def test_a_line_gives_what_its_dockings_take_times_their_load() -> None:
    made = {0: ledger(step(status="confirmed"))}
    assert kinds(drawn.now([borne(25 * GRAINS), OUTSIDE], made, a_line("2.5"))) == []
    assert kinds(drawn.now([borne(24 * GRAINS), OUTSIDE], made, a_line("2.5"))) == ["resource.consumed"]
    assert kinds(drawn.now([borne(25 * GRAINS, quantity=99), OUTSIDE], made, a_line("2.5"))) == [
        "resource.quantity"
    ]


def test_what_lies_in_no_window_of_a_line_is_drawn_from_outside() -> None:
    made = {0: ledger(step(status="confirmed"))}
    rows = [borne(0), borne(10 * GRAINS, "outside", 0)]
    assert kinds(drawn.now(rows, made, a_line("1", (15, 25)))) == []


def test_what_is_stated_in_another_dimension_draws_on_nothing() -> None:
    made = {0: ledger(step(status="confirmed"))}
    assert kinds(drawn.now([borne(0), OUTSIDE], made, a_line("1", dimension="mass"))) == []


def test_a_line_that_is_in_force_and_not_there_is_found() -> None:
    assert kinds(drawn.now([], {}, a_line("1"))) == ["resource.window_missing"]


def test_a_line_that_a_round_told_adds_up() -> None:
    told = ResourceTold("acme/line", (OfferWindow("r", 10, 4, 5, 0),))
    assert kinds(drawn.at_commit((0, 1), [told])) == ["resource.adds_up"]
