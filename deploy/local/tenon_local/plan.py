"""What a stack shall consist of: folder, ports, replicas, environment. Data only; starts nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tenon_local.errors import LocalError
from tenon_local.postgres import SERVICES
from tenon_local.settings import LocalSettings

AT_MOST_REPLICAS = 50
"""Ports of a service's replicas follow each other; the next service's begin a hundred further on."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The first port of each part; 0: any free one."""

    kafka: int = 0
    postgres: int = 0
    prometheus: int = 0
    services: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """A stack before it runs. As it stands: one of each, on free ports, as tests want it.

    `env` goes to all services, `service_env` to those named; both win over this process's environment.
    `kafka_detours`: listeners of an only broker beside its own, as `EmbeddedKafka` takes them.
    `watched`: by a Prometheus beside it.
    """

    data_dir: Path
    jars_dir: Path
    ports: Ports = Ports()
    replicas: Mapping[str, int] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    service_env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    admin_key: str | None = None
    kafka_brokers: int = 1
    kafka_heap_mb: int = 512
    kafka_detours: Mapping[str, int] = field(default_factory=dict)
    watched: bool = False

    @classmethod
    def of(
        cls, settings: LocalSettings, replicas: Mapping[str, int] | None = None, *, watched: bool = False
    ) -> Plan:
        """The stack that the user's settings describe."""
        services = {name: getattr(settings, f"{name}_port") for name in SERVICES}
        return cls(
            data_dir=settings.data_dir.absolute(),
            jars_dir=settings.jars_dir.absolute(),
            ports=Ports(settings.kafka_port, settings.postgres_port, settings.prometheus_port, services),
            replicas=replicas or {},
            admin_key=settings.admin_key,
            kafka_brokers=settings.kafka_brokers,
            kafka_heap_mb=settings.kafka_heap_mb,
            watched=watched,
        )

    def replicas_of(self, service: str) -> int:
        """How many processes of the service there shall be; one where nothing is said."""
        return self.replicas.get(service, 1)


def parse_replicas(texts: tuple[str, ...]) -> dict[str, int]:
    """`matcher=2` or `ingest=2,notifier=0` to numbers. Raises LocalError with what would be right."""
    replicas: dict[str, int] = {}
    for part in ",".join(texts).split(","):
        name, _, count = part.strip().partition("=")
        if not part.strip():
            continue
        if name not in SERVICES or not count.isdecimal() or int(count) > AT_MOST_REPLICAS:
            raise LocalError(
                f"--replicas {part!r}: give SERVICE=NUMBER, with one of {', '.join(SERVICES)} "
                f"and at most {AT_MOST_REPLICAS}"
            )
        replicas[name] = int(count)
    return replicas
