"""Documents of EPCIS: the good are read, the broken are refused with where, why and what would be right."""

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.faults import Refused
from ingest.formats.epcis import reading
from ingest.formats.epcis.keys import item_of, place_of
from ingest.formats.epcis.reading import Event, Read
from ingest.formats.epcis.rules import MEMBERS
from tenon.contracts.codec import decode_tolerant, encode
from tests.support.epcis import (
    ADVICE,
    BATCH,
    CONTEXT,
    GATE,
    INSTANCE,
    ITEM,
    ORDER,
    PIECE,
    PLACE,
    amount,
    body,
    document,
    event,
    moved,
    shipped,
    void,
)

pytestmark = pytest.mark.unit
AT = "/epcisBody/eventList/0"
CHILDREN = {"parentID": "urn:epc:id:sscc:0614141.1234567890", "childEPCs": [INSTANCE + "1"]}
GOOD: dict[str, dict[str, Any]] = {
    "ObjectEvent": moved("ADD", 10, "commissioning", ilmd={"acme:bestBefore": "2031-01-01"}),
    "AggregationEvent": event("AggregationEvent", action="ADD", **CHILDREN),
    "AssociationEvent": event("AssociationEvent", action="OBSERVE", **CHILDREN),
    "TransactionEvent": event(
        "TransactionEvent",
        action="ADD",
        epcList=[INSTANCE + "1"],
        bizTransactionList=[{"type": "po", "bizTransaction": ORDER}],
    ),
    "TransformationEvent": event(
        "TransformationEvent", inputQuantityList=[amount(10)], outputEPCList=[INSTANCE + "1", INSTANCE + "2"]
    ),
}


def one(told: Any) -> Read:
    (found,) = reading.events(body(told))
    return found


def read(told: Any) -> Event:
    found = one(told)
    assert found.faults == ()
    assert found.event is not None
    return found.event


@pytest.mark.parametrize("kind", GOOD)
def test_each_type_of_event_is_read_and_kept_as_it_is(kind: str) -> None:
    found = read({**GOOD[kind], "acme:ofTheirOwn": {"any": ["thing"]}})
    assert decode_tolerant(Event, encode(found)) == found


def test_events_come_as_a_document_a_query_document_a_list_or_alone() -> None:
    told = moved("ADD", 10)
    queried = {
        "@context": CONTEXT,
        "type": "EPCISQueryDocument",
        "epcisBody": {"queryResults": {"queryName": "q", "resultsBody": {"eventList": [told]}}},
    }
    single = {"@context": CONTEXT, **told}
    found = [reading.events(json.dumps(each).encode()) for each in (document(told), queried, [told], single)]
    assert [[each.at for each in reads] for reads in found] == [
        [AT],
        ["/epcisBody/queryResults/resultsBody/eventList/0"],
        ["/0"],
        [""],
    ]
    assert len({each.event for reads in found for each in reads}) == 1


BROKEN_DOCUMENTS: list[tuple[str, Any, str, str]] = [
    ("cut", body(moved("ADD", 1))[:-9], "", "truncated"),
    ("empty", b"", "", "truncated"),
    ("XML", b"<epcis:EPCISDocument/>", "", "malformed"),
    ("Latin-1", '{"type": "é"}'.encode("latin-1"), "", "utf-8"),
    ("nested", b'{"a":' * 500 + b"null" + b"}" * 500, "", "nested too deeply"),
    ("a name twice", b'{"type":"EPCISDocument","type":"ObjectEvent"}', "/type", "twice"),
    ("text", b'"EPCISDocument"', "", "got a string"),
    ("no context", {"type": "EPCISDocument"}, "/@context", "missing field"),
    ("no type", {"@context": CONTEXT}, "/type", "missing field"),
    ("unknown type", {"@context": CONTEXT, "type": "EPCISDokument"}, "/type", "'EPCISDokument' is not read"),
    ("version 1.2", document(moved("ADD", 1), schemaVersion="1.2"), "/schemaVersion", "1.2 is not read"),
    ("no version", document(moved("ADD", 1), schemaVersion="two"), "/schemaVersion", "does not fit"),
    ("no date", document(moved("ADD", 1), creationDate="today"), "/creationDate", "does not fit"),
    ("no zone", document(moved("ADD", 1), creationDate="2030-01-01T00:00:00"), "/creationDate", "not fit"),
    ("no body", document(epcisBody={}), "/epcisBody/eventList", "missing field"),
    ("no list", document(epcisBody={"eventList": {}}), "/epcisBody/eventList", "an object"),
    ("no event", document(), "/epcisBody/eventList", "no event"),
]


