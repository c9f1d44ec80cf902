"""What a cluster of several brokers says of itself: who leads, who coordinates, who controls, who is in sync.

Asks the brokers, and looks into their folders where they don't tell. Must not know which fault acts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from struct import Struct
from typing import Any

import msgspec
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tenon.contracts import topics
from tenon.kafka import _driver
from tenon_local.kafka.broker import Broker
from tests.chaos.line import Line
from tests.support.waiting import until

_BATCH = Struct(">qiibIhiqqqhii")
"""The head of a record batch: Kafka's documentation of its message format, version 2."""


class Partition(msgspec.Struct, frozen=True):
    """A partition as the brokers describe it: brokers by their numbers."""

    topic: str
    leader: int
    replicas: list[int]
    isr: list[int]


async def partitions(line: Line, topic: str | None = None) -> list[Partition]:
    """Return the partitions of a topic, or of all of the contracts'."""
    async with _admin(line) as admin:
        found = await admin.describe_topics([topic] if topic else [each.name for each in topics.TOPICS])
    return [
        Partition(each["topic"], part["leader"], part["replicas"], part["isr"])
        for each in found
        for part in each["partitions"]
    ]


async def leader_of_most(line: Line, topic: str) -> Broker:
    """Return the broker that leads most partitions of a topic."""
    ((number, _),) = Counter(part.leader for part in await partitions(line, topic)).most_common(1)
    return broker(line, number)


async def coordinator(line: Line, group: str) -> Broker:
    """Return the broker that a consumer group belongs to."""
    async with _admin(line) as admin:
        return broker(line, await admin.find_coordinator(group))


def controller(line: Line) -> Broker:
    """Return the broker that leads the others' quorum."""
    terms = [
        json.loads((each.folder / "data" / "__cluster_metadata-0" / "quorum-state").read_text())
        for each in line.stack.kafka.brokers
    ]
    return broker(line, max(terms, key=lambda term: (term["leaderEpoch"], term["leaderId"]))["leaderId"])


def broker(line: Line, number: int) -> Broker:
    """Return a broker by its number."""
    (found,) = (each for each in line.stack.kafka.brokers if each.node.number == number)
    return found


async def in_sync(line: Line) -> None:
    """Return when every replica of every partition has all that its leader has."""

    async def all_are() -> bool:
        found = await partitions(line)
        return bool(found) and all(sorted(part.isr) == sorted(part.replicas) for part in found)

    await until(all_are, "every replica is in sync", 120)


async def setting(line: Line, topic: str, name: str) -> str:
    """Return a setting of a topic."""
    async with _admin(line) as admin:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    ((*_, entries),) = answer.resources
    return str(next(value for key, value, *_ in entries if key == name))


def producers(line: Line, topic: str) -> Iterator[int]:
    """Yield who wrote each batch that the first broker holds of a topic: an idempotent producer's number.

    A producer that is not idempotent has none: -1.
    """
    for file in sorted((line.stack.kafka.brokers[0].folder / "data").glob(f"{topic}-*/*.log")):
        yield from _producers(file)


def _producers(file: Path) -> Iterator[int]:
    content, at = file.read_bytes(), 0
    while at + _BATCH.size <= len(content):
        _, length_bytes, _, magic, *_, producer, _, _, _ = _BATCH.unpack_from(content, at)
        if magic != 2:  # what the broker has reserved, and not written yet
            return
        yield producer
        at += 12 + length_bytes


@asynccontextmanager
async def _admin(line: Line) -> AsyncIterator[Any]:
    admin = _driver.new_admin(line.kafka)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
