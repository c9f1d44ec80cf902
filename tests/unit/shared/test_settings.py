"""Settings from the environment."""

from pathlib import Path

import pytest

from tenon.errors import Misconfigured
from tenon.kafka.connection import KafkaSecurity, KafkaSettings
from tenon.kafka.consumer import GroupTimes
from tenon.settings import CommonSettings, load
from tenon.stream import StreamSettings


def test_defaults_work_and_every_field_says_what_it_means() -> None:
    settings = load(CommonSettings)
    assert settings.max_poll_records == 2000
    assert settings.instance
    assert all(field.description for field in CommonSettings.model_fields.values())


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENON_KAFKA_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("TENON_TOPIC_PREFIX", "staging.")
    monkeypatch.setenv("TENON_INSTANCE", "one")
    settings = load(CommonSettings)
    assert KafkaSettings.of(settings) == KafkaSettings("kafka:9092", "staging.", "tenon-one")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TENON_HTTP_PORT", "70000"),
        ("TENON_CLOCK", "sun"),
        ("TENON_TOPIC_PREFIX", "a b"),
        ("TENON_KAFKA_BOOTSTRAP", "kafka"),
        ("TENON_KAFKA_BOOTSTRAP", "kafka:port"),
        ("TENON_KAFKA_BOOTSTRAP", "kafka:9092,"),
        ("TENON_DATABASE_URL", "tenon"),
        ("TENON_DATABASE_URL", "mysql://user@host/tenon"),
        ("TENON_DATABASE_URL", "postgresql://user@host:port/tenon"),
        ("TENON_MARKETS_FILE", "/nowhere/markets.toml"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured, match=f"^{name}: "):
        load(CommonSettings)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"USERNAME": "ingest"}, "go together: set both or neither"),
        ({"PASSWORD": "s3cret"}, "go together: set both or neither"),
        ({"USERNAME": "ingest", "PASSWORD": "s3cret"}, "SECURITY is PLAINTEXT: with a user it is SASL_SSL"),
        ({"SECURITY": "SASL_SSL"}, "SECURITY is SASL_SSL: set TENON_KAFKA_USERNAME and _PASSWORD"),
        ({"SECURITY": "TLS"}, "^TENON_KAFKA_SECURITY: "),
        ({"MECHANISM": "GSSAPI"}, "^TENON_KAFKA_MECHANISM: "),
        ({"CA_FILE": "/nowhere/ca.pem"}, "^TENON_KAFKA_CA_FILE: "),
        ({"CA_FILE": __file__}, "SECURITY is PLAINTEXT, which has no certificates"),
        ({"SECURITY": "SSL", "KEY_FILE": __file__}, "of no use without TENON_KAFKA_CERTIFICATE_FILE"),
    ],
)
def test_settings_of_kafka_that_do_not_go_together_are_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], told: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"TENON_KAFKA_{name}", value)
    with pytest.raises(Misconfigured, match=told) as error:
        load(CommonSettings)
    assert "s3cret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_what_signs_in_comes_from_the_environment_and_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    secret, url = "s3cret", "postgresql://ingest:s3cret@db/tenon"
    said = {"SECURITY": "SASL_SSL", "USERNAME": "ingest", "PASSWORD": secret, "CA_FILE": __file__}
    for name, value in said.items():
        monkeypatch.setenv(f"TENON_KAFKA_{name}", value)
    monkeypatch.setenv("TENON_DATABASE_URL", url)
    settings = load(CommonSettings)
    kafka = KafkaSettings.of(settings)
    assert kafka.security == KafkaSecurity(
        "SASL_SSL", "SCRAM-SHA-512", "ingest", secret, ca_file=Path(__file__)
    )
    assert secret not in f"{settings!r} {settings} {kafka!r} {kafka}"
    with pytest.raises(Misconfigured, match="can't be used as certificates to trust"):
        kafka.security.tls()


def test_a_rebalance_that_waits_less_than_a_session_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENON_SESSION_TIMEOUT_MS", "30000")
    monkeypatch.setenv("TENON_REBALANCE_TIMEOUT_MS", "20000")
    with pytest.raises(Misconfigured, match="TENON_REBALANCE_TIMEOUT_MS must not be below"):
        load(CommonSettings)


def test_a_rebalance_that_waits_longer_than_a_poll_may_take_is_refused() -> None:
    with pytest.raises(Misconfigured, match="TENON_REBALANCE_TIMEOUT_MS must be from 10000"):
        GroupTimes(10_000, 400_000)


def test_a_stream_takes_its_times_from_the_settings() -> None:
    settings = CommonSettings(session_timeout_ms=6_000, rebalance_timeout_ms=9_000, max_poll_records=5)
    stream = StreamSettings.of(settings, "matcher")
    assert (stream.times, stream.max_records) == (GroupTimes(6_000, 9_000), 5)
    assert stream.times.heartbeat_ms == 600
