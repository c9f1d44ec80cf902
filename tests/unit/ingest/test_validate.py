"""What the gate refuses, each with where, why and what would be right: one table, one row per rule."""

from typing import Any

import pytest

from ingest.domain.admit import admit
from ingest.domain.faults import Refused
from tenon.contracts.cloudevents import CloudEvent
from tenon.contracts.families import INTAKE_BY_TYPE
from tests.unit.ingest.samples import ADMINISTRATOR, CALENDAR, GOOD, MASKS, WINDOW, changed, event

pytestmark = pytest.mark.unit

OFFER, DEMAND = "tenon.offer.published.v1", "tenon.demand.published.v1"
SITE, PROGRESS = "tenon.site.published.v1", "tenon.docking.progressed.v1"
POLICY, TICK, ROUTES = "tenon.policy.published.v1", "tenon.clock.ticked.v1", "tenon.routes.published.v1"
LATER = {"id": "w2", "from": "2030-02-01T00:00:00Z", "until": "2030-03-01T00:00:00Z", "quantity": 5}

RESOURCE = "tenon.resource.published.v1"
FIRST, DRAW, DAYS = "/data/windows/0", "/data/resource", "/data/calendar"
SHIFT = CALENDAR["shifts"][0]
NIGHT = {"days": ["tue"], "from": "22:00", "until": "06:30"}
Case = tuple[str, dict[str, object], str, str]
CASES: dict[str, Case] = {
    "a missing field": (OFFER, {"site": None}, "/data/site", "missing"),
    "an unknown field": (OFFER, {"prize": {}}, "/data/prize", "unknown"),
    "an unknown field within": (OFFER, {"item/color": "red"}, "/data/item/color", "unknown"),
    "no position": (SITE, {"position": None}, "/data/position", "missing"),
    "a position off the globe": (SITE, {"position/latitude": 91}, "/data/position/latitude", "91"),
    "a text for a number": (OFFER, {"revision": "1"}, "/data/revision", "a string"),
    "a revision below 1": (OFFER, {"revision": 0}, "/data/revision", "0"),
    "no windows": (OFFER, {"windows": []}, "/data/windows", "of 0"),
    "a window that is no object": (OFFER, {"windows": [3]}, "/data/windows/0", "a number"),
    "a window that ends before it starts": (
        OFFER,
        {"windows/0/until": "2029-01-01T00:00:00Z"},
        "/data/windows/0/until",
        "ends",
    ),
    "a window that ends when it starts": (
        DEMAND,
        {"windows/0/until": "2030-01-01T00:00:00Z"},
        "/data/windows/0/until",
        "ends",
    ),
    "overlapping windows": (
        OFFER,
        {"windows": [WINDOW, {**LATER, "from": "2030-01-31T23:59:59Z"}]},
        "/data/windows/1/from",
        "overlaps window 0",
    ),
    "overlapping windows in any order": (
        OFFER,
        {"windows": [{**LATER, "from": "2030-01-31T23:59:59Z"}, WINDOW]},
        "/data/windows/0/from",
        "overlaps window 1",
    ),
    "a window inside a window": (
        OFFER,
        {
            "windows": [
                {**WINDOW, "until": "2031-01-01T00:00:00Z"},
                LATER,
                {**LATER, "id": "w3", "from": "2030-05-01T00:00:00Z", "until": "2030-06-01T00:00:00Z"},
            ]
        },
        "/data/windows/2/from",
        "overlaps window 0",
    ),
    "two windows of one id": (
        OFFER,
        {"windows": [WINDOW, {**LATER, "id": "w1"}]},
        "/data/windows/1/id",
        "'w1'",
    ),
    "a time without an offset": (
        OFFER,
        {"windows/0/from": "2030-01-01T00:00:00"},
        "/data/windows/0/from",
        "",
    ),
    "a time before 2000": (
        OFFER,
        {"windows/0/from": "1999-12-31T23:59:59Z"},
        "/data/windows/0/from",
        "range",
    ),
    "a time after 2199": (
        OFFER,
        {"windows/0/until": "2200-01-01T00:00:00Z"},
        "/data/windows/0/until",
        "range",
    ),
    "a time at the end of all times": (
        OFFER,
        {"windows/0/until": "9999-12-31T23:59:59-23:59"},
        "/data/windows/0/until",
        "range",
    ),
    "a negative quantity": (OFFER, {"windows/0/quantity": -1}, "/data/windows/0/quantity", "negative"),
    "not a number": (OFFER, {"windows/0/quantity": "NaN"}, "/data/windows/0/quantity", "not a number"),
    "a signalling NaN": (OFFER, {"lot": "sNaN"}, "/data/lot", "not a number"),
    "infinity": (DEMAND, {"windows/0/quantity": "Infinity"}, "/data/windows/0/quantity", "not a number"),
    "a quantity that is no decimal": (OFFER, {"windows/0/quantity": "ten"}, "/data/windows/0/quantity", ""),
    "half a piece": (OFFER, {"windows/0/quantity": 0.5}, "/data/windows/0/quantity", "not a whole number"),
    "finer than a gram": (
        OFFER,
        {"item/unit": "KGM", "windows/0/quantity": "1.0001", "price": None},
        "/data/windows/0/quantity",
        "not a whole number",
    ),
    "more than can be counted": (
        OFFER,
        {"windows/0/quantity": 10**12 + 1},
        "/data/windows/0/quantity",
        "more than can be counted",
    ),
    "an exponent beyond all measure": (
        OFFER,
        {"windows/0/quantity": "1E+999999999"},
        "/data/windows/0/quantity",
        "too large",
    ),
    "an exponent below all measure": (
        OFFER,
        {"windows/0/quantity": "1E-999999999"},
        "/data/windows/0/quantity",
        "too fine",
    ),
    "windows that are too much together": (
        DEMAND,
        {"windows": [{**WINDOW, "quantity": 6 * 10**11}, {**LATER, "quantity": 6 * 10**11}]},
        "/data/windows",
        "together",
    ),
    "an unknown unit": (OFFER, {"item/unit": "XYZ"}, "/data/item/unit", "'XYZ'"),
    "an unknown currency": (OFFER, {"price/currency": "CNX"}, "/data/price/currency", "'CNX'"),
    "money as a number": (OFFER, {"price/amount": 0.25}, "/data/price/amount", "a number"),
    "money too fine": (OFFER, {"price/amount": "0.1234567"}, "/data/price/amount", ""),
    "a price that is too high": (OFFER, {"price/amount": "1000000001"}, "/data/price/amount", "too high"),
    "a price that is not exact in the base unit": (
        OFFER,
        {"item/unit": "DZN", "price/amount": "10"},
        "/data/price/amount",
        "not exact",
    ),
    "a price ceiling that is not exact": (
        DEMAND,
        {"item/unit": "GRO", "highest_price": {"amount": "1", "currency": "EUR"}},
        "/data/highest_price/amount",
        "not exact",
    ),
    "a load factor that is not exact": (
        OFFER,
        {"item/unit": "DZN", "price/amount": "12", "resource": {"id": "press", "load_factor": 1}},
        "/data/resource/load_factor",
        "not exact",
    ),
    "a load that is finer than a millionth": (
        OFFER,
        {"resource": {"id": "press", "load_factor": 0.0000001}},
        "/data/resource/load_factor",
        "not exact",
    ),
    "a load of nothing": (OFFER, {"resource": {"id": "press", "load_factor": 0}}, f"{DRAW}/load_factor", "0"),
    "a load beyond measure": (
        OFFER,
        {"resource": {"id": "press", "load_factor": 1e13}},
        "/data/resource/load_factor",
        "no resource",
    ),
    "a load in an unknown unit": (
        OFFER,
        {"resource": {"id": "press", "unit": "HRS"}},
        "/data/resource/unit",
        "not a known unit",
    ),
    "windows of a resource that overlap": (
        RESOURCE,
        {"windows": [WINDOW, {**LATER, "from": "2030-01-31T23:59:59Z"}]},
        "/data/windows/1/from",
        "overlaps window 0",
    ),
    "a resource without windows or a calendar": (RESOURCE, {"windows": None}, "/data/windows", "of 0"),
    "a window of a resource that is outside of all": (
        RESOURCE,
        {"windows/0/id": "outside"},
        "/data/windows/0/id",
        "outside",
    ),
    "a window that is due before it opens": (
        DEMAND,
        {"windows/0/due": "2029-12-31T00:00:00Z"},
        "/data/windows/0/due",
        "before the window opens",
    ),
    "a window that is due when it is over": (
        DEMAND,
        {"windows/0/due": "2030-02-01T00:00:00Z"},
        "/data/windows/0/due",
        "over",
    ),
    "a least part above the window": (DEMAND, {"windows/0/least_part": 1001}, f"{FIRST}/least_part", "more"),
    "a least part of an offer's window": (
        OFFER,
        {"windows/0/least_part": 1},
        f"{FIRST}/least_part",
        "a demand only",
    ),
    "windows and a calendar": (OFFER, {"calendar": CALENDAR}, "/data/calendar", "beside windows"),
    **{
        name: (OFFER, {"windows": [], "calendar": {**CALENDAR, **said}}, at, why)
        for name, said, at, why in (
            (
                "a calendar of no known zone",
                {"zone": "Europe/Berlim"},
                f"{DAYS}/zone",
                "not a known time zone",
            ),
            ("a calendar of no zone at all", {"zone": "../../etc/passwd"}, f"{DAYS}/zone", "not a known"),
            (
                "a calendar that ends before it begins",
                {"until": "2030-01-07"},
                f"{DAYS}/until",
                "ends before",
            ),
            ("a calendar of a lifetime", {"until": "2099-01-07"}, f"{DAYS}/until", "it lasts"),
            ("a calendar of another age", {"from": "0001-01-01"}, f"{DAYS}/from", "out of range"),
            ("a calendar without shifts", {"shifts": []}, f"{DAYS}/shifts", "of 0"),
            ("a shift on no day", {"shifts": [{**SHIFT, "days": []}]}, f"{DAYS}/shifts/0/days", "of 0"),
            (
                "a shift on a day twice",
                {"shifts": [{**SHIFT, "days": ["mon", "mon"]}]},
                f"{DAYS}/shifts/0/days",
                "twice",
            ),
            (
                "a shift at 25 o'clock",
                {"shifts": [{**SHIFT, "from": "25:00"}]},
                f"{DAYS}/shifts/0/from",
                "fit",
            ),
            (
                "shifts that overlap",
                {"shifts": [SHIFT, {**SHIFT, "from": "13:00"}]},
                f"{DAYS}/shifts",
                "overlap",
            ),
            ("a night that runs into the morning", {"shifts": [SHIFT, NIGHT]}, f"{DAYS}/shifts", "overlap"),
            (
                "a calendar of holidays",
                {"until": "2030-01-08", "exceptions": [{"date": "2030-01-07"}]},
                f"{DAYS}/shifts",
                "nobody works",
            ),
            (
                "an exception twice",
                {"exceptions": [{"date": "2030-01-07"}] * 2},
                f"{DAYS}/exceptions/1/date",
                "twice",
            ),
            (
                "an exception on no date",
                {"exceptions": [{"date": "2030-02-30"}]},
                f"{DAYS}/exceptions/0/date",
                "fit",
            ),
            ("a rate of nothing", {"per_hour": 0}, f"{DAYS}/per_hour", "nothing is made"),
            ("a rate below one a day", {"per_hour": 0.01}, f"{DAYS}/per_hour", "whole count"),
            ("a rate that is no number", {"per_hour": "many"}, f"{DAYS}/per_hour", "fit"),
            ("a rate beyond measure", {"per_hour": 10**12}, "/data/windows", "more than can be counted"),
            ("a calendar of too many windows", {"until": "2033-01-07"}, f"{DAYS}", "windows"),
        )
    },
    "a lot larger than any window": (OFFER, {"lot": 1001}, "/data/lot", "larger"),
    "a minimum order above everything": (OFFER, {"minimum_order": 1001}, "/data/minimum_order", "more"),
    "net quantities": (OFFER, {"basis": "net", "as_of": "0" * 20}, "/data/basis", "not supported yet"),
    "net quantities as of nothing": (OFFER, {"basis": "net"}, "/data/as_of", "missing"),
    "gross quantities as of something": (OFFER, {"as_of": "0" * 20}, "/data/as_of", "net"),
    "a validity that ends before the offer begins": (
        OFFER,
        {"valid_until": "2029-12-31T00:00:00Z"},
        "/data/valid_until",
        "before",
    ),
    "a patience that ends before the demand begins": (
        DEMAND,
        {"patience_until": "2029-12-31T00:00:00Z"},
        "/data/patience_until",
        "before",
    ),
    "a certificate twice": (
        OFFER,
        {"certificates": [{"scheme": "iso-9001"}, {"scheme": "iso-9001"}]},
        "/data/certificates/1/scheme",
        "twice",
    ),
    "a region that is no country": (
        OFFER,
        {"regions_served": ["CN", "JJ-1"]},
        "/data/regions_served/1",
        "'JJ'",
    ),
    "a region of three letters": (SITE, {"region": "CHN"}, "/data/region", "'CHN'"),
    "a party preferred and blocked": (
        DEMAND,
        {"preferred": ["a", "b"], "blocked": ["b"]},
        "/data/preferred/1",
        "blocked",
    ),
    "a constraint on nothing": (
        DEMAND,
        {"item/constraints": [{"attribute": "colour"}]},
        "/data/item/constraints/0",
        "nothing",
    ),
    "a constraint that nothing meets": (
        DEMAND,
        {"item/constraints": [{"attribute": "width", "minimum": 2, "maximum": 1}]},
        "/data/item/constraints/0/minimum",
        "maximum",
    ),
    "an attribute as long as a book": (
        OFFER,
        {"item/attributes": {"colour": "x" * 501}},
        "/data/item/attributes/colour",
        "501",
    ),
    "an attribute whose name has to be escaped": (
        OFFER,
        {"item/attributes": {"a/b~": "x" * 501}},
        "/data/item/attributes/a~1b~0",
        "501",
    ),
    "an attribute without a name": (OFFER, {"item/attributes": {"": 1}}, "/data/item/attributes/", "0"),
    "a choice as long as a book": (
        DEMAND,
        {"item/constraints": [{"attribute": "colour", "one_of": ["red", "x" * 501]}]},
        "/data/item/constraints/0/one_of/1",
        "501",
    ),
    "a NUL in a text": (SITE, {"name": "a\0b"}, "/data/name", "U+0000"),
    "a line feed after an id": (OFFER, {"offer": "o1\n"}, "/data/offer", ""),
    "a tier of 0": (DEMAND, {"tier": 0}, "/data/tier", "0"),
    "a ratio above 1": (SITE, {"readiness/man": {"ratio": 1.1}}, "/data/readiness/man/ratio", "1.1"),
    "evidence from the stone age": (
        SITE,
        {"readiness/man": {"ratio": 1, "at": "1970-01-01T00:00:00Z"}},
        "/data/readiness/man/at",
        "range",
    ),
    "a report of nothing": (PROGRESS, {"shipped": None}, "/data", "nothing"),
    "more delivered than shipped": (PROGRESS, {"delivered": 401}, "/data/delivered", "shipped"),
    "a failure without a cause": (PROGRESS, {"failed": 1}, "/data/cause", "missing"),
    "progress in an unknown unit": (PROGRESS, {"unit": "???"}, "/data/unit", "'???'"),
    "a route without an end": (ROUTES, {"distances_m": {"nowhere": 1}}, "/data/distances_m/nowhere", ""),
    "a route of negative length": (ROUTES, {"distances_m": {"a/b": -1}}, "/data/distances_m/a~1b", "-1"),
    "tranches that fall": (
        POLICY,
        {"tranches": [{"up_to_share": 1, "value": 9}, {"up_to_share": 0.5, "value": 8}]},
        "/data/tranches/1/up_to_share",
        "rise",
    ),
    "tranches that are worth more and more": (
        POLICY,
        {"tranches": [{"up_to_share": 0.5, "value": 1}, {"up_to_share": 1, "value": 2}]},
        "/data/tranches/1/value",
        "worth more",
    ),
    "tranches that end early": (
        POLICY,
        {"tranches": [{"up_to_share": 0.5, "value": 1}]},
        "/data/tranches/0/up_to_share",
        "whole",
    ),
    "a tranche of nothing": (
        POLICY,
        {"tranches": [{"up_to_share": 0, "value": 1}, {"up_to_share": 1, "value": 1}]},
        "/data/tranches/0/up_to_share",
        "nothing",
    ),
    "a reach that starts late": (POLICY, {"reach": [{"waiting_s": 1}]}, "/data/reach/0/waiting_s", "before"),
    "a reach that shrinks": (
        POLICY,
        {"reach": [{"waiting_s": 0, "distance_m": 9}, {"waiting_s": 1, "distance_m": 8}]},
        "/data/reach/1/distance_m",
        "rise",
    ),
    "a reach beyond everywhere": (
        POLICY,
        {"reach": [{"waiting_s": 0}, {"waiting_s": 1, "distance_m": 8}]},
        "/data/reach/1",
        "any distance",
    ),
    "a reach in disorder": (
        POLICY,
        {"reach": [{"waiting_s": 0, "distance_m": 1}, {"waiting_s": 0}]},
        "/data/reach/1/waiting_s",
        "rise",
    ),
    "a market without a name": (POLICY, {"market": " "}, "/data/market", ""),
    "a tick into the past": (TICK, {"now": "1999-01-01T00:00:00Z"}, "/data/now", "range"),
}


