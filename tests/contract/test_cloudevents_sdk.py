"""The CloudEvents SDK reads what our codec writes, and the other way round, in every form."""

import json
from typing import Any

import pytest
from cloudevents.core.bindings import http, kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent as SdkEvent

from tenon.contracts import cloudevents as ours
from tenon.contracts.cloudevents import CloudEvent
from tests.support import examples

FORMAT = JSONFormat()
EVENTS = [example.event for example in examples.valid()]
each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event.type}:{event.id}")


def told(event: CloudEvent) -> dict[str, Any]:
    return {**event.attributes(), "data": json.loads(event.data)}


def told_by_sdk(event: Any) -> dict[str, Any]:
    attributes = {name: value for name, value in event.get_attributes().items() if name != "datacontenttype"}
    attributes["time"] = event.get_time().isoformat().replace("+00:00", "Z")
    return {**attributes, "data": event.get_data()}


def comparable(attributes: dict[str, Any]) -> dict[str, Any]:
    """Make times comparable: the SDK writes the same instant with another number of digits."""
    return {**attributes, "time": attributes["time"].replace(".412000Z", ".412Z")}


def sdk_event(event: CloudEvent) -> SdkEvent:
    read = FORMAT.read(None, ours.to_structured(event))
    assert isinstance(read, SdkEvent)
    return read


@each_event
def test_the_sdk_reads_our_kafka_records_in_binary_mode(event: CloudEvent) -> None:
    message = kafka.KafkaMessage(dict(ours.to_kafka(event)), None, event.data)
    assert comparable(told_by_sdk(kafka.from_kafka(message, FORMAT))) == told(event)


@each_event
def test_the_sdk_reads_our_structured_events_on_kafka_and_over_http(event: CloudEvent) -> None:
    body = ours.to_structured(event)
    on_kafka = kafka.KafkaMessage({"content-type": ours.STRUCTURED.encode()}, None, body)
    assert comparable(told_by_sdk(kafka.from_kafka(on_kafka, FORMAT))) == told(event)
    over_http = http.HTTPMessage({"content-type": ours.STRUCTURED}, body)
    assert comparable(told_by_sdk(http.from_http(over_http, FORMAT))) == told(event)


@each_event
def test_the_sdk_reads_our_http_requests_in_binary_mode(event: CloudEvent) -> None:
    message = http.HTTPMessage(ours.to_http(event), event.data)
    assert comparable(told_by_sdk(http.from_http(message, FORMAT))) == told(event)


def test_the_sdk_reads_every_event_of_our_batches() -> None:
    read = [FORMAT.read(None, json.dumps(item)) for item in json.loads(ours.to_batch(EVENTS))]
    assert [comparable(told_by_sdk(event)) for event in read] == [told(event) for event in EVENTS]


@each_event
def test_we_read_the_sdks_kafka_records_in_both_modes(event: CloudEvent) -> None:
    for message in (
        kafka.to_binary(sdk_event(event), FORMAT),
        kafka.to_structured(sdk_event(event), FORMAT),
    ):
        read = ours.from_kafka(list(message.headers.items()), message.value)
        assert comparable(told(read)) == told(event)


@each_event
def test_we_read_the_sdks_http_requests_in_both_modes(event: CloudEvent) -> None:
    binary = http.to_binary(sdk_event(event), FORMAT)
    assert comparable(told(ours.from_http(binary.headers, binary.body))) == told(event)
    structured = http.to_structured(sdk_event(event), FORMAT)
    assert structured.headers["content-type"].startswith(ours.STRUCTURED)
    assert comparable(told(ours.from_structured(structured.body))) == told(event)


def test_we_read_a_batch_that_the_sdk_wrote() -> None:
    written = [http.to_structured(sdk_event(event), FORMAT).body for event in EVENTS]
    read = [ours.from_structured(item) for item in ours.split_batch(b"[" + b",".join(written) + b"]")]
    assert [comparable(told(event)) for event in read] == [told(event) for event in EVENTS]


@pytest.mark.parametrize("text", ["Größe 3", "100 % N95", 'said "yes"', "医用口罩", "a b"])
def test_texts_beyond_ascii_cross_http_headers_both_ways(text: str) -> None:
    event = CloudEvent("1", "/parties/a", "t.x", b"{}", "2026-03-02T08:15:00Z", subject=text)
    there = http.from_http(http.HTTPMessage(ours.to_http(event), b"{}"), FORMAT)
    assert there.get_subject() == text
    back = http.to_binary(sdk_event(event), FORMAT)
    assert ours.from_http(back.headers, back.body).subject == text
