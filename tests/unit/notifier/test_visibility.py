"""What each viewer sees: the table cell by cell, and that nothing else ever leaks."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.audiences import ADMINISTRATOR, WALL
from notifier.domain.pseudonym import Naming
from notifier.domain.visibility import DOCKING, NO, OWN, SIDE, coarse_distance, visible
from tenon.contracts.codec import encode
from tenon.contracts.dockings import Docking, DockingStatus, Side
from tenon.contracts.rejections import AnswerRefused, EventRejected, Origin
from tests.support.told import (
    LYON,
    START,
    demand_position,
    docking,
    offer_position,
    party_state,
    round_decided,
    unmet,
)

NAMING = Naming(b"k" * 32, {"mill": "Mill Ltd", "clinic": "Clinic Ltd"})
OPEN: list[DockingStatus] = ["proposed", "declined", "lapsed", "cancelled"]
KNOWN: list[DockingStatus] = ["confirmed", "shipped", "delivered", "failed"]


def seen(event: Any, viewer: str) -> dict[str, Any]:
    """What arrives at a viewer, as JSON."""
    shown = visible(event, viewer, NAMING)
    assert shown is not None
    return dict(msgspec.json.decode(encode(shown)))


@pytest.mark.parametrize("status", OPEN)
def test_before_confirmation_the_other_side_is_a_pseudonym_with_a_region(status: DockingStatus) -> None:
    shown = seen(docking(status=status), "mill")
    assert shown["demand"] == {
        "party": NAMING.pseudonym("mill", "clinic"),
        "region": "FR",
        "position": {"latitude": 46, "longitude": 5},
        "accepted": False,
    }
    assert shown["price"] == {"amount": "1.25", "currency": "EUR"}
    assert shown["quantity"] == 40
    assert shown["distance_m"] == 970_000
    assert shown["cause"] == {"code": "matched"}


@pytest.mark.parametrize("status", KNOWN)
def test_after_confirmation_the_other_side_has_a_name_and_a_site(status: DockingStatus) -> None:
    shown = seen(docking(status=status), "mill")
    assert shown["demand"] == {
        "party": "clinic",
        "name": "Clinic Ltd",
        "region": "FR",
        "position": {"latitude": LYON.latitude, "longitude": LYON.longitude},
        "site": "ward",
        "accepted": True,
        "external_references": [{"type": "purchase-order", "id": "PO-77"}],
    }
    assert shown["distance_m"] == 974_123


def test_who_was_confirmed_once_stays_known_after_a_cancellation() -> None:
    assert seen(docking(status="cancelled", accepted=True), "mill")["demand"]["party"] == "clinic"


def test_ones_own_side_is_shown_in_full() -> None:
    shown = seen(docking(), "clinic")
    assert shown["demand"]["id"] == "demand-1"
    assert shown["demand"]["site"] == "ward"
    assert shown["tier"] == 2
    assert "required_since" in shown
    assert "offered_since" not in shown


def test_the_supplier_does_not_learn_how_urgent_the_demand_is() -> None:
    for status in (*OPEN, *KNOWN):
        assert "tier" not in seen(docking(status=status), "mill")


def test_the_wall_sees_class_quantity_and_coarse_places_only() -> None:
    assert seen(docking(status="confirmed", revision=2), WALL) == {
        "docking": "d-1",
        "revision": 2,
        "status": "confirmed",
        "class": {"scheme": "own", "code": "mask"},
        "unit": "C62",
        "quantity": 40,
        "shipped": 0,
        "delivered": 0,
        "at": "2026-03-02T00:02:00Z",
        "distance_m": 970_000,
        "supply": {"position": {"latitude": 53, "longitude": 13}},
        "demand": {"position": {"latitude": 46, "longitude": 5}},
    }


def test_the_administrator_sees_everything() -> None:
    shown = seen(docking(), ADMINISTRATOR)
    assert shown["demand"]["party"] == "clinic"
    assert shown["tier"] == 2
    assert {"offered_since", "required_since", "market", "price"} <= shown.keys()


@given(
    viewer=st.from_regex(r"[a-z][a-z0-9]{0,9}", fullmatch=True).filter(lambda v: v not in ("mill", "clinic"))
)
def test_a_stranger_sees_nothing_of_anything(viewer: str) -> None:
    for event in (docking(), docking(status="confirmed"), demand_position(), offer_position(), unmet()):
        assert visible(event, viewer, NAMING) is None


def test_keys_and_rounds_are_shown_to_nobody() -> None:
    for event in (party_state("mill", ["secret"]), round_decided(0, 1)):
        for viewer in ("mill", WALL, ADMINISTRATOR):
            assert visible(event, viewer, NAMING) is None


def test_positions_are_shown_to_their_owner_only() -> None:
    assert seen(demand_position(), "clinic")["reasons"]["considered"] == 3
    for viewer in ("mill", WALL):
        assert visible(demand_position(), viewer, NAMING) is None
        assert viewer == "mill" or visible(offer_position(), viewer, NAMING) is None


def test_the_wall_does_not_learn_whose_demand_was_not_met() -> None:
    assert set(seen(unmet(), WALL)) == {"class", "unit", "quantity", "at"}
    assert seen(unmet(), "clinic")["demand"] == "demand-1"


def test_the_sender_of_a_rejected_record_sees_the_reason_and_not_the_copy() -> None:
    origin = Origin(topic="tenon.market.v1", partition=1, offset=9, event_id="e-1", party="mill")
    event = EventRejected(
        service="matcher", code="not_json", detail="odd", origin=origin, at=START, data_base64="c2VjcmV0"
    )
    assert seen(event, "mill")["origin"] == {"event_id": "e-1"}
    assert "data_base64" not in seen(event, "mill")
    assert seen(event, ADMINISTRATOR)["data_base64"] == "c2VjcmV0"
    assert visible(event, "clinic", NAMING) is None


def test_a_refused_answer_is_told_to_whom_it_belongs() -> None:
    event = AnswerRefused(
        party="mill", docking="d-1", docking_revision=1, code="too_late", detail="it lapsed", at=START
    )
    assert seen(event, "mill")["code"] == "too_late"
    assert visible(event, "clinic", NAMING) is None


def test_every_field_of_a_docking_has_a_row_in_the_tables() -> None:
    top = {field.encode_name for field in msgspec.structs.fields(Docking)} - {"supply", "demand", "cause"}
    assert set(DOCKING) == top | {"cause_code", "cause_note"}
    assert set(SIDE) == {field.encode_name for field in msgspec.structs.fields(Side)} | {"name"}


def test_what_the_tables_hide_is_in_no_answer() -> None:
    for status in (*OPEN, *KNOWN):
        for viewer, column in (("mill", 1 if status in KNOWN else 0), (WALL, 2)):
            shown = seen(docking(status=status), viewer)
            hidden = {name for name, row in DOCKING.items() if row[column] is NO}
            assert not hidden & shown.keys()
            assert viewer != WALL or not {name for name, row in DOCKING.items() if OWN in row} & shown.keys()


@given(st.integers(0, 40_100_000))
def test_coarse_distances_are_within_five_kilometres(distance_m: int) -> None:
    coarse = coarse_distance(distance_m)
    assert coarse % 10_000 == 0
    assert abs(coarse - distance_m) <= 5_000


def test_a_pseudonym_is_stable_and_different_for_each_viewer() -> None:
    again = Naming(b"k" * 32)
    assert NAMING.pseudonym("mill", "clinic") == again.pseudonym("mill", "clinic")
    others = {NAMING.pseudonym(viewer, "clinic") for viewer in ("mill", "shop", "depot")}
    assert len(others) == 3
    assert Naming(b"x" * 32).pseudonym("mill", "clinic") not in others
    assert all(name.startswith("~") for name in others)
