"""Documents of agents: what is read of them, and what is wrong with those that can't be used."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert

from ingest.formats.mtconnect.machines import Machine, hours_of
from ingest.formats.mtconnect.observations import AgentError, Unreadable
from ingest.formats.mtconnect.running import fold
from ingest.formats.mtconnect.streams import MOST_BYTES, instant, read
from tenon.contracts.codec import encode_text
from tests.support.mtconnect import (
    BEGIN,
    DEVICE,
    MACHINE,
    at,
    condition,
    document,
    error,
    execution,
    parts,
    position,
    program,
)

HOURS = hours_of(convert(MACHINE, Machine))
WHOLE = document(
    position(5, 0),
    condition(4, 0, "Fault", "E7"),
    execution(2, 0, "ACTIVE"),
    program(3, 0, "O1"),
    parts(1, 0, 7),
    hours=1,
    next_=6,
)


def test_observations_come_in_order_of_sequence_and_others_are_counted() -> None:
    found = read(WHOLE, DEVICE)
    assert [(each.sequence, each.kind, each.value) for each in found.observations] == [
        (1, "part_count", "7"),
        (2, "execution", "ACTIVE"),
        (3, "program", "O1"),
        (4, "condition", "FAULT"),
    ]
    assert (found.observations[3].code, found.observations[3].text) == ("E7", "Spindle jammed")
    assert (found.seen, found.header.next, found.header.instance) == (5, 6, 1_000)


def test_a_device_is_known_by_its_uuid_too_and_others_are_passed_over() -> None:
    assert read(WHOLE, f"u-{DEVICE}").observations
    two = WHOLE.replace(
        b"<Streams>",
        b'<Streams><DeviceStream name="other" uuid="o"><Events><Execution/></Events></DeviceStream>',
    )
    assert read(two, DEVICE) == read(WHOLE, DEVICE)


def test_a_document_without_streams_says_only_what_time_it_is() -> None:
    found = read(document(hours=2, next_=6), DEVICE)
    assert (found.observations, found.seen) == ((), 0)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2029-12-03T06:00:00Z", BEGIN),
        ("2029-12-03T06:00:00", BEGIN),
        ("2029-12-03T08:00:00+02:00", BEGIN),
        ("2029-12-03T06:00:00.123456789Z", BEGIN.replace(microsecond=123_000)),
        ("2029-12-03T06:00:00.5", BEGIN.replace(microsecond=500_000)),
    ],
)
def test_times_are_read_with_and_without_zone_in_any_precision(written: str, meant: datetime) -> None:
    assert instant(written, "timestamp") == meant
    assert instant(written, "timestamp").tzinfo is UTC


def test_the_document_of_the_page_is_read() -> None:
    text = Path("docs/formats/mtconnect.md").read_text()
    found = read(text.partition("<<'XML'\n")[2].partition("XML\n")[0].encode(), DEVICE)
    assert [each.value for each in found.observations] == ["READY", "NORMAL"]


BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
BROKEN = {
    "nothing": (b"", "not well-formed"),
    "cut": (WHOLE[:-40], "not well-formed"),
    "no XML": (b"404 page not found", "not well-formed"),
    "web page": (b"<html><body/></html>", "the document is html"),
    "devices": (WHOLE.replace(b"MTConnectStreams", b"MTConnectDevices"), "the document is"),
    "no namespace": (b"<MTConnectStreams/>", "the document is MTConnectStreams"),
    "version": (document(hours=1, next_=6, version="3.0"), "version 3"),
    "entity bomb": (BOMB + WHOLE.partition(b"?>")[2], "document type"),
    "outside entity": (
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + WHOLE.partition(b"?>")[2],
        "document type",
    ),
    "encoding": (WHOLE.replace(b"O1", b"\xff\xfe"), "not well-formed"),
    "unknown encoding": (WHOLE.replace(b"UTF-8", b"KLINGON"), "not "),
    "too large": (WHOLE + b" " * MOST_BYTES, "more than"),
    "nested": (WHOLE.replace(b"<Streams>", b"<Streams>" + b"<a>" * 100_000), "nested deeper"),
    "no header": (WHOLE.replace(b"<Header ", b"<Foot "), "no header"),
    "another device": (document(hours=1, next_=6, device="mill-2"), "it speaks of mill-2"),
    "sequence twice": (
        document(execution(2, 0, "ACTIVE"), program(2, 0, "O1"), hours=1, next_=6),
        "sequence 2 stands there twice",
    ),
    "sequence no number": (WHOLE.replace(b'sequence="2"', b'sequence="two"'), "sequence is 'two'"),
    "sequence negative": (WHOLE.replace(b'sequence="2"', b'sequence="-2"'), "sequence is '-2'"),
    "sequence huge": (WHOLE.replace(b'sequence="2"', b'sequence="99999999999999999999"'), "sequence is"),
    "header contradicts": (document(hours=1, next_=9, last=4), "its header says first 1, last 4, next 9"),
    "header incomplete": (WHOLE.replace(b"instanceId", b"instance"), "instanceId is ''"),
    "no time": (WHOLE.replace(b'timestamp="2029-12-03T06:00', b'timestamp="yesterday'), "timestamp of"),
    "impossible time": (
        WHOLE.replace(b'timestamp="2029-12-03', b'timestamp="2029-02-31'),
        "which is no time",
    ),
    "no data item": (WHOLE.replace(b'dataItemId="exec"', b""), "Execution has no dataItemId"),
    "unknown level": (WHOLE.replace(b"Fault", b"Panic"), "a condition is 'Panic'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_document_is_refused_with_its_reason(name: str) -> None:
    body, reason = BROKEN[name]
    with pytest.raises(Unreadable) as told:
        read(body, DEVICE)
    assert reason in told.value.reason, told.value.reason
    assert told.value.expected


def test_what_the_agent_refuses_is_told_in_its_own_words() -> None:
    with pytest.raises(AgentError) as told:
        read(error("OUT_OF_RANGE"), DEVICE)
    assert (told.value.lost, told.value.words) == (True, "that is gone")
    with pytest.raises(AgentError) as told:
        read(error("NO_DEVICE"), DEVICE)
    assert not told.value.lost


@given(st.data())
def test_whatever_is_changed_in_a_document_it_is_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        first = data.draw(st.integers(0, len(body)))
        last = first + data.draw(st.integers(0, 30))
        body[first:last] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b"<", b">", b'"', b"<!DOCTYPE a>"])
        )
    try:
        found = read(bytes(body), DEVICE)
    except (Unreadable, AgentError):
        return
    sequences = [each.sequence for each in found.observations]
    assert sequences == sorted(set(sequences))
    assert found.header.next <= found.header.last + 1
    assert encode_text(fold(None, found, HOURS, at(1_000), whole=True))