@pytest.mark.parametrize(
    ("sent", "at", "why"), [row[1:] for row in BROKEN_DOCUMENTS], ids=[row[0] for row in BROKEN_DOCUMENTS]
)
def test_a_broken_document_is_refused_with_its_reason(sent: Any, at: str, why: str) -> None:
    raw = json.dumps(sent).encode() if isinstance(sent, dict) else sent
    with pytest.raises(Refused) as refused:
        reading.events(raw)
    (fault,) = (each for each in refused.value.refusal.faults if each.pointer == at)
    assert why in fault.reason
    assert refused.value.refusal.status == 400


def test_too_many_events_are_too_large() -> None:
    with pytest.raises(Refused) as refused:
        reading.events(body(*[moved("ADD", 1)] * (reading.MOST_EVENTS + 1)))
    assert refused.value.refusal.status == 413


def test_too_many_changes_of_stock_are_too_large() -> None:
    each = reading.MOST_MOVES // 2 + 1
    told = event(action="ADD", quantityList=[amount(1, of=f"urn:x:{number}") for number in range(each)])
    assert len(reading.events(body(told))) == 1
    with pytest.raises(Refused) as refused:
        reading.events(body(told, told))
    assert refused.value.refusal.status == 413


def without(name: str, kind: str = "ObjectEvent") -> dict[str, Any]:
    return {key: value for key, value in GOOD[kind].items() if key != name}


def having(kind: str = "ObjectEvent", **more: Any) -> dict[str, Any]:
    return {**GOOD[kind], **more}


