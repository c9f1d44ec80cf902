"""CloudEvents in every form: there and back, and refused by attribute."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenon.contracts import cloudevents as ce
from tenon.contracts.cloudevents import CloudEvent, NotCloudEvent
from tenon.contracts.codec import NotJson

EVENT = CloudEvent(
    id="1",
    source="/parties/acme-moulding",
    type="tenon.clock.ticked.v1",
    data=b'{"now":"2020-04-01T00:00:00Z"}',
    time="2020-04-01T00:00:01Z",
    subject="clock",
    extensions={"market": "hs:63", "sequence": "00000000000000000007"},
)
BINARY_ONLY = [("ce_id", b"1"), ("ce_source", b"/"), ("ce_type", b"t"), ("ce_specversion", b"1.0")]

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
events = st.builds(
    CloudEvent,
    id=texts,
    source=texts,
    type=texts,
    data=st.sampled_from([b"{}", b"[1,2]", b'"text"', b"0.10"]),
    time=st.none() | st.just("2020-04-01T00:00:00Z"),
    subject=st.none() | texts,
    extensions=st.dictionaries(st.sampled_from(["market", "party", "sequence"]), texts, max_size=3),
)


@given(events)
def test_every_form_carries_the_whole_event(event: CloudEvent) -> None:
    assert ce.from_kafka(ce.to_kafka(event), event.data) == event
    assert ce.from_structured(ce.to_structured(event)) == event
    assert ce.from_http(ce.to_http(event), event.data) == event
    structured = [("content-type", ce.STRUCTURED.encode())]
    assert ce.from_kafka(structured, ce.to_structured(event)) == event


@given(st.lists(events, max_size=5))
def test_a_batch_carries_its_events_in_order(several: list[CloudEvent]) -> None:
    assert [ce.from_structured(item) for item in ce.split_batch(ce.to_batch(several))] == several


@given(texts)
def test_http_headers_are_ascii(text: str) -> None:
    headers = ce.to_http(CloudEvent(id=text, source="/", type="t", data=b"{}"))
    assert all(value.isascii() and value.isprintable() and " " not in value for value in headers.values())


def test_http_header_names_have_no_case_and_values_may_be_quoted() -> None:
    headers = {"Ce-Id": '"a \\"b\\""', "CE-SOURCE": "/", "ce-type": "t", "ce-specversion": "1.0"}
    assert ce.from_http(headers, b"{}").id == 'a "b"'


def test_extensions_of_a_structured_event_are_text() -> None:
    body = b'{"specversion":"1.0","id":"1","source":"/","type":"t","data":{},"a":true,"b":7,"c":null}'
    assert ce.from_structured(body).extensions == {"a": "true", "b": "7"}


def test_a_data_schema_is_no_extension() -> None:
    body = b'{"specversion":"1.0","id":"1","source":"/","type":"t","dataschema":"x","data":{}}'
    assert ce.from_structured(body).extensions == {}
    headers = [*BINARY_ONLY, ("ce_dataschema", b"x")]
    assert ce.from_kafka(headers, b"{}").extensions == {}


@pytest.mark.parametrize(
    ("body", "attribute"),
    [
        (b'{"specversion":"0.3","id":"1","source":"/","type":"t","data":{}}', "specversion"),
        (b'{"specversion":"1.0","id":"1","source":"/","type":"t"}', "data"),
        (b'{"specversion":"1.0","id":"1","source":"/","type":"t","data_base64":"e30="}', "data"),
        (
            b'{"specversion":"1.0","id":"1","source":"/","type":"t","datacontenttype":"text/xml","data":{}}',
            "datacontenttype",
        ),
        (b'{"specversion":"1.0","id":"","source":"/","type":"t","data":{}}', "envelope"),
        (b'{"specversion":"1.0","source":"/","type":"t","data":{}}', "envelope"),
        (b'{"specversion":"1.0","id":"1","source":"/","type":"t","data":{},"Bad_Name":1}', "Bad_Name"),
        (b'{"specversion":"1.0","id":"1","source":"/","type":"t","data":{},"ext":{}}', "ext"),
        (b"[]", "envelope"),
    ],
)
def test_what_is_no_event_is_refused_by_attribute(body: bytes, attribute: str) -> None:
    with pytest.raises(NotCloudEvent) as caught:
        ce.from_structured(body)
    assert caught.value.attribute == attribute


@pytest.mark.parametrize(
    ("headers", "value", "attribute"),
    [
        (BINARY_ONLY[1:], b"{}", "id"),
        (BINARY_ONLY, None, "data"),
        ([*BINARY_ONLY, ("ce_subject", b"\xff")], b"{}", "headers"),
        ([("content-type", b"application/cloudevents+avro")], b"{}", "content-type"),
        ([], b"{}", "specversion"),
    ],
)
def test_what_is_no_kafka_event_is_refused_by_attribute(
    headers: list[tuple[str, bytes]], value: bytes | None, attribute: str
) -> None:
    with pytest.raises(NotCloudEvent) as caught:
        ce.from_kafka(headers, value)
    assert caught.value.attribute == attribute


@given(st.binary(max_size=100))
def test_arbitrary_bytes_raise_nothing_but_the_two_errors(body: bytes) -> None:
    structured = [("content-type", ce.STRUCTURED.encode())]
    with suppress(NotCloudEvent, NotJson):
        ce.from_structured(body)
    with suppress(NotCloudEvent, NotJson):
        ce.split_batch(body)
    with suppress(NotCloudEvent, NotJson):
        ce.from_kafka(structured, body)
    with suppress(NotCloudEvent, NotJson):
        ce.from_kafka([("ce_id", body)], body)


def test_an_id_depends_on_everything_that_names_the_event() -> None:
    ids = {
        ce.event_id(topic, partition, number, index)
        for topic in ("tenon.dockings.v1", "tenon.alerts.v1")
        for partition in range(3)
        for number in range(3)
        for index in range(3)
    }
    assert len(ids) == 54
    assert ce.event_id("tenon.dockings.v1", 1, 2, 3) == "ac888fb5-0662-5332-b0e7-3a00b927a5ad"
