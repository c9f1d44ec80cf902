"""Creating what the contracts name, and finding out whether a cluster is the one it should be.

A topic's number of partitions never changes: a topic that exists with another number stops the process. The
market table that a log was written with is kept beside it in a compacted topic, once, with a random id of the
log.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import msgspec

from tenon.contracts.markets import MarketTable
from tenon.contracts.topics import LAYOUT, Topic
from tenon.errors import Misconfigured, Transient
from tenon.kafka import _driver
from tenon.kafka.connection import KafkaSettings
from tenon.kafka.producer import Producer
from tenon.kafka.tail import read_compacted
from tenon.records import OutRecord, TopicPartition

_LAYOUT_KEY = b"layout"
_WRITE_DEADLINE_MS = 30_000
_EXISTS = "TopicAlreadyExistsError"


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """What a log was begun with: its random id, and the table of markets and partitions."""

    log_id: str
    markets: MarketTable


async def ensure_topics(
    kafka: KafkaSettings, topics: Iterable[Topic], *, partitions: int, replication: int = 1
) -> list[str]:
    """Create the topics that are missing and return their names; `partitions` is for those that don't say.

    Raises `Misconfigured` when one exists with another number of partitions, `Transient` when Kafka is away.
    """
    wanted = {topic.name: topic for topic in topics}
    async with admin_client(kafka) as admin:
        present = await _present(admin, kafka)
        for topic in wanted.values():
            _check_partitions(topic, present.get(topic.name), topic.partitions or partitions)
        missing = [topic for topic in wanted.values() if topic.name not in present]
        if missing:
            await _create(admin, kafka, missing, partitions, replication)
    return [topic.name for topic in missing]


async def ensure_layout(kafka: KafkaSettings, markets: MarketTable) -> Layout:
    """Return the layout of this cluster's log, writing it first where there is none.

    Raises `Misconfigured` when the log was begun with another table: no market can move to another partition.
    """
    layout = await find_layout(kafka)
    if layout is None:
        await _write_layout(kafka, Layout(log_id=str(uuid4()), markets=markets))
        layout = await find_layout(kafka)
    if layout is None:
        raise Transient("the layout was written, but can't be read yet")
    return _same_markets(layout, markets)


async def read_layout(kafka: KafkaSettings, markets: MarketTable | None = None) -> Layout:
    """Return the layout of this cluster's log; `Misconfigured` when there is none, or another table."""
    layout = await find_layout(kafka)
    if layout is None:
        raise Misconfigured(f"this cluster has no {LAYOUT.name} yet; run `tenon topics`")
    return layout if markets is None else _same_markets(layout, markets)


async def find_layout(kafka: KafkaSettings) -> Layout | None:
    """Return the layout that was written, None if none was."""
    value = (await read_compacted(kafka, LAYOUT.name)).get(_LAYOUT_KEY)
    return None if value is None else msgspec.json.decode(value, type=Layout)


async def end_offsets(kafka: KafkaSettings, topic: str, *, timeout_ms: int = 10_000) -> dict[int, int]:
    """Return for each partition of a topic the offset its next record will get."""
    consumer = _driver.new_consumer(kafka)
    try:
        async with asyncio.timeout(timeout_ms / 1000):
            await _driver.start(consumer, kafka)
            with _driver.mapped_errors():
                numbers = await _driver.partition_numbers(consumer, kafka.prefix + topic)
                wanted = [
                    _driver.driver_partition(kafka.prefix, TopicPartition(topic, number))
                    for number in numbers
                ]
                found = await consumer.end_offsets(wanted) if wanted else {}
    except TimeoutError:
        raise Transient(f"no broker answered within {timeout_ms} ms") from None
    finally:
        await _driver.end_consumer(consumer)
    return {where.partition: offset for where, offset in found.items()}


@asynccontextmanager
async def admin_client(kafka: KafkaSettings) -> AsyncIterator[Any]:
    """Lend an administration client of the driver's."""
    admin = _driver.new_admin(kafka)
    try:
        await _driver.start(admin, kafka)
        with _driver.mapped_errors():
            yield admin
    finally:
        await admin.close()


async def _present(admin: Any, kafka: KafkaSettings) -> dict[str, int]:
    """Return the number of partitions of each topic with our prefix."""
    described = await admin.describe_topics()
    start = len(kafka.prefix)
    return {
        topic["topic"][start:]: len(topic["partitions"])
        for topic in described
        if topic["topic"].startswith(kafka.prefix)
    }


def _check_partitions(topic: Topic, found: int | None, wanted: int) -> None:
    if found is not None and found != wanted:
        raise Misconfigured(
            f"topic {topic.name} has {found} partitions, the market table says {wanted}: the number never"
            f" changes. Set TENON_MARKETS_FILE to a table with `partitions = {found}`"
        )


async def _create(
    admin: Any, kafka: KafkaSettings, topics: list[Topic], partitions: int, replication: int
) -> None:
    new = [
        _driver.new_topic(
            kafka.prefix + topic.name,
            topic.partitions or partitions,
            replication,
            _config(topic, replication),
        )
        for topic in topics
    ]
    answer = await admin.create_topics(new)
    for name, code, *_ in answer.topic_errors:
        error = _driver.error_name(code) if code else ""
        if error and error != _EXISTS:
            raise Misconfigured(f"topic {name} could not be created: {error}")


def _config(topic: Topic, replication: int) -> Mapping[str, str]:
    retention = -1 if topic.retention_ms is None else topic.retention_ms
    return {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "retention.ms": str(retention),
        "max.message.bytes": str(topic.max_message_bytes),
        "min.insync.replicas": str(max(1, replication - 1)),
    }


async def _write_layout(kafka: KafkaSettings, layout: Layout) -> None:
    producer = Producer(kafka)
    await producer.start()
    try:
        record = OutRecord(LAYOUT.name, _LAYOUT_KEY, msgspec.json.encode(layout), partition=0)
        (receipt,) = await producer.send_and_wait([record], deadline_ms=_WRITE_DEADLINE_MS)
    finally:
        await producer.stop()
    if receipt.state != "written":
        raise receipt.error or Transient("the layout could not be written in time")


def _same_markets(layout: Layout, markets: MarketTable) -> Layout:
    if layout.markets != markets:
        raise Misconfigured(
            "TENON_MARKETS_FILE says another table of markets than the log was begun with; run"
            " `tenon topics --show` to see that one, and set TENON_MARKETS_FILE to it"
        )
    return layout
