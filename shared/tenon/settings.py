"""The settings all services share, read from `TENON_…` environment variables once, at start.

Each field says what it means and in which unit: docs/configuration.md is generated from them. This module
decides names, defaults and ranges; a setting only one service needs belongs to that service's own subclass.
"""

import os
import re
import socket
from typing import Literal, Self, TypeVar

from pydantic import Field, FilePath, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tenon.errors import Misconfigured

_BROKERS = re.compile(r"[^\s,]+:\d{1,5}(,[^\s,]+:\d{1,5})*")


def _instance() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


class KafkaAccess(BaseSettings):
    """How a process reaches Kafka: part of every service's settings, and of the command line's."""

    model_config = SettingsConfigDict(env_prefix="TENON_", extra="ignore", frozen=True)

    kafka_bootstrap: str = Field(
        default="127.0.0.1:9092", description="Kafka brokers to start from: host:port, comma-separated."
    )
    kafka_security: Literal["PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL"] = Field(
        default="PLAINTEXT",
        description="What brokers ask for: SASL is user and password, SSL is TLS. In production SASL_SSL.",
    )
    kafka_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        default="SCRAM-SHA-512",
        description="How the password is shown; PLAIN sends it as it is, so only with SASL_SSL.",
    )
    kafka_username: str | None = Field(
        default=None, min_length=1, description="This service's principal, with SASL."
    )
    kafka_password: SecretStr | None = Field(default=None, description="Its password.")
    kafka_ca_file: FilePath | None = Field(
        default=None,
        description="Certificates (PEM) to trust, with SSL; those of this machine if not set.",
    )
    kafka_certificate_file: FilePath | None = Field(
        default=None, description="Certificate (PEM) this process shows, where the brokers ask for one."
    )
    kafka_key_file: FilePath | None = Field(
        default=None, description="The key of that certificate (PEM, not encrypted)."
    )
    topic_prefix: str = Field(
        default="",
        pattern=r"^[a-zA-Z0-9._-]*$",
        description="Put before each topic and group name, so that several Tenons can share a cluster.",
    )

    @field_validator("kafka_bootstrap")
    @classmethod
    def _names_brokers(cls, text: str) -> str:
        if not _BROKERS.fullmatch(text):
            raise ValueError(f"{text!r} names no brokers; write host:port, several by commas")
        return text

    @model_validator(mode="after")
    def _security_fits(self) -> Self:
        sasl, tls = self.kafka_security.startswith("SASL"), self.kafka_security.endswith("SSL")
        named = self.kafka_username is not None
        if named != (self.kafka_password is not None):
            raise ValueError("TENON_KAFKA_USERNAME and TENON_KAFKA_PASSWORD go together: set both or neither")
        if sasl != named:
            raise ValueError(
                f"TENON_KAFKA_SECURITY is {self.kafka_security}: "
                + ("set TENON_KAFKA_USERNAME and _PASSWORD" if sasl else "with a user it is SASL_SSL")
            )
        if self.kafka_key_file is not None and self.kafka_certificate_file is None:
            raise ValueError("TENON_KAFKA_KEY_FILE is of no use without TENON_KAFKA_CERTIFICATE_FILE")
        if not tls and (self.kafka_ca_file or self.kafka_certificate_file):
            raise ValueError(
                f"TENON_KAFKA_SECURITY is {self.kafka_security}, which has no certificates;"
                " with TENON_KAFKA_CA_FILE or _CERTIFICATE_FILE it is SASL_SSL or SSL"
            )
        return self


