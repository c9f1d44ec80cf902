"""Messages of Catena-X: the good are read, the broken are refused with where, why and what would be right."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.faults import Refused
from ingest.formats.catenax import reading
from ingest.formats.catenax.aspects import COMMENT, DEMAND, GROUP, UPDATE, AspectType
from ingest.formats.catenax.reading import Read
from tenon.contracts.codec import decode_tolerant, encode
from tests.support.catenax import (
    capacity,
    comment,
    demand,
    group,
    header,
    link,
    message,
    series,
)

pytestmark = pytest.mark.unit
NOW = datetime(2026, 1, 7, tzinfo=UTC)
AT = "/content/informationObject/0"
NEAR, FAR, FARTHER = "2026-01-12", "2026-01-26", "2026-02-02"
GOOD: dict[AspectType, dict[str, Any]] = {
    DEMAND: demand(series({FAR: 1000, FARTHER: 0})),
    GROUP: group(capacity(FAR, 600, 800), capacity(FARTHER, 1, 1)),
    COMMENT: comment(listOfReferenceDates=[FAR]),
    UPDATE: {},
}


def read_bytes(aspect: AspectType, body: bytes) -> list[Read]:
    _, objects = reading.message(body)
    return [reading.read(aspect, value, AT[:-1] + str(index), NOW) for index, value in enumerate(objects)]


def one(aspect: AspectType, value: Any) -> Read:
    (found,) = read_bytes(aspect, message(value))
    return found


@pytest.mark.parametrize("aspect", GOOD, ids=lambda aspect: aspect.name)
def test_a_good_object_is_read_and_kept_as_it_is(aspect: AspectType) -> None:
    found = one(aspect, {**GOOD[aspect], "somethingOfTheirOwn": {"kept": False}})
    assert found.faults == ()
    assert decode_tolerant(aspect.kind, encode(found.value)) == found.value


def test_numbers_are_exact_in_whatever_form_they_come() -> None:
    body = (
        message(GOOD[DEMAND])
        .replace(b"1000", b"1E+3")
        .replace(b'"demand": 0', b'"demand": 0.1000000000000000001')
    )
    (found,) = read_bytes(DEMAND, body)
    amounts = [week.demand for week in found.value.demand_series[0].demands]
    assert amounts == [Decimal(1000), Decimal("0.1000000000000000001")]


def test_a_null_is_as_good_as_nothing() -> None:
    told = {**GOOD[DEMAND], "materialGlobalAssetId": None, "demandSeries": [series({FAR: None, FARTHER: 3})]}
    found = one(DEMAND, told)
    assert [week.demand for week in found.value.demand_series[0].demands] == [None, Decimal(3)]


def test_version_2_is_read_with_its_own_names_and_units() -> None:
    old = {
        name: value
        for name, value in GOOD[DEMAND].items()
        if name not in ("unitOfMeasureIsOmitted", "materialDemandIsInactive")
    }
    weeks = [{"calendarWeek": FAR, "demand": 3}]
    old["demandSeries"] = [{**series({}), "demands": weeks}]
    found = one(DEMAND, {**old, "unitOfMeasure": "H87"})
    assert (found.faults, found.value.unit_of_measure) == ((), "unit:piece")
    assert str(found.value.demand_series[0].demands[0].point_in_time) == FAR
    assert one(DEMAND, {**old, "unitOfMeasure": ""}).value.unit_of_measure_is_omitted


@pytest.mark.parametrize(
    ("context", "fault"),
    [
        ("urn:samm:io.catenax.week_based_material_demand:3.0.1#WeekBasedMaterialDemand", None),
        ("urn:samm:io.catenax.week_based_material_demand:2.0.0", None),
        ("CX-DCM:2.0", None),
        ("urn:samm:io.catenax.week_based_material_demand:4.0.0", "version 4 is not read"),
        (
            "urn:samm:io.catenax.week_based_capacity_group:3.0.0",
            "this is the address of WeekBasedMaterialDemand",
        ),
    ],
)
def test_a_header_that_names_another_aspect_or_an_unknown_version_is_at_fault(
    context: str, fault: str | None
) -> None:
    told, _ = reading.message(message(GOOD[DEMAND], context=context))
    found = reading.context_faults(told, DEMAND, "/c")
    assert [each.reason for each in found] == ([] if fault is None else [fault])


def without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: inner for name, inner in value.items() if name not in names}


BROKEN_OBJECTS = [
    ("no object", DEMAND, 7, "", "got a number"),
    (
        "a demand without an id",
        DEMAND,
        without(GOOD[DEMAND], "materialDemandId"),
        "/materialDemandId",
        "missing field",
    ),
    (
        "no UUID",
        DEMAND,
        {**GOOD[DEMAND], "materialDemandId": "0157"},
        "/materialDemandId",
        "'0157' does not fit",
    ),
    ("no BPNL", DEMAND, {**GOOD[DEMAND], "customer": "DE123"}, "/customer", "'DE123' does not fit"),
    ("no time", DEMAND, {**GOOD[DEMAND], "changedAt": "today"}, "/changedAt", "'today' does not fit"),
    ("a time without offset", GROUP, {**GOOD[GROUP], "changedAt": "2026-01-05T08:00:00"}, "/changedAt", None),
    ("unknown unit", DEMAND, {**GOOD[DEMAND], "unitOfMeasure": "unit:barrel"}, "/unitOfMeasure", None),
    (
        "a unit that is said to be left out",
        DEMAND,
        {**GOOD[DEMAND], "unitOfMeasureIsOmitted": True},
        "/unitOfMeasure",
        "sent, but said to be left out",
    ),
    (
        "neither unit nor flag",
        GROUP,
        without(GOOD[GROUP], "unitOfMeasure"),
        "/unitOfMeasure",
        "missing field",
    ),
    (
        "a week that begins on a Tuesday",
        DEMAND,
        demand(series({"2026-01-27": 3})),
        "/demandSeries/0/demands/0/pointInTime",
        "2026-01-27 is a Tuesday",
    ),
    (
        "no date",
        DEMAND,
        demand(series({"KW 5": 3})),
        "/demandSeries/0/demands/0/pointInTime",
        "'KW 5' does not fit",
    ),
    (
        "a week twice",
        GROUP,
        group(capacity(FAR, 1, 1), capacity(FAR, 2, 2)),
        "/capacities/1/pointInTime",
        "the week 2026-01-26 stands there twice",
    ),
    (
        "a series twice",
        DEMAND,
        demand(series({FAR: 3}), series({FAR: 4})),
        "/demandSeries/1",
        "BPNS00000000PLNT with category 0001 stands there twice",
    ),
    (
        "an unknown category",
        DEMAND,
        demand(series({FAR: 3}, category="0002")),
        "/demandSeries/0/demandCategory/demandCategoryCode",
        "'0002' does not fit",
    ),
    ("less than nothing", DEMAND, demand(series({FAR: -1})), "/demandSeries/0/demands/0/demand", "negative"),
    ("too much", DEMAND, demand(series({FAR: 10**18})), "/demandSeries/0/demands/0/demand", "too large"),
    ("a word for a number", DEMAND, demand(series({FAR: "many"})), "/demandSeries/0/demands/0/demand", None),
    (
        "nothing beyond next week",
        DEMAND,
        demand(series({NEAR: 3})),
        "/demandSeries",
        "no week beyond the next one",
    ),
    (
        "a maximum below the actual capacity",
        GROUP,
        group(capacity(FAR, 5, 4)),
        "/capacities/0/maximumCapacity",
        "below the actual capacity (5)",
    ),
    (
        "a load factor for some series only",
        GROUP,
        {**GOOD[GROUP], "linkedDemandSeries": [link(), link("RING", loadFactor=2)]},
        "/linkedDemandSeries/0/loadFactor",
        "missing field",
    ),
    (
        "a load factor of nothing",
        GROUP,
        {**GOOD[GROUP], "linkedDemandSeries": [link(loadFactor=0)]},
        "/linkedDemandSeries/0/loadFactor",
        "zero",
    ),
    (
        "a group in itself",
        GROUP,
        {**GOOD[GROUP], "linkedCapacityGroups": ["urn:uuid:B2A1C5DE-90F1-4C39-8A50-4DE1F2D90B02"]},
        "/linkedCapacityGroups/0",
        "a group links itself",
    ),
    ("a comment on a price", COMMENT, comment(objectType="price"), "/objectType", "'price' is not commented"),
    (
        "an author with no address",
        COMMENT,
        comment(author="Jo"),
        "/author",
        "neither an e-mail address nor a BPNL",
    ),
    (
        "a character that nobody keeps",
        COMMENT,
        comment(commentText="a\0b"),
        "/commentText",
        "contains the character U+0000",
    ),
    (
        "a request for something nameless",
        UPDATE,
        {"weekBasedMaterialDemand": [{}]},
        "/weekBasedMaterialDemand/0/materialDemandId",
        "missing field",
    ),
]


@pytest.mark.parametrize(
    ("aspect", "value", "pointer", "reason"),
    [pytest.param(*case[1:], id=case[0]) for case in BROKEN_OBJECTS],
)
def test_a_broken_object_is_told_where_and_why(
    aspect: AspectType, value: Any, pointer: str, reason: str | None
) -> None:
    found = one(aspect, value)
    assert found.value is None
    fault = next(each for each in found.faults if each.pointer == AT + pointer)
    assert fault.expected
    assert reason is None or fault.reason == reason


def framed(**more: Any) -> bytes:
    told: dict[str, Any] = json.loads(message(GOOD[DEMAND]))
    return json.dumps({**told, **more}).encode()


BROKEN_MESSAGES = [
    ("cut in the middle", message(GOOD[DEMAND])[:-7], 422, ""),
    ("not JSON", b"customer;supplier", 422, ""),
    ("empty", b"", 422, ""),
    ("in UTF-16", message(GOOD[DEMAND]).decode().encode("utf-16"), 422, ""),
    ("in Latin-1", message(comment(commentText="Mai")).replace(b"Mai", b"M\xe4rz"), 422, ""),
    ("a bomb of brackets", b"[" * 200_000, 422, ""),
    ("a number that is none", message(GOOD[DEMAND]).replace(b"1000", b"NaN"), 422, ""),
    (
        "a name twice",
        message(GOOD[DEMAND]).replace(b'"customer":', b'"customer": "x", "customer":'),
        400,
        AT + "/customer",
    ),
    ("a list", b"[]", 400, ""),
    ("no header", framed(messageHeader={}), 400, "/messageHeader/header"),
    (
        "a header without sender",
        framed(messageHeader={"header": without(header("a", "b"), "senderBpn")}),
        400,
        "/messageHeader/header/senderBpn",
    ),
    ("no content", framed(content=[]), 400, "/content"),
    ("no list of objects", framed(content={}), 400, "/content/informationObject"),
    (
        "one object bare",
        framed(content={"informationObject": GOOD[DEMAND]}),
        400,
        "/content/informationObject",
    ),
    ("an empty list", framed(content={"informationObject": []}), 400, "/content/informationObject"),
    (
        "too many objects",
        framed(content={"informationObject": [{}] * 501}),
        400,
        "/content/informationObject",
    ),
]


@pytest.mark.parametrize(
    ("body", "status", "pointer"), [pytest.param(*case[1:], id=case[0]) for case in BROKEN_MESSAGES]
)
def test_a_message_that_cant_be_read_is_refused_with_where_and_why(
    body: bytes, status: int, pointer: str
) -> None:
    with pytest.raises(Refused) as refused:
        reading.message(body)
    refusal = refused.value.refusal
    assert refusal.status == status
    fault = next(each for each in refusal.faults if each.pointer == pointer)
    assert fault.reason
    assert fault.expected


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for name, each in inner for path in _paths(each, (*at, name)))]


def _mutated(value: Any, path: tuple[Any, ...], put: Any) -> Any:
    if not path:
        return put
    copy = value.copy()
    copy[path[0]] = _mutated(value[path[0]], path[1:], put)
    return copy


@given(st.data(), st.sampled_from(sorted(GOOD, key=lambda aspect: aspect.name)), _json)
def test_whatever_stands_anywhere_is_read_or_refused_by_name(data: Any, aspect: AspectType, put: Any) -> None:
    path = data.draw(st.sampled_from(_paths(GOOD[aspect])))
    found = one(aspect, _mutated(GOOD[aspect], path, put))
    assert (found.value is None) == bool(found.faults)
    assert all(fault.pointer.startswith(AT) and fault.reason and fault.expected for fault in found.faults)
    if found.value is not None:
        assert decode_tolerant(aspect.kind, encode(found.value)) == found.value


@given(st.binary(max_size=40), st.integers(0, 400), st.integers(0, 40))
def test_whatever_bytes_come_are_read_or_refused(put: bytes, at: int, cut: int) -> None:
    body = message(GOOD[DEMAND])
    with suppress(Refused):
        read_bytes(DEMAND, body[:at] + put + body[at + cut :])
