"""What the user may choose about the embedded stack, by `TENON_…` variables: names, defaults and ranges."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def home() -> Path:
    """The checkout this package runs from, or the working directory where it is installed without one."""
    checkout = Path(__file__).resolve().parents[3]
    return checkout if (checkout / "Makefile").is_file() else Path.cwd()


class LocalSettings(BaseSettings):
    """Settings of `tenon up`; those of the services are theirs and are handed on."""

    model_config = SettingsConfigDict(env_prefix="TENON_", extra="ignore", frozen=True)

    data_dir: Path = Field(
        default_factory=lambda: home() / ".tenon",
        description="Folder of the embedded stack: its data, logs, secrets and state.json.",
    )
    jars_dir: Path = Field(
        default_factory=lambda: home() / ".jgo", description="Folder the jars of Apache Kafka are kept in."
    )
    kafka_port: int = Field(
        default=9192,
        ge=0,
        le=65_000,
        description="Port of the embedded Kafka; its controller takes the next one; 0: free ones.",
    )
    kafka_brokers: int = Field(
        default=1, ge=1, le=3, description="Embedded Kafka brokers; three survive the loss of one."
    )
    kafka_heap_mb: int = Field(default=512, ge=256, description="Most heap of each broker, in MiB.")
    postgres_port: int = Field(
        default=5532, ge=0, le=65_000, description="Port of the embedded PostgreSQL; 0: a free one."
    )
    ingest_port: int = Field(
        default=8100, ge=0, le=65_000, description="Port of the first ingest; further replicas follow."
    )
    matcher_port: int = Field(
        default=8200, ge=0, le=65_000, description="Port of the first matcher; further replicas follow."
    )
    notifier_port: int = Field(
        default=8300, ge=0, le=65_000, description="Port of the first notifier; further replicas follow."
    )
    prometheus_port: int = Field(
        default=9090,
        ge=0,
        le=65_000,
        description="Port of Prometheus, with --with-prometheus; 0: a free one.",
    )
    admin_key: str | None = Field(
        default=None,
        min_length=16,
        description="The administrator's key; one is made, and kept in the data folder, where none is given.",
    )
