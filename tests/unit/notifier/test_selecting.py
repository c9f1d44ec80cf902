"""Which events a reader wants, and what is refused because no event could ever fit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.conditions import NoCondition, condition
from notifier.domain.selecting import NeverFits, Selection, selection
from notifier.domain.visibility import TOLD
from tenon.contracts.codec import encode
from tests.support.told import demand_position, docking

PROPOSED = "tenon.docking.proposed.v1"


def body(data: object) -> bytes:
    return b'{"data":%b}' % encode(data)


@pytest.mark.parametrize(
    ("where", "fits"),
    [
        ("class.code^=mas", True),
        ("class.code^=x", False),
        ("class.code=mask", True),
        ("class.scheme=hs|own", True),
        ("quantity>=40", True),
        ("quantity>=40.5", False),
        ("quantity<=40", True),
        ("quantity=40.0", True),
        ("supply.region=FR|DE", True),
        ("supply.accepted=false", True),
        ("supply.accepted=true", False),
        ("price.amount<=1.3", True),
        ("price.amount>=1.3", False),
        ("at>=2026-03-02T00:00:30Z", True),
        ("at<=2026-03-02T01:00:30+01:00", False),
        ("demand.external_references.id=PO-77", True),
        ("cause.code=matched", True),
        ("cause.code^=mat", True),
    ],
)
def test_a_condition_holds_of_what_an_event_says(where: str, fits: bool) -> None:
    assert selection([], [where]).wants(PROPOSED, body(docking())) is fits


def test_all_conditions_have_to_hold_and_of_a_list_one_item() -> None:
    wants = selection([], ["windows.open>=60", "status=open"]).wants
    assert wants("tenon.demand.position.v1", body(demand_position()))
    assert not wants("tenon.demand.position.v1", body(demand_position(open_=30)))


def test_what_an_event_does_not_say_fits_nothing() -> None:
    assert not selection([], ["price.currency=EUR"]).wants(PROPOSED, body(docking(price=None)))


def test_what_is_left_out_because_it_is_the_default_is_known() -> None:
    wants = selection([], ["item.kind=product"]).wants
    assert wants("tenon.demand.position.v1", body(demand_position()))
    assert not wants(PROPOSED, body(docking()))


def test_types_alone_need_no_look_at_the_body() -> None:
    assert selection([PROPOSED], []).wants(PROPOSED, b"not JSON")
    assert not selection([PROPOSED], []).wants("tenon.docking.confirmed.v1", b"not JSON")
    assert Selection().wants(PROPOSED, b"not JSON")


@pytest.mark.parametrize(
    ("types", "where", "place", "why"),
    [
        (["tenon.nonsense.v1"], [], "types", "not an event type"),
        (["tenon.round.decided.v1"], [], "types", "told to nobody"),
        ([], ["quantity"], "where", "is no condition"),
        ([], ["quantity>5"], "where", "is no condition"),
        ([], ["quantity>=" + "1" * 500], "where", "is no condition"),
        ([], ["nonsense=1"], "where", "no wanted event has a field nonsense"),
        ([PROPOSED], ["windows.open>=1"], "where", "no wanted event has a field windows.open"),
        ([], ["status=done"], "where", "status can't be that"),
        ([], ["quantity>=many"], "where", "quantity can't be that"),
        ([], ["quantity^=4"], "where", "quantity can't be that"),
        ([], ["unit>=C62"], "where", "unit can't be that"),
        ([], ["at>=yesterday"], "where", "at can't be that"),
        ([], ["supply.accepted=perhaps"], "where", "supply.accepted can't be that"),
        ([], ["class=mask"], "where", "class can't be that"),
        ([PROPOSED], ["status=shipped"], "where", "of the wanted events none has that status"),
        ([], ["quantity>=10", "quantity<=9"], "where", "exclude each other"),
        ([], ["quantity<=9", "quantity>=10"], "where", "exclude each other"),
        ([], ["quantity=5", "quantity>=6"], "where", "exclude each other"),
        ([], ["unit=C62", "unit=KGM|HUR"], "where", "exclude each other"),
        ([], ["class.code^=63", "class.code^=64"], "where", "exclude each other"),
        ([], ["class.code=63", "class.code^=64"], "where", "exclude each other"),
        ([], ["quantity>=1"] * 21, "where", "more than 20 conditions"),
    ],
)
def test_what_can_never_fit_is_refused_with_the_reason(
    types: list[str], where: list[str], place: str, why: str
) -> None:
    with pytest.raises(NeverFits, match=why) as refused:
        selection(types, where)
    assert refused.value.place == place


@pytest.mark.parametrize(
    "where",
    [
        ["quantity>=10", "quantity<=10"],
        ["unit=C62|KGM", "unit=KGM|HUR"],
        ["class.code^=63", "class.code^=6307"],
        ["windows.open>=9", "windows.open<=1"],
        ["demand.external_references.id=A", "demand.external_references.id=B"],
        ["item.attributes.colour=red"],
        ["reasons.failed.price>=2"],
        ["status^=conf"],
    ],
)
def test_what_may_fit_is_taken(where: list[str]) -> None:
    assert len(selection([], where).conditions) == len(where)


@given(st.decimals(0, 10**9, places=3), st.decimals(0, 10**9, places=3))
def test_a_number_is_at_least_or_at_most_another(one: Decimal, other: Decimal) -> None:
    data = {"quantity": float(one)}
    assert condition(f"quantity>={other}").holds(data) == (float(one) >= float(other))
    assert condition(f"quantity<={other}").holds(data) == (float(one) <= float(other))


@given(st.text())
def test_any_text_is_a_condition_or_none(text: str) -> None:
    try:
        read = condition(text)
    except NoCondition:
        return
    assert read.text == text
    assert not read.holds({})


def test_whoever_is_told_of_anything_may_select_it() -> None:
    for name in TOLD:
        assert selection([name], []).types == {name}
