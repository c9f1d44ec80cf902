"""Bytes that are no event: each is told where, why and what would be right, and no more of it is read."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import reading
from ingest.domain.faults import MAX_FAULTS, Refusal, Refused
from ingest.domain.repeated import repeated_names
from tenon.contracts.cloudevents import BATCH, JSON, STRUCTURED
from tests.unit.ingest.samples import GOOD

pytestmark = pytest.mark.unit
WHOLE = {"specversion": "1.0", "id": "1", "source": "/s", "type": "tenon.offer.withdrawn.v1", "data": {}}
CE = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "tenon.offer.withdrawn.v1"}


def refused(body: bytes, kind: str = STRUCTURED, headers: dict[str, str] | None = None) -> Refusal:
    with pytest.raises(Refused) as caught:
        reading.items_of(kind, headers or {}, body)
    return caught.value.refusal


def of(event: object) -> Refusal:
    return refused(json.dumps(event).encode())


@pytest.mark.parametrize(
    ("change", "pointer", "reason"),
    [
        ({"id": None}, "/id", "got null"),
        ({"id": ""}, "/id", "0 characters"),
        ({"id": "x" * 513}, "/id", "513 characters"),
        ({"source": 7}, "/source", "got a number"),
        ({"type": ["x"]}, "/type", "got an array"),
        ({"specversion": 1.0}, "/specversion", "got a number"),
        ({"specversion": "0.3"}, "/specversion", "'0.3' is not read"),
        ({"time": 0}, "/time", "got a number"),
        ({"subject": {}}, "/subject", "got an object"),
        ({"datacontenttype": "text/xml"}, "/datacontenttype", "'text/xml' is not read"),
        ({"data_base64": "e30="}, "/data", "as JSON"),
        ({"comexampleextension": [1]}, "/comexampleextension", "a string, a boolean or an integer"),
        ({"Extension": "x"}, "/Extension", "lower-case"),
    ],
)
def test_an_attribute_at_fault_is_pointed_at(change: dict[str, Any], pointer: str, reason: str) -> None:
    refusal = of(WHOLE | change)
    assert (refusal.status, refusal.faults[0].pointer) == (400, pointer)
    assert reason in refusal.faults[0].reason
    assert refusal.faults[0].expected


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "data"])
def test_an_attribute_that_is_missing_is_pointed_at(name: str) -> None:
    refusal = of({key: value for key, value in WHOLE.items() if key != name})
    assert (refusal.status, refusal.faults[0].pointer) == (400, f"/{name}")


def test_all_attributes_at_fault_are_told_at_once() -> None:
    assert [fault.pointer for fault in of({"id": 3, "subject": 4}).faults] == [
        "/specversion",
        "/id",
        "/source",
        "/type",
        "/subject",
    ]


@pytest.mark.parametrize(("body", "sent"), [(b"[]", "an array"), (b"3", "a number"), (b"null", "null")])
def test_what_is_no_object_is_told_so(body: bytes, sent: str) -> None:
    (fault,) = refused(body).faults
    assert (fault.pointer, fault.reason) == ("", f"got {sent}")
    assert "an object" in fault.expected


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"data":' + b"[" * 1_000 + b"]" * 1_000 + b"}", STRUCTURED),
        (b"[" * 1_000 + b"]" * 1_000, BATCH),
    ],
)
def test_what_is_nested_too_deeply_is_told_so(body: bytes, kind: str) -> None:
    refusal = refused(body, kind)
    assert refusal.status == 400
    assert refusal.faults[0].reason == "nested too deeply"


def test_a_batch_that_is_no_array_is_told_what_a_batch_is() -> None:
    assert refused(b"{}", BATCH).faults[0].expected == "a JSON array of events"


def test_binary_mode_points_at_the_attribute_of_a_missing_header() -> None:
    refusal = refused(b"{}", JSON, {name: text for name, text in CE.items() if name != "ce-source"})
    assert (refusal.status, refusal.faults[0].pointer) == (400, "/source")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b'{"a":1,"a":1}', ["/a"]),
        (b'{"a":1,"b":{"a":2}}', []),
        (b'{"a":[{"b":1},{"b":1,"c":2,"b":3}]}', ["/a/1/b"]),
        (b'{"a" :1, "a"\n: 2}', ["/a"]),
        (b'{"a":"x:y","a":"\\u003a"}', ["/a"]),
        (b'{"a/b":1,"a\\/b":2}', ["/a~1b"]),
        (b'{"a":1e999,"a":' + b"9" * 5_000 + b"}", ["/a"]),
        (b'{"a":":\\":","b":"2030-01-01T00:00:00Z"}', []),
        (b'{"a":100000000000000000000000000}', []),
        (b'{"a":', []),
        (b'{"a":"\xff","a":1}', []),
    ],
)
def test_a_name_that_stands_twice_in_an_object_is_pointed_at(body: bytes, pointers: list[str]) -> None:
    assert [fault.pointer for fault in repeated_names(body)] == pointers


_texts = st.text(alphabet=':"\\/a\u00e9', max_size=4)
_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=10,
)


@given(
    value=st.dictionaries(_texts, _values, min_size=1, max_size=3), name=st.data(), ascii_only=st.booleans()
)
def test_a_repeated_name_is_found_and_no_other(
    value: dict[str, Any], name: st.DataObject, ascii_only: bool
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only)
    assert repeated_names(body.encode()) == ()
    again = name.draw(st.sampled_from(sorted(value)))
    pointer = "/" + again.replace("~", "~0").replace("/", "~1")
    twice = f"{body[:-1]}, {json.dumps(again)}: 1}}"
    assert [fault.pointer for fault in repeated_names(twice.encode())] == [pointer]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"id":"2",' + msgspec.json.encode(WHOLE)[1:], "/id"),
        (msgspec.json.encode(WHOLE).replace(b"{}", b'{"revision":1,"revision":2}'), "/data/revision"),
    ],
)
def test_an_event_in_which_a_name_stands_twice_is_not_read(body: bytes, pointer: str) -> None:
    refusal = refused(body)
    assert (refusal.status, [fault.pointer for fault in refusal.faults]) == (400, [pointer])


def test_in_binary_mode_the_body_is_the_data_that_is_pointed_into() -> None:
    assert refused(b'{"a":1,"a":2}', JSON, CE).faults[0].pointer == "/data/a"


def test_a_batch_loses_the_event_in_which_a_name_stands_twice_and_no_other() -> None:
    good = msgspec.json.encode(WHOLE)
    first, second = reading.items_of(BATCH, {}, b'[{"id":"2",' + good[1:] + b"," + good + b"]")
    assert first.refusal is not None
    assert second.refusal is None


def test_a_hostile_number_of_repeated_names_is_cut() -> None:
    refusal = refused(b"{" + b'"a":1,' * 1_000 + msgspec.json.encode(WHOLE)[1:])
    assert len(refusal.faults) == MAX_FAULTS
    assert "(and 998 more)" in refusal.detail


@pytest.mark.parametrize("event_type", GOOD)
def test_good_events_are_read_in_every_form(event_type: str) -> None:
    event = WHOLE | {"type": event_type, "data": GOOD[event_type]}
    for body in (json.dumps(event), json.dumps(event, indent=2), json.dumps(event, separators=(",", ":"))):
        (item,) = reading.items_of(STRUCTURED, {}, body.encode())
        assert item.event is not None
        assert json.loads(item.event.data) == GOOD[event_type]
