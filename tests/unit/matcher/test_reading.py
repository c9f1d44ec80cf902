"""From records of the log to entries, or the reason why not."""

import msgspec
import pytest

from matcher.domain.applying import HANDLERS
from matcher.domain.reading import Entry, LogRecord, UnknownType, Unusable, is_tick, read
from tenon.contracts import intake
from tenon.contracts.cloudevents import CloudEvent, to_kafka, to_structured
from tenon.contracts.codec import encode
from tenon.contracts.families import LOG_BY_TYPE, PUBLISHED
from tests.support.market import MARKET, day, offer

pytestmark = pytest.mark.unit

LISTED = "tenon.offer.listed.v1"
LISTING = encode(offer("a"))


def event(
    event_type: str = LISTED, data: bytes = LISTING, market: str | None = MARKET, **extensions: str
) -> CloudEvent:
    where = {} if market is None else {"market": market}
    return CloudEvent(id="1", source="test", type=event_type, data=data, extensions={**where, **extensions})


def record(said: CloudEvent, offset: int = 7) -> LogRecord:
    return LogRecord(offset, to_kafka(said), said.data)


def structured(said: CloudEvent) -> LogRecord:
    return LogRecord(7, [("content-type", b"application/cloudevents+json")], to_structured(said))


@pytest.mark.parametrize("form", [record, structured])
def test_a_record_is_read_in_either_content_mode(form: type) -> None:
    entry = read(form(event(party="a")))
    assert isinstance(entry, Entry)
    assert (entry.offset, entry.market, entry.party, entry.data) == (7, MARKET, "a", offer("a"))


NO_VALUE = LogRecord(1, to_kafka(event()), None)
NO_HEADERS = LogRecord(1, [], LISTING)
NOT_UTF8 = LogRecord(1, [("ce_id", b"\xff")], LISTING)
OLD_SPEC = LogRecord(1, [(name, value.replace(b"1.0", b"0.3")) for name, value in to_kafka(event())], LISTING)
UNUSABLE = [
    (NO_VALUE, "not_cloudevents", "no value"),
    (NO_HEADERS, "not_cloudevents", "missing"),
    (NOT_UTF8, "not_cloudevents", "UTF-8"),
    (OLD_SPEC, "not_cloudevents", "specversion"),
    (record(event(data=b"{")), "not_json", ""),
    (record(event(data=b'{"offer":"\xff"}')), "not_json", ""),
    (record(event(data=b"[" * 100_000)), "not_json", ""),
    (record(event(data=b"{}")), "invalid_data", "offer"),
    (record(event(data=LISTING.replace(b'"revision":1', b'"revision":0'))), "invalid_data", "revision"),
    (record(event(market=None)), "wrong_market", "ce_market"),
    (record(event("com.example.thing.v1")), "unknown_type", "not an event of Tenon"),
    (record(event("tenon.docking.proposed.v1")), "unknown_type", "does not belong"),
]


@pytest.mark.parametrize(("bad", "code", "detail"), UNUSABLE)
def test_what_can_not_be_used_is_passed_over_with_its_reason(bad: LogRecord, code: str, detail: str) -> None:
    unusable = read(bad)
    assert isinstance(unusable, Unusable)
    assert (unusable.offset, unusable.code, unusable.record) == (bad.offset, code, bad)
    assert detail in unusable.detail


@pytest.mark.parametrize("event_type", ["tenon.offer.listed.v2", "tenon.something.new.v1"])
def test_a_type_of_a_newer_tenon_stops_the_reader(event_type: str) -> None:
    with pytest.raises(UnknownType, match=event_type):
        read(record(event(event_type)))


@pytest.mark.parametrize("family", PUBLISHED, ids=lambda family: family.name)
def test_what_tenon_tells_is_not_read_as_an_entry(family: object) -> None:
    assert isinstance(read(record(event(getattr(family, "name")))), Unusable)  # noqa: B009


def test_fields_that_are_not_known_yet_are_ignored_at_any_depth() -> None:
    said = msgspec.json.decode(LISTING)
    said["since_tomorrow"] = {"any": ["thing"]}
    said["offer"]["colour"] = "blue"
    said["offer"]["windows"][0]["shape"] = 1
    entry = read(record(event(data=msgspec.json.encode(said))))
    assert isinstance(entry, Entry)
    assert entry.data == offer("a")


def test_every_type_of_the_log_can_be_applied() -> None:
    assert {family.data for family in LOG_BY_TYPE.values()} == set(HANDLERS)


def test_a_tick_is_known_as_one() -> None:
    tick = intake.ClockTicked(now=day(1))
    assert is_tick(read(record(event("tenon.clock.ticked.v1", encode(tick)))))
    assert not is_tick(read(record(event())))
    assert not is_tick(read(record(event("tenon.clock.ticked.v1", b"{"))))


def test_an_offer_without_windows_is_set_aside() -> None:
    """Ingest makes windows of a calendar: in the log an offer has some."""
    listed = msgspec.json.decode(LISTING)
    listed["offer"]["windows"] = []
    told = read(record(event(data=encode(listed))))
    assert isinstance(told, Unusable)
    assert told.code == "invalid_data"
