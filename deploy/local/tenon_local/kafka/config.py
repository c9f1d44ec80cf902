"""The settings of one embedded broker, as the text of its files. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenon_local.kafka.access import Access
from tenon_local.ports import HOST

CLIENT = "CLIENT"


@dataclass(frozen=True, slots=True)
class Listener:
    """Where clients come in: the port that it listens on, and the one that they are told to connect to.

    The two differ where something stands in between.
    """

    name: str
    port: int
    advertised_port: int


@dataclass(frozen=True, slots=True)
class Node:
    """A broker that is its own controller: its number from 1 on, and its ports.

    `detours`: listeners for clients that come through something else.
    """

    number: int
    port: int
    controller_port: int
    detours: tuple[Listener, ...] = ()

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """All listeners for clients."""
        return (Listener(CLIENT, self.port, self.port), *self.detours)


LOGGING = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %-5p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
"""


def properties(
    node: Node, nodes: Sequence[Node], data: Path, access: Access | None, extra: Mapping[str, str]
) -> str:
    """The server.properties of `node` in a cluster of `nodes`; `extra` has the last word.

    Without `access` everybody may do everything, and nobody signs in: for tests of clients alone.
    """
    copies = min(3, len(nodes))
    in_sync = max(1, copies - 1)
    controller = f"CONTROLLER://{HOST}:{node.controller_port}"
    settings = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": ",".join(f"{n.number}@{HOST}:{n.controller_port}" for n in nodes),
        "listeners": ",".join([*(f"{own.name}://{HOST}:{own.port}" for own in node.listeners), controller]),
        "advertised.listeners": ",".join(
            f"{own.name}://{HOST}:{own.advertised_port}" for own in node.listeners
        ),
        "listener.security.protocol.map": ",".join(
            f"{name}:PLAINTEXT" for name in [*(own.name for own in node.listeners), "CONTROLLER"]
        ),
        "inter.broker.listener.name": CLIENT,
        "controller.listener.names": "CONTROLLER",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        # Back within seconds after kill -9: the broker's old registration has to lapse first.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        # As long as it is waited for: by itself a broker ends that is not let in within a minute.
        "initial.broker.registration.timeout.ms": 180_000,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "log.retention.hours": 168,
        "log.cleaner.dedupe.buffer.size": 16 << 20,
        "num.network.threads": 2,
        "num.io.threads": 4,
        **(access.properties([own.name for own in node.listeners]) if access else {}),
        **extra,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
