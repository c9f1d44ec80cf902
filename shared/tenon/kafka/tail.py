"""Reading a topic without a group: for tables kept in compacted topics, for people, for tests."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from tenon.errors import Misconfigured, Transient
from tenon.kafka import _driver
from tenon.kafka.connection import KafkaSettings
from tenon.records import Record, TopicPartition

_POLL_MS = 200
_MAX_RECORDS = 2_000


@dataclass(frozen=True, slots=True)
class Start:
    """Where to begin: the oldest record kept, the next to be written, an offset, or a time in epoch ms.

    An offset that the partition does not hold means the nearest one that it does.
    """

    at: Literal["beginning", "end", "offset", "time"] = "beginning"
    value: int = 0


async def read(
    kafka: KafkaSettings,
    topic: str,
    *,
    partitions: Sequence[int] | None = None,
    start: Start = Start(),
    follow: bool = False,
) -> AsyncGenerator[Record, None]:
    """Yield a topic's records in order per partition, until its present end, or for ever with `follow`.

    Raises `Misconfigured` where there is no such topic or partition, `Transient` when the brokers are away.
    """
    async with _assigned(kafka, topic, partitions) as (consumer, assigned):
        ends = await consumer.end_offsets(assigned)
        await _seek(consumer, assigned, start)
        unread = set(assigned)
        while follow or unread:
            found = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_MAX_RECORDS)
            for where, records in found.items():
                for record in _driver.own_records(topic, records):
                    if follow or record.offset < ends[where]:
                        yield record
            if not follow and not found:
                # Dead brokers look like ones that have nothing yet: ask them, with an end to the waiting.
                await consumer.end_offsets(assigned)
            if not follow:
                unread = {where for where in unread if await consumer.position(where) < ends[where]}


class Ends:
    """The newest records of any partition of a topic, asked for again and again over one connection."""

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self._kafka = kafka
        self._topic = topic
        self._one_at_a_time = asyncio.Lock()
        self._consumer: Any = None

    async def last(self, partition: int, most: int) -> list[Record]:
        """Return the newest `most` records of a partition, the oldest of them first.

        Raises `Misconfigured` where there is no such topic, `Transient` when the brokers are away.
        """
        async with self._one_at_a_time:
            try:
                with _driver.mapped_errors():
                    return await self._last(partition, most)
            except Transient:
                await self._close()
                raise

    async def stop(self) -> None:
        """Let go of the connection."""
        async with self._one_at_a_time:
            await self._close()

    async def _last(self, partition: int, most: int) -> list[Record]:
        if self._consumer is None:
            self._consumer = _driver.new_consumer(self._kafka)
            await self._consumer.start()
            await _numbers(self._kafka, self._consumer, self._topic, [partition])
        consumer = self._consumer
        where = _driver.driver_partition(self._kafka.prefix, TopicPartition(self._topic, partition))
        consumer.assign([where])
        first, end = await _range(consumer, where)
        consumer.seek(where, max(first, end - most))
        found: list[Record] = []
        while await consumer.position(where) < end:
            for records in (await consumer.getmany(timeout_ms=_POLL_MS, max_records=most)).values():
                found += _driver.own_records(self._topic, records)
        consumer.pause(where)  # What is written from here on is not fetched for nobody.
        return found

    async def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _driver.end_consumer(consumer)


async def extent(kafka: KafkaSettings, topic: str, partition: int) -> tuple[int, int]:
    """Return the first offset that a partition holds, and the one its next record will get."""
    async with _assigned(kafka, topic, [partition]) as (consumer, (where,)):
        return await _range(consumer, where)


async def read_compacted(kafka: KafkaSettings, topic: str) -> dict[bytes, bytes]:
    """Return the present value of each key of a compacted topic, without the deleted ones."""
    table: dict[bytes, bytes] = {}
    async with aclosing(read(kafka, topic)) as records:
        async for record in records:
            if record.key is None:
                continue
            if record.value is None:
                table.pop(record.key, None)
            else:
                table[record.key] = record.value
    return table


@asynccontextmanager
async def _assigned(
    kafka: KafkaSettings, topic: str, partitions: Sequence[int] | None
) -> AsyncIterator[tuple[Any, list[Any]]]:
    consumer = _driver.new_consumer(kafka)
    try:
        await _driver.start(consumer, kafka)
        with _driver.mapped_errors():
            numbers = await _numbers(kafka, consumer, topic, partitions)
            own = [TopicPartition(topic, number) for number in numbers]
            assigned = [_driver.driver_partition(kafka.prefix, where) for where in own]
            consumer.assign(assigned)
            yield consumer, assigned
    finally:
        await _driver.end_consumer(consumer)


async def _range(consumer: Any, where: Any) -> tuple[int, int]:
    firsts, ends = await asyncio.gather(consumer.beginning_offsets([where]), consumer.end_offsets([where]))
    return firsts[where], ends[where]


async def _numbers(
    kafka: KafkaSettings, consumer: Any, topic: str, wanted: Sequence[int] | None
) -> list[int]:
    name = kafka.prefix + topic
    numbers = await _driver.partition_numbers(consumer, name)
    if not numbers:
        raise Misconfigured(f"topic {name} does not exist; run `tenon topics`")
    if unknown := set(wanted or ()) - set(numbers):
        raise Misconfigured(f"topic {name} has {len(numbers)} partitions, there is no {min(unknown)}")
    return numbers if wanted is None else list(wanted)


async def _seek(consumer: Any, assigned: list[Any], start: Start) -> None:
    if start.at == "beginning":
        await consumer.seek_to_beginning(*assigned)
    elif start.at == "end":
        await consumer.seek_to_end(*assigned)
    elif start.at == "offset":
        first, ends = await consumer.beginning_offsets(assigned), await consumer.end_offsets(assigned)
        for where in assigned:
            consumer.seek(where, min(max(start.value, first[where]), ends[where]))
    else:
        found = await consumer.offsets_for_times(dict.fromkeys(assigned, start.value))
        ends = await consumer.end_offsets(assigned)
        for where in assigned:
            consumer.seek(where, found[where].offset if found[where] else ends[where])