BROKEN_EVENTS: list[tuple[Any, str, str]] = [
    # Shape.
    ("ObjectEvent", "", "got a string"),
    (without("type"), "/type", "missing field"),
    (having(type="acme:Event"), "/type", "no type of event"),
    (having(type="ObjektEvent"), "/type", "no type of event"),
    (without("eventTime"), "/eventTime", "missing field"),
    (having(eventTime="2030-01-07T08:00:00"), "/eventTime", "does not fit"),
    (having(eventTime="0001-01-01T00:00:00+14:00"), "/eventTime", "the year 1"),
    (without("eventTimeZoneOffset"), "/eventTimeZoneOffset", "missing field"),
    (having(eventTimeZoneOffset="+15:00"), "/eventTimeZoneOffset", "does not fit"),
    (having(eventTimeZoneOffset="Z"), "/eventTimeZoneOffset", "does not fit"),
    (having(eventID="4711"), "/eventID", "does not fit"),
    (having(action="CREATE"), "/action", "does not fit"),
    (having(readPoint=GATE), "/readPoint", "got a string"),
    (having(readPoint={}), "/readPoint/id", "missing field"),
    (having(bizLocation={"id": "dock 4"}), "/bizLocation/id", "does not fit"),
    (having(quantityList=[{"quantity": 1}]), "/quantityList/0/epcClass", "missing field"),
    (having(quantityList=[{"epcClass": BATCH, "amount": 1}]), "/quantityList/0/amount", "unknown field"),
    (having(quantityList=[amount("many")]), "/quantityList/0/quantity", "does not fit"),
    (having(quantityList=[amount(1, uom="kilogram")]), "/quantityList/0/uom", "does not fit"),
    (having(epcList=INSTANCE + "1"), "/epcList", ""),
    (having(epcList=["1"]), "/epcList/0", "does not fit"),
    (having(errorDeclaration={}), "/errorDeclaration/declarationTime", "missing field"),
    (having(bizTransactionList=[{"type": "po"}]), "/bizTransactionList/0/bizTransaction", "missing field"),
    # Members.
    (having(quantitylist=[]), "/quantitylist", "no member of an ObjectEvent"),
    (having("TransformationEvent", action="ADD"), "/action", "no member of a TransformationEvent"),
    (having("AggregationEvent", epcList=[]), "/epcList", "no member of an AggregationEvent"),
    (having("AggregationEvent", ilmd={}), "/ilmd", "no member of an AggregationEvent"),
    # Words.
    (having(bizStep="shiping"), "/bizStep", "no word"),
    (having(bizStep="urn:epcglobal:cbv:bizstep:teleporting"), "/bizStep", "no word"),
    (
        having(bizTransactionList=[{"type": "order", "bizTransaction": ORDER}]),
        "/bizTransactionList/0/type",
        "word",
    ),
    (
        having(errorDeclaration={"declarationTime": "2030-01-08T00:00:00Z", "reason": "oops"}),
        "/errorDeclaration/reason",
        "no word",
    ),
    # Amounts.
    (having(quantityList=[amount(-1)]), "/quantityList/0/quantity", "negative"),
    (having(quantityList=[amount(1e30)]), "/quantityList/0/quantity", "too large"),
    (having(quantityList=[amount(10**12)]), "/quantityList/0/quantity", "too large or too fine"),
    (having(quantityList=[amount(1e-12)]), "/quantityList/0/quantity", "too large or too fine"),
    (having(epcList=[INSTANCE + "1"] * 2), "/epcList/1", "twice"),
    (
        having("TransformationEvent", outputEPCList=[INSTANCE + "1"] * 2),
        "/outputEPCList/1",
        "twice",
    ),
]
RULES: list[tuple[dict[str, Any], str, str]] = [
    (without("action"), "/action", "§7.4.2"),
    (without("quantityList"), "", "§7.4.2"),
    (having(action="OBSERVE"), "/ilmd", "§7.4.2"),
    (having(action="DELETE"), "/ilmd", "§7.4.2"),
    (without("action", "AggregationEvent"), "/action", "§7.4.3"),
    (without("parentID", "AggregationEvent"), "/parentID", "§7.4.3"),
    (without("childEPCs", "AggregationEvent"), "", "§7.4.3"),
    (without("action", "TransactionEvent"), "/action", "§7.4.4"),
    (without("bizTransactionList", "TransactionEvent"), "/bizTransactionList", "§7.4.4"),
    (without("epcList", "TransactionEvent"), "", "§7.4.4"),
    (without("inputQuantityList", "TransformationEvent"), "", "§7.4.5"),
    (without("outputEPCList", "TransformationEvent"), "", "§7.4.5"),
    (event("TransformationEvent", transformationID="urn:x:t"), "", "§7.4.5"),
    (without("action", "AssociationEvent"), "/action", "§7.4.6"),
    (without("parentID", "AssociationEvent"), "/parentID", "§7.4.6"),
    (without("childEPCs", "AssociationEvent"), "", "§7.4.6"),
]


@pytest.mark.parametrize(("told", "at", "why"), BROKEN_EVENTS + RULES)
def test_a_broken_event_is_told_and_harms_no_other(told: Any, at: str, why: str) -> None:
    broken, good = reading.events(body(told, moved("ADD", 1)))
    assert broken.event is None
    assert any(why in fault.reason for fault in broken.faults if fault.pointer == AT + at), broken.faults
    assert all(fault.expected for fault in broken.faults)
    assert good.event is not None