def refusal(event_type: str, data: object) -> Any:
    with pytest.raises(Refused) as caught:
        admit(event(event_type, data), ADMINISTRATOR, "log")
    return caught.value.refusal


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_refused_by_name(name: str) -> None:
    event_type, changes, pointer, reason = CASES[name]
    refused = refusal(event_type, changed(event_type, changes))
    assert refused.status == 422
    told = [(fault.pointer, fault.reason) for fault in refused.faults]
    assert any(at == pointer and reason in why for at, why in told), told
    assert all(fault.expected for fault in refused.faults)


@pytest.mark.parametrize("event_type", INTAKE_BY_TYPE)
def test_the_good_sample_of_each_type_is_admitted(event_type: str) -> None:
    statement = admit(event(event_type, GOOD[event_type]), ADMINISTRATOR, "log")
    assert type(statement.data) is INTAKE_BY_TYPE[event_type].data


def test_a_window_in_the_past_is_fine() -> None:
    past = {"windows/0/from": "2020-01-01T00:00:00Z", "windows/0/until": "2020-02-01T00:00:00Z"}
    admit(event(OFFER, changed(OFFER, past)), ADMINISTRATOR, "wall")


def test_windows_that_touch_are_disjoint() -> None:
    admit(event(OFFER, changed(OFFER, {"windows": [LATER, WINDOW]})), ADMINISTRATOR, "wall")


