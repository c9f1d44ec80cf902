"""What an event becomes on each way, how fast it may go, and under which keys secrets are sealed."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from notifier.domain import pace
from notifier.domain.plan import entries, numbered, ping, told_disabled
from notifier.domain.pseudonym import Naming
from notifier.domain.reading import Received
from notifier.domain.selecting import selection
from notifier.domain.ways import Message, due, kafka_record, mqtt_publication
from notifier.settings import NotifierSettings
from notifier.vault import Vault
from tenon.contracts.cloudevents import from_kafka, from_structured
from tenon.contracts.codec import encode
from tenon.contracts.endpoints import EndpointDisabled
from tenon.contracts.topics import party_topic
from tenon.contracts.values import ID_PATTERN, Shape
from tests.support.told import demand_position, docking, type_of

START = "2026-03-02T00:00:00Z"
NAMING = Naming(b"k" * 32)
IDS = st.from_regex(ID_PATTERN)


def message(event: Shape, viewer: str, number: int = 7) -> Message:
    """An event of somebody's feed."""
    received = Received("e-1", "/tenon/matcher", type_of(event), START, "", "", event, encode(event))
    (entry,) = [each for each in entries(received, NAMING) if each.audience == viewer]
    return Message(number, entry.event_id, entry.type, entry.subject, numbered(entry.body, number))


def test_by_kafka_an_event_is_the_one_of_the_feed_in_binary_mode() -> None:
    told = message(docking(), "mill")
    record = kafka_record("mill", told)
    assert (record.topic, record.key) == ("tenon.party.mill.v1", b"d-1")
    event, same = from_kafka(record.headers, record.value), from_structured(told.body)
    assert msgspec.json.decode(event.data) == msgspec.json.decode(same.data)
    assert event.attributes() == same.attributes()
    assert event.extensions["sequence"] == f"{7:020d}"


def test_by_mqtt_the_broker_keeps_the_last_state_of_offers_and_demands_and_nothing_else() -> None:
    state = mqtt_publication("tenon/", "clinic", message(demand_position(), "clinic"))
    step = mqtt_publication("tenon/", "clinic", message(docking(), "clinic"))
    assert (state.topic, state.retain) == ("tenon/clinic/demand/demand-1", True)
    assert (step.topic, step.retain) == ("tenon/clinic/docking/d-1", False)


@given(IDS, IDS)
def test_no_two_parties_share_a_topic_not_even_for_kafkas_metrics(one: str, other: str) -> None:
    names = [party_topic(each).name for each in (one, other)]
    assert (names[0].replace(".", "_") == names[1].replace(".", "_")) == (one == other)
    assert all(len(name) <= 249 and set(name.replace("_", "")) <= set(_LEGAL) for name in names)


def test_the_same_events_are_due_by_every_way() -> None:
    told = [message(docking(), "mill", 1), message(docking(status="confirmed", revision=2), "mill", 2)]
    assert due(told, selection([], ["status=confirmed"])) == told[1:]


def test_the_owner_of_a_subscription_is_told_of_its_end_and_nobody_else_but_the_operator() -> None:
    told = told_disabled("sub_1", "mill", "webhook", "gone", 7, 1_000)
    assert [each.audience for each in told] == ["mill", "_admin"]
    data = msgspec.json.decode(told[0].body)["data"]
    assert msgspec.convert(data, EndpointDisabled).cause == "gone"
    assert [each.audience for each in told_disabled("sub_1", "_admin", "mqtt", "", 0, 0)] == ["_admin"]


def test_a_trial_is_an_event_as_any_other() -> None:
    trial = ping("sub_1", "webhook", 1_000)
    event = from_structured(trial.body)
    assert (event.id, event.type, event.subject) == (trial.event_id, trial.type, trial.subject)


@given(st.floats(0.001, 1_000), st.integers(1, 500), st.integers(0, 10_000))
def test_nobody_gets_more_a_second_than_was_asked_for(per_second: float, limit: int, took_ms: int) -> None:
    sent = pace.portion(per_second, limit)
    rest_ms = pace.rest_ms(per_second, sent, took_ms)
    assert 1 <= sent <= limit
    assert (took_ms + rest_ms + 1) * per_second / 1000 >= sent * 0.99


def test_without_a_rate_nobody_waits() -> None:
    assert (pace.portion(None, 32), pace.rest_ms(None, 32, 0)) == (32, 0)


def test_what_was_sealed_with_any_key_is_opened_and_the_first_one_seals() -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    sealed = Vault([old]).seal("whsec_x")
    both = Vault([new, old])
    assert "whsec_x" not in sealed
    assert (both.open(sealed), both.is_newest(sealed), both.is_newest(both.seal("a"))) == (
        "whsec_x",
        False,
        True,
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret_keys": "short"},
        {"mqtt_url": "http://a:1"},
        {"mqtt_url": "mqtt://a/path"},
        {"mqtt_prefix": "a/#/"},
    ],
)
def test_settings_that_could_never_work_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        NotifierSettings.model_validate(wrong)


_LEGAL = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"
