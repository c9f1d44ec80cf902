"""The life of a docking: what each report does in each status."""

from collections.abc import Callable
from decimal import Decimal
from typing import Literal

import pytest

from matcher.domain.model import DemandWindow, OfferWindow
from tenon.contracts import intake
from tenon.contracts.codec import decode_tolerant
from tenon.contracts.dockings import Docking
from tenon.contracts.rejections import AnswerRefused
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
    steps_of,
    window,
)

pytestmark = pytest.mark.unit

Status = Literal["proposed", "confirmed", "shipped", "delivered", "declined", "lapsed", "cancelled", "failed"]
Report = Callable[[Docking], Shape]


def accept(party: str) -> Report:
    return lambda docking: answered(docking, party, "accept")


def decline(party: str) -> Report:
    return lambda docking: answered(docking, party, "decline")


def report(party: str, **counts: int) -> Report:
    return lambda docking: progressed(docking, party, **counts)


def withdraw_offer(docking: Docking) -> Shape:
    return intake.OfferWithdrawn(party="a", offer="o", revision=2, class_=MASKS)


def docked(status: Status) -> World:
    """Return a world in which 100 of a's are docked with b, and the docking has this status."""
    world = World()
    world.round(offer("a", 100), demand("b", 100))
    reach: dict[Status, list[Report]] = {
        "proposed": [],
        "confirmed": [accept("a"), accept("b")],
        "shipped": [accept("a"), accept("b"), report("a", shipped=60)],
        "delivered": [accept("a"), accept("b"), report("b", delivered=100)],
        "declined": [decline("b")],
        "lapsed": [],
        "cancelled": [withdraw_offer],
        "failed": [accept("a"), accept("b"), report("a", failed=100)],
    }
    for each in reach[status]:
        world.round(each(world.dockings()[0]))
    if status == "lapsed":
        world.round(at=1)
    assert world.dockings()[0].status == status
    return world


def outcome(world: World, said: Report) -> str:
    """Return the docking's new status, the code of the refusal, or `same`."""
    (docking,) = world.dockings()
    decisions = world.round(said(docking), at=1 if docking.status == "lapsed" else 0)
    refused = [event.value for event in decisions.events if event.topic == "tenon.rejected.v1"]
    if refused:
        assert steps_of(decisions) == []
        told = decode_tolerant(AnswerRefused, refused[0])
        assert (told.present_status, told.present_revision) in (
            (docking.status, docking.revision),
            (None, None),
        )
        return told.code
    return world.dockings()[0].status if steps_of(decisions) else "same"


ACCEPT, DECLINE, SHIP, DELIVER, FAIL = (
    accept("a"),
    decline("a"),
    report("a", shipped=70),
    report("b", delivered=100),
    report("a", failed=30),
)
TABLE: dict[Status, tuple[str, str, str, str, str]] = {
    # status        accept      decline     ship 70         deliver 100    fail 30
    "proposed": ("proposed", "declined", "not_possible", "not_possible", "not_possible"),
    "confirmed": ("same", "too_late", "shipped", "delivered", "confirmed"),
    "shipped": ("same", "too_late", "shipped", "delivered", "shipped"),
    "delivered": ("same", "too_late", "same", "same", "not_possible"),
    "declined": ("too_late", "same", "too_late", "too_late", "too_late"),
    "lapsed": ("too_late", "too_late", "too_late", "too_late", "too_late"),
    "cancelled": ("too_late", "too_late", "too_late", "too_late", "too_late"),
    "failed": ("same", "too_late", "too_late", "too_late", "too_late"),
}


@pytest.mark.parametrize("status", TABLE)
def test_each_report_in_each_status(status: Status) -> None:
    reports = (ACCEPT, DECLINE, SHIP, DELIVER, FAIL)
    assert tuple(outcome(docked(status), each) for each in reports) == TABLE[status]


def windows(world: World) -> tuple[OfferWindow, DemandWindow]:
    market = world.state.markets[MARKET]
    return market.offers["a/o"].windows[0], market.demands["b/d"].windows[0]


HELD: dict[Status, tuple[int, int, int, int, int, int]] = {
    # status     consumed  open  proposed  confirmed  shipped  delivered
    "proposed": (100, 0, 100, 0, 0, 0),
    "confirmed": (100, 0, 0, 100, 0, 0),
    "shipped": (100, 0, 0, 40, 60, 0),
    "delivered": (100, 0, 0, 0, 0, 100),
    "declined": (0, 100, 0, 0, 0, 0),
    "lapsed": (0, 100, 0, 0, 0, 0),
    "cancelled": (0, 100, 0, 0, 0, 0),
    "failed": (0, 100, 0, 0, 0, 0),
}


