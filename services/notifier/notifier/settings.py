"""What the notifier is told by its environment, beside what every service is told."""

import re
from ipaddress import ip_address

from pydantic import Field, FilePath, SecretStr, field_validator

from notifier.domain.backoff import BadSchedule, parse_schedule
from notifier.vault import is_key
from tenon.settings import CommonSettings


class NotifierSettings(CommonSettings):
    """Settings of the notifier."""

    http_port: int = Field(
        8300, ge=0, le=65535, description="Port the HTTP server listens on; 0: any free one."
    )
    admin_key: SecretStr | None = Field(
        None, min_length=16, description="The administrator's API key; nobody is administrator if not set."
    )
    public_wall: bool | None = Field(
        None,
        description="Whether the page, the wall's stream and the totals need no key; if not set, only where"
        " the server listens on loopback.",
    )
    max_unusable_in_row: int = Field(
        100,
        ge=1,
        description="After so many unusable records in a row the notifier stops instead of going on.",
    )
    feed_retention_h: float = Field(
        720,
        gt=0,
        description="How long events stay in the feeds, rejections are listed and echoes of what is gone are"
        " known as such, in hours.",
    )
    attempts_retention_h: float = Field(
        168, gt=0, description="How long attempts to call endpoints are kept, in hours."
    )
    history_retention_h: float = Field(
        8_760, gt=0, description="How long steps and dockings that ended can be read, in hours."
    )
    stream_heartbeat_ms: int = Field(
        15_000,
        ge=100,
        description="A quiet stream sends a comment this often, in ms; its key is checked then.",
    )
    stream_poll_ms: int = Field(
        1_000, ge=10, description="Streams look for news this often even when no notification came, in ms."
    )
    stream_queue_events: int = Field(
        2_000, ge=1, description="A live client may be this many events behind before it counts as slow."
    )
    stream_queue_bytes: int = Field(
        67_108_864,
        ge=0,
        description="Most bytes of recent events that one process keeps for all of its live clients.",
    )
    stream_write_timeout_ms: int = Field(
        10_000,
        ge=100,
        description="A client that is slow, or takes nothing, for this long is disconnected, in ms.",
    )
    stream_clients: int = Field(2_000, ge=1, description="Most streams that one process serves at a time.")
    streams_per_party: int = Field(
        100,
        ge=1,
        description="Most streams of one party that one process serves at a time; of the wall, half of all.",
    )
    rate_requests_per_second: int = Field(
        500,
        ge=0,
        description="Requests that one party, and all that show no key together, may make per second on"
        " average; 0: any number.",
    )
    rate_burst_requests: int = Field(
        2_000, ge=1, description="Requests that a party may make at once after a pause."
    )
    webhook_retry_schedule: str = Field(
        "5s,1m,10m,1h,3h,8h,12h,20h,28h",
        description="Waits between attempts (5s, 10m, 2h, 1d), comma-separated, each spread by a fifth; then"
        " an event is parked, or, where the order is strict, the subscription disabled.",
    )
    webhook_timeout_ms: int = Field(15_000, ge=10, description="Time an endpoint has to answer, in ms.")
    webhook_concurrency: int = Field(64, ge=1, description="Most endpoints one process calls at a time.")
    webhook_batch: int = Field(
        32, ge=1, description="Most events sent to an endpoint, one by one, before progress is stored."
    )
    webhook_response_bytes: int = Field(
        1_024, ge=0, le=65_536, description="How much of an endpoint's response is kept, in bytes."
    )
    webhook_circuit_h: float = Field(
        120,
        gt=0,
        description="A subscription that has given nothing but failures for this time is disabled, and its"
        " owner told, in hours.",
    )
    webhook_origin: str = Field(
        "tenon",
        pattern=r"^[!-~]{1,253}$",
        description="As whom Tenon asks in the handshake of CloudEvents web hooks: a name of DNS.",
    )
    webhook_secret_overlap_h: float = Field(
        24, ge=0, description="How long a secret that was replaced still signs beside the new one, in hours."
    )
    secret_keys: SecretStr | None = Field(
        None,
        description="Keys (Fernet: 32 bytes in URL-safe base64) that subscribers' secrets are stored under,"
        " comma-separated: the first seals, all open. If not set, a key in the database.",
    )
    webhook_lease_ms: int = Field(
        30_000, ge=100, description="Another process takes an endpoint over after this silence, in ms."
    )
    webhook_turn_ms: int = Field(
        5_000,
        ge=0,
        description="An endpoint with more to come makes way for others after this time, in ms.",
    )
    webhook_poll_ms: int = Field(
        500, ge=10, description="Endpoints that are due are looked for this often, in ms."
    )
    webhook_allow_private: bool = Field(
        False,
        description="Whether webhooks may use plain http and call loopback and private addresses;"
        " for development only.",
    )
    webhook_ca_file: FilePath | None = Field(
        None, description="Certificates (PEM) to trust at webhooks; those of this machine if not set."
    )
    kafka_admin_username: str | None = Field(
        None,
        min_length=1,
        description="The administrator who makes the topics of parties and gives their readers rights; this"
        " service's own principal if not set.",
    )
    kafka_admin_password: SecretStr | None = Field(None, description="Its password.")
    party_topic_replication: int = Field(
        1, ge=1, le=5, description="Copies of each record of the topics of parties."
    )
    mqtt_url: SecretStr | None = Field(
        None,
        description="The broker for subscriptions by MQTT: mqtt://user:password@host:port, with TLS mqtts://;"
        " there are none if not set.",
    )
    mqtt_prefix: str = Field(
        "tenon/", pattern=r"^([^+#\x00]{0,200}/)?$", description="What the topics of MQTT begin with."
    )
    mqtt_ca_file: FilePath | None = Field(
        None, description="Certificates (PEM) to trust, with mqtts; those of this machine if not set."
    )
    subscriptions_per_party: int = Field(20, ge=1, description="Most subscriptions a party may have.")

    @field_validator("webhook_retry_schedule")
    @classmethod
    def _schedule_is_readable(cls, text: str) -> str:
        try:
            parse_schedule(text)
        except BadSchedule as error:
            raise ValueError(str(error)) from error
        return text

    @field_validator("secret_keys")
    @classmethod
    def _keys_are_keys(cls, text: SecretStr | None) -> SecretStr | None:
        if text is not None and not all(is_key(each) for each in _split(text)):
            raise ValueError("not keys of Fernet: 32 random bytes each, in URL-safe base64")
        return text

    @field_validator("mqtt_url")
    @classmethod
    def _is_broker(cls, text: SecretStr | None) -> SecretStr | None:
        if text is not None and not re.match(r"mqtts?://[^/\s]+$", text.get_secret_value()):
            raise ValueError("write mqtt://user:password@host:port, or mqtts://…")
        return text

    @property
    def vault_keys(self) -> list[str]:
        """The keys for subscribers' secrets, the newest first."""
        return [] if self.secret_keys is None else _split(self.secret_keys)

    @property
    def retry_schedule_ms(self) -> tuple[int, ...]:
        """The waits of the retry schedule in ms."""
        return parse_schedule(self.webhook_retry_schedule)

    @property
    def wall_is_public(self) -> bool:
        """Whether the wall needs no key."""
        return _is_loopback(self.http_host) if self.public_wall is None else self.public_wall


def _split(text: SecretStr) -> list[str]:
    return [each.strip() for each in text.get_secret_value().split(",") if each.strip()]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