class CommonSettings(KafkaAccess):
    """What every service is told by its environment."""

    database_url: str = Field(
        default="postgresql://127.0.0.1:5432/tenon",
        repr=False,
        description="PostgreSQL database and role of this service: postgresql://user:password@host:port/database;"
        " for TLS with ?sslmode=verify-full&sslrootcert=FILE.",
    )
    database_pool_size: int = Field(
        default=8, ge=2, le=200, description="Most connections this process opens for hot statements."
    )
    http_host: str = Field(default="127.0.0.1", description="Address the HTTP server listens on.")
    http_port: int = Field(
        default=8000, ge=0, le=65535, description="Port the HTTP server listens on; 0: any free one."
    )
    clock: Literal["wall", "log"] = Field(
        default="wall",
        description="Where time comes from: wall, or log (only clock.ticked events move it: simulations).",
    )
    max_poll_records: int = Field(
        default=2000, ge=1, le=100_000, description="Most records of one partition handled at a time."
    )
    instance: str = Field(
        default_factory=_instance,
        description="Name of this process among its kind; host name and process id if not set.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged."
    )
    log_format: Literal["json", "console"] = Field(
        default="json", description="How log lines are written to standard error."
    )
    stop_deadline_ms: int = Field(
        default=10_000,
        ge=100,
        description="Time a graceful stop may take, in ms; then the process ends with status 1.",
    )
    session_timeout_ms: int = Field(
        default=6_000,
        ge=1_000,
        description="Kafka gives a silent consumer's partitions to another after this time, in ms.",
    )
    rebalance_timeout_ms: int = Field(
        default=60_000,
        ge=1_000,
        description="Time a consumer has to join a rebalance, in ms; longer than any round takes.",
    )
    retry_deadline_ms: int = Field(
        default=120_000,
        ge=0,
        description="A dependency that is away is retried for this time, in ms; then the process exits.",
    )
    period_s: int = Field(
        default=86_400,
        ge=1,
        description="Tables that grow with time are kept in periods at least this long, in s; a period is"
        " dropped whole when all of it is old.",
    )
    retention_interval_ms: int = Field(
        default=60_000, ge=100, description="How often old periods are dropped and new ones made, in ms."
    )
    outbox_retention_h: float = Field(
        default=24, gt=0, description="How long records stay in the outbox once they are on Kafka, in hours."
    )
    markets_file: FilePath | None = Field(
        default=None,
        description="Table (TOML) of markets and their partitions; the default table if not set.",
    )
    clock_offset_ms: int = Field(
        default=0,
        description="For tests only: how far this process's clock is ahead of the machine's, in ms.",
    )
    failpoints: str = Field(
        default="", description="For tests only: places at which the process dies, waits or fails."
    )

    @field_validator("database_url")
    @classmethod
    def _is_address(cls, text: str) -> str:
        return address(text)

    def databases(self) -> tuple[str, ...]:
        """Return the addresses of all databases that hold this service's rows."""
        return (self.database_url,)

    def database_of(self, partition: int) -> str:
        """Return the address of the database that holds the rows of a partition of its log."""
        return self.database_url

    @model_validator(mode="after")
    def _timeouts_fit(self) -> "CommonSettings":
        if self.rebalance_timeout_ms < self.session_timeout_ms:
            raise ValueError("TENON_REBALANCE_TIMEOUT_MS must not be below TENON_SESSION_TIMEOUT_MS")
        return self


S = TypeVar("S", bound=BaseSettings)


def address(text: str) -> str:
    """Return the address of a database as it is; raises ValueError where it is none, for a validator."""
    from tenon.dsn import Address  # here: the command line reads no address of a database

    try:
        Address.of(text)
    except Misconfigured as error:
        raise ValueError(str(error)) from None
    return text


def load(settings_type: type[S]) -> S:
    """Read the settings from the environment; raises `Misconfigured` that names each wrong variable."""
    try:
        return settings_type()
    except ValidationError as error:
        raise Misconfigured(
            "; ".join(_explain(settings_type, item["loc"], item["msg"]) for item in error.errors())
        ) from None


def _explain(settings_type: type[BaseSettings], where: tuple[int | str, ...], message: str) -> str:
    prefix = settings_type.model_config.get("env_prefix", "")
    reason = message.removeprefix("Value error, ")
    return f"{prefix}{where[0]!s}".upper() + f": {reason}" if where else reason