@pytest.mark.parametrize("status", HELD)
def test_each_status_holds_its_part_of_both_windows(status: Status) -> None:
    have, want = windows(docked(status))
    parts = (want.open, want.proposed, want.confirmed, want.shipped, want.delivered)
    assert (have.consumed, *parts) == HELD[status]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (report("stranger", delivered=1), "unknown_docking"),
        (accept("stranger"), "unknown_docking"),
        (report("b", shipped=1), "not_allowed"),
        (report("b", failed=1), "not_allowed"),
        (report("a", shipped=101), "not_possible"),
        (report("a", shipped=71, failed=30), "not_possible"),
        (report("a", shipped=1, delivered=101), "not_possible"),
    ],
)
def test_what_can_not_be_or_may_not_be_said_is_refused(said: Report, code: str) -> None:
    assert outcome(docked("confirmed"), said) == code


@pytest.mark.parametrize("unit", ["KGM", "parsec"])
def test_a_report_in_another_dimension_is_refused(unit: str) -> None:
    def said(docking: Docking) -> Shape:
        return intake.DockingProgressed(
            party="a", docking=docking.docking, revision=1, class_=MASKS, unit=unit, shipped=Decimal(1)
        )

    assert outcome(docked("confirmed"), said) == "not_possible"


def test_a_report_in_another_unit_of_the_same_dimension_is_converted() -> None:
    world = docked("confirmed")
    dozens = intake.DockingProgressed(
        party="a",
        docking=world.dockings()[0].docking,
        revision=1,
        class_=MASKS,
        unit="DZN",
        shipped=Decimal(2),
    )
    world.round(dozens)
    assert world.dockings()[0].shipped == 24


def test_what_was_shipped_stays_consumed_when_the_rest_fails() -> None:
    world = docked("shipped")
    world.round(report("a", failed=40)(world.dockings()[0]))
    have, want = windows(world)
    assert (have.consumed, want.open, want.shipped) == (60, 40, 60)
    world.round(report("b", delivered=60)(world.dockings()[0]))
    assert world.dockings()[0].status == "delivered"


def test_what_failed_is_docked_again_with_somebody_else_in_the_same_round() -> None:
    world = docked("confirmed")
    world.round(offer("c", 500))
    decisions = world.round(report("a", failed=30)(world.dockings()[0]))
    assert steps_of(decisions) == ["confirmed", "proposed"]
    assert [(each.supply.party, int(each.quantity)) for each in world.dockings()] == [("a", 100), ("c", 30)]


def test_each_step_counts_the_revision_up() -> None:
    world = docked("shipped")
    (docking,) = world.dockings()
    assert docking.revision == 4


def test_the_cause_of_a_step_is_told() -> None:
    world = World()
    world.round(offer("a"), demand("b"))
    causes = [world.dockings()[0].cause.code]
    for said in (accept("a"), accept("b"), report("a", shipped=1), report("a", failed=1)):
        world.round(said(world.dockings()[0]))
        causes.append(world.dockings()[0].cause.code)
    assert causes == ["matched", "accepted", "accepted", "progress", "failed"]


@pytest.mark.parametrize(
    ("supply", "want", "rule", "status", "respond"),
    [
        (False, False, "by_party", "proposed", True),
        (True, False, "by_party", "proposed", True),
        (True, True, "by_party", "confirmed", False),
        (False, False, "automatic", "confirmed", False),
    ],
)
def test_a_docking_is_confirmed_at_once_where_both_sides_or_the_policy_say_so(
    supply: bool, want: bool, rule: Literal["by_party", "automatic"], status: str, respond: bool
) -> None:
    world = World()
    world.round(policy(confirmation=rule), offer("a", automatic=supply), demand("b", automatic=want))
    (docking,) = world.dockings()
    assert (docking.status, docking.respond_by is not None) == (status, respond)


def test_one_answer_is_enough_where_the_other_side_confirms_by_itself() -> None:
    world = World()
    world.round(offer("a", automatic=True), demand("b"))
    assert steps_of(world.round(accept("b")(world.dockings()[0]))) == ["confirmed"]


def test_an_answer_in_the_round_in_which_a_proposal_would_lapse_is_in_time() -> None:
    world = World()
    world.round(offer("a", automatic=True), demand("b"))
    assert steps_of(world.round(accept("b")(world.dockings()[0]), at=1)) == ["confirmed"]


def test_quantities_are_told_in_the_base_unit() -> None:
    world = World()
    kilograms = item(unit="KGM")
    world.round(
        offer("a", item=kilograms, windows=[window(1)]), demand("b", item=kilograms, windows=[window(3)])
    )
    assert world.dockings()[0].quantity == 1
