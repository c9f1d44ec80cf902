"""A cluster of one or more brokers on this machine: its ports, its id, and when all are in service."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from tenon.errors import Transient
from tenon.kafka import KafkaSecurity, KafkaSettings, ensure_users
from tenon_local.kafka.access import ADMIN, Access
from tenon_local.kafka.broker import Broker
from tenon_local.kafka.config import Listener, Node
from tenon_local.kafka.java import Java
from tenon_local.kafka.probe import brokers_in_service
from tenon_local.ports import HOST, claim
from tenon_local.process import kill_all
from tenon_local.secrets import write_private

READY_TIMEOUT_S = 180
STOP_TIMEOUT_S = 20


class EmbeddedKafka:
    """Apache Kafka below `data_dir`; started again on the same folder it has its data and its cluster id.

    `port` is the first broker's; its controller and further brokers take the following ones. 0: free ports.
    `detours`: further listeners of an only broker, by name in capitals, each with the port at which something
    in between stands that clients shall connect to. Without `access` nobody signs in, all may do everything.
    """

    def __init__(  # noqa: PLR0913 - each has a default and is given by name
        self,
        data_dir: Path,
        java: Java,
        *,
        port: int = 0,
        brokers: int = 1,
        heap_mb: int = 512,
        settings: Mapping[str, str] | None = None,
        detours: Mapping[str, int] | None = None,
        access: Access | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.access = access
        self.settings = dict(settings or {})
        self.nodes = _nodes(port, brokers)
        if detours:
            (only,) = self.nodes
            self.nodes = [replace(only, detours=_detours(detours))]
        cluster_id = _cluster_id(data_dir)
        self.brokers: Sequence[Broker] = [
            Broker.build(node, data_dir / str(node.number), java, cluster_id, heap_mb) for node in self.nodes
        ]

    @property
    def bootstrap(self) -> str:
        """What clients connect to: host:port of every broker, by commas."""
        return ",".join(f"{HOST}:{node.port}" for node in self.nodes)

    @property
    def replication(self) -> int:
        """How many copies of a partition this cluster can hold, at most three."""
        return min(3, len(self.nodes))

    def settings_for(self, user: str = ADMIN, client_id: str = "tenon-local") -> KafkaSettings:
        """How a client reaches this cluster as one of its users."""
        security = self.access.security(user) if self.access else KafkaSecurity()
        return KafkaSettings(self.bootstrap, "", client_id, security=security)

    async def start(self) -> None:
        """Start all brokers and return when each takes requests."""
        await asyncio.gather(
            *(broker.start(self.nodes, self.access, self.settings) for broker in self.brokers)
        )
        if self.access:
            await self._give_passwords(self.access)
        await self.wait_ready()

    async def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when every running broker is in service, as each of them sees it."""
        running = [broker for broker in self.brokers if broker.process.alive]
        expected = {broker.node.number for broker in running}
        for broker in running:
            await broker.process.wait_ready(partial(self._sees, broker.node, expected), timeout_s)

    async def _sees(self, node: Node, expected: set[int]) -> bool:
        asked = replace(self.settings_for(), bootstrap=f"{HOST}:{node.port}")
        return await brokers_in_service(asked) >= expected

    async def _give_passwords(self, access: Access) -> None:
        """Give all users their passwords once a controller takes them; so a folder of before gets users."""
        controllers = access.controllers(",".join(f"{HOST}:{node.controller_port}" for node in self.nodes))

        async def taken() -> bool:
            try:
                await ensure_users(controllers, access.passwords)
            except Transient:
                return False
            return True

        await self.brokers[0].process.wait_ready(taken, READY_TIMEOUT_S)

    async def stop(self) -> None:
        """Let all brokers end in order."""
        await asyncio.gather(*(broker.process.stop(STOP_TIMEOUT_S) for broker in self.brokers))

    async def kill(self) -> None:
        """kill -9 of all brokers."""
        await kill_all(broker.process for broker in self.brokers)

    async def __aenter__(self) -> Self:
        """Start; kill what had started when that fails."""
        try:
            await self.start()
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop in order, or at once where the block failed."""
        await (self.stop() if kind is None else self.kill())


def _nodes(port: int, brokers: int) -> list[Node]:
    ports = [port + i if port else 0 for i in range(2 * brokers)]
    claimed = [claim(p, "Kafka", "TENON_KAFKA_PORT") for p in ports]
    return [Node(i + 1, claimed[2 * i], claimed[2 * i + 1]) for i in range(brokers)]


def _detours(advertised: Mapping[str, int]) -> tuple[Listener, ...]:
    return tuple(
        Listener(name, claim(0, "Kafka", "TENON_KAFKA_PORT"), port) for name, port in advertised.items()
    )


def _cluster_id(data_dir: Path) -> str:
    """The id of the cluster in this folder, made the first time."""
    file = data_dir / "cluster.id"
    if not file.exists():
        write_private(file, _new_cluster_id())
    return file.read_text()


def _new_cluster_id() -> str:
    """A random UUID in URL-safe base64; a hyphen in front would be an option to Kafka's format tool."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