@pytest.mark.parametrize(
    "told",
    [
        event(action="OBSERVE", epcList=[]),
        event(
            action="OBSERVE", sensorElementList=[{"sensorReport": [{"type": "Temperature", "value": 26.1}]}]
        ),
        event("AggregationEvent", action="DELETE", parentID="urn:epc:id:sscc:0614141.1234567890"),
        event("AggregationEvent", action="OBSERVE", childQuantityList=[amount(1)]),
        event("TransactionEvent", action="DELETE", bizTransactionList=[{"bizTransaction": ORDER}]),
        event("TransformationEvent", transformationID="urn:x:t", outputQuantityList=[amount(1)]),
        event("AssociationEvent", action="DELETE", parentID=INSTANCE + "1"),
        moved("ADD", 1, "https://ref.gs1.org/cbv/BizStep-commissioning"),
        moved("ADD", 1, "https://acme.example/steps/blessing"),
        event(action="ADD", quantityList=[{"epcClass": BATCH}]),
    ],
)
def test_what_the_standard_allows_is_taken(told: dict[str, Any]) -> None:
    read(told)


@pytest.mark.parametrize(
    "other",
    [
        {"recordTime": "2030-01-09T00:00:00Z"},
        {"eventTime": "2030-01-07T09:00:00+01:00"},
        {"quantityList": [amount(5, uom=None), amount(10.0)]},
        {"@context": CONTEXT},
        {"errorDeclaration": {"declarationTime": "2030-01-08T00:00:00Z"}},
    ],
)
def test_the_same_content_has_one_name_however_it_is_written(other: dict[str, Any]) -> None:
    told = event(action="ADD", quantityList=[amount(10), amount(5, uom=None)])
    backwards = dict(reversed({**told, **other}.items()))
    assert read(backwards).id == read(told).id


@pytest.mark.parametrize(
    "other",
    [{"action": "DELETE"}, {"eventTime": "2030-01-07T08:00:01Z"}, {"acme:lot": 1}, {"bizStep": "other"}],
)
def test_other_content_has_another_name(other: dict[str, Any]) -> None:
    assert read({**moved("ADD", 10), **other}).id != read(moved("ADD", 10)).id


def test_an_event_id_names_the_event() -> None:
    assert read(moved("ADD", 10, eventID="urn:uuid:1")).id == "urn:uuid:1"


@pytest.mark.parametrize(
    ("uri", "item"),
    [
        (INSTANCE + "987", PIECE),
        ("urn:epc:idpat:sgtin:4012345.011111.*", PIECE),
        ("https://id.gs1.org/01/04012345111118/21/987", PIECE),
        ("https://acme.example/p/01/04012345111118", PIECE),
        ("https://acme.example/01/4012345111118?x=1", PIECE),
        (BATCH, ITEM),
        ("https://id.gs1.org/01/04012345123456/10/77/21/3", ITEM),
        ("urn:epc:id:sgtin:0614141.107346.2017", "https://id.gs1.org/01/10614141073464"),
        ("urn:epc:id:sscc:0614141.1234567890", None),
        ("https://id.gs1.org/00/106141412345678908", None),
        ("urn:epc:id:grai:0614141.12345.400", None),
        ("https://acme.example/things/7", "https://acme.example/things/7"),
        ("urn:epc:id:sgtin:4012345.0111.1", "urn:epc:id:sgtin:4012345.0111.1"),
    ],
)
def test_an_instance_counts_as_its_class_in_one_form(uri: str, item: str | None) -> None:
    assert item_of(uri) == item


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        (GATE, PLACE),
        ("https://acme.example/414/0614141007776", PLACE),
        ("urn:epc:id:sgln:0614141.07346.1234", "https://id.gs1.org/414/0614141073467/254/1234"),
        ("https://id.gs1.org/414/0614141073467/254/1234", "https://id.gs1.org/414/0614141073467/254/1234"),
        ("geo:36.0,117.0", "geo:36.0,117.0"),
    ],
)
def test_a_place_has_one_form(uri: str, place: str) -> None:
    assert place_of(uri) == place