def test_every_fault_of_an_event_is_told_at_once() -> None:
    wrong = {"revision": 0, "site": None, "windows/0/quantity": "many", "item/colour": "red"}
    refused = refusal(OFFER, changed(OFFER, wrong))
    assert {fault.pointer for fault in refused.faults} == {
        "/data/revision",
        "/data/site",
        "/data/windows/0/quantity",
        "/data/item/colour",
    }


def test_faults_of_values_and_of_rules_are_told_together() -> None:
    wrong = {"windows/0/quantity": 0.5, "price/currency": "XXX", "regions_served": ["JJ"], "basis": "net"}
    refused = refusal(OFFER, changed(OFFER, wrong))
    assert {fault.pointer for fault in refused.faults} >= {
        "/data/windows/0/quantity",
        "/data/price/currency",
        "/data/regions_served/0",
        "/data/basis",
    }


def test_the_nearest_known_name_is_given_as_a_hint() -> None:
    unknown_field = refusal(OFFER, changed(OFFER, {"lead_time": 3}))
    assert "lead_time_s" in unknown_field.faults[0].expected
    unknown_type = refusal("tenon.offer.publish.v1", {})
    assert "tenon.offer.published.v1" in unknown_type.faults[0].expected


def test_a_hostile_number_of_faults_is_cut() -> None:
    refused = refusal(OFFER, changed(OFFER, {f"x{index}": 1 for index in range(1000)}))
    assert len(refused.faults) == 50


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 100_000, b"\xff", b'{"a":"\\ud800"}', b"NaN", b'{"a":1}{}']
)
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    refused = refusal(OFFER, body)
    assert refused.status == 400


@pytest.mark.parametrize("body", [b"null", b"[]", b"3", b'"text"'])
def test_what_is_no_object_is_invalid(body: bytes) -> None:
    refused = refusal(OFFER, body)
    assert (refused.status, refused.faults[0].pointer) == (422, "/data")
    assert refused.faults[0].expected == "an object"


@pytest.mark.parametrize("attribute", ["id", "source", "subject"])
def test_an_attribute_that_cannot_be_printed_is_refused(attribute: str) -> None:
    attributes: dict[str, Any] = {"id": "e1", "source": "/s", "subject": "o1", attribute: "a\nb"}
    with pytest.raises(Refused) as caught:
        admit(CloudEvent(type=OFFER, data=b"{}", **attributes), ADMINISTRATOR, "wall")
    assert caught.value.refusal.faults[0].pointer == f"/{attribute}"


def test_a_class_is_the_only_thing_withdrawals_need_to_be_routed() -> None:
    data = {"party": "acme", "offer": "o1", "revision": 2, "class": MASKS}
    admit(event("tenon.offer.withdrawn.v1", data), ADMINISTRATOR, "wall")