@pytest.mark.parametrize(
    ("told", "sums"),
    [
        (moved("ADD", 10), {ITEM: (10, 0)}),
        (moved("DELETE", 10), {ITEM: (-10, 0)}),
        (moved("OBSERVE", 10), {}),
        (moved("OBSERVE", 10, "stock_taking"), {}),
        (moved("OBSERVE", 10, "shipping"), {}),
        (moved("OBSERVE", 10, "receiving"), {}),
        (moved("DELETE", 10, "urn:epcglobal:cbv:bizstep:shipping"), {ITEM: (-10, 0)}),
        (moved("ADD", 10, "shipping"), {ITEM: (10, 0)}),
        (event(action="ADD", epcList=[INSTANCE + "1", INSTANCE + "2"]), {PIECE: (2, 0)}),
        (event(action="ADD", epcList=["urn:epc:id:sscc:0614141.1234567890"]), {}),
        (event(action="ADD", quantityList=[{"epcClass": BATCH}]), {}),
        (GOOD["TransformationEvent"], {ITEM: (-10, 0), PIECE: (2, 2)}),
        (GOOD["AggregationEvent"], {}),
        (GOOD["AssociationEvent"], {}),
        (GOOD["TransactionEvent"], {}),
    ],
)
def test_what_an_event_does_to_stock(told: dict[str, Any], sums: dict[str, Any]) -> None:
    found = read(told).moves
    assert {each.item: (each.quantity, each.produced) for each in found} == sums
    assert {each.place for each in found} <= {PLACE}


def test_goods_are_where_the_event_leaves_them_else_where_it_was_seen() -> None:
    there = {"id": "urn:epc:id:sgln:0614141.07346.0"}
    assert read(moved("ADD", 1, bizLocation=there)).moves[0].place == "https://id.gs1.org/414/0614141073467"
    assert read(moved("ADD", 1, readPoint=None)).moves[0].place == ""


@pytest.mark.parametrize(
    ("told", "orders", "shipments"),
    [
        (shipped(10), (ORDER,), [("KGM", 10, 0)]),
        (shipped(10, "receiving"), (ORDER,), [("KGM", 0, 10)]),
        (shipped(10, "void_shipping"), (ORDER,), [("KGM", -10, 0)]),
        (shipped(10, "loading"), (), []),
        (shipped(10, bizTransactionList=[{"type": "inv", "bizTransaction": ORDER}]), (), []),
        (shipped(10, bizTransactionList=[{"bizTransaction": ORDER}]), (), []),
        (
            shipped(
                10,
                bizTransactionList=[
                    {"type": "urn:epcglobal:cbv:btt:desadv", "bizTransaction": ADVICE},
                    {"type": "po", "bizTransaction": ORDER},
                ],
            ),
            (ORDER, ADVICE),
            [("KGM", 10, 0)],
        ),
    ],
)
def test_what_an_event_ships_and_receives_of_which_orders(
    told: dict[str, Any], orders: tuple[str, ...], shipments: list[Any]
) -> None:
    found = read(told)
    assert found.orders == orders
    assert [(each.unit, each.shipped, each.received) for each in found.shipments] == shipments


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    kind=st.sampled_from(sorted(GOOD)),
    name=st.sampled_from(sorted(set.union(*map(set, MEMBERS.values())))),
    value=JSON,
)
def test_whatever_stands_in_a_member_is_read_or_told_of(kind: str, name: str, value: Any) -> None:
    found = one({**GOOD[kind], name: value})
    assert (found.event is None) == bool(found.faults)


@given(data=st.data())
def test_whatever_happens_to_the_bytes_they_are_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(body(void(shipped(10, acme=None)), GOOD["TransformationEvent"]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with suppress(Refused):
        for found in reading.events(bytes(raw)):
            assert (found.event is None) == bool(found.faults)


def test_numbers_are_exact() -> None:
    raw = body(moved("ADD", 10)).replace(b": 10,", b": 123456789.123456789,")
    (found,) = reading.events(raw)
    assert found.event is not None
    assert found.event.moves[0].quantity == Decimal("123456789.123456789")
