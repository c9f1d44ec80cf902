"""The topics, as facts: every record from the beginning to the end that each topic has now."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing

from tenon.kafka import KafkaSettings, Record, TopicPartition, end_offsets, read
from tenon_audit.reading import attributes


async def records(
    kafka: KafkaSettings, topic: str, partitions: Sequence[int] | None = None
) -> AsyncGenerator[Record, None]:
    """Yield what a topic holds, in order per partition."""
    async with aclosing(read(kafka, topic, partitions=partitions)) as found:
        async for record in found:
            yield record


async def ends(kafka: KafkaSettings, topics: Iterable[str]) -> dict[tuple[str, int], int]:
    """Return for each (topic, partition) the offset that its next record will get."""
    names = list(topics)
    found = await asyncio.gather(*(end_offsets(kafka, topic) for topic in names))
    return {
        TopicPartition(topic, partition): end
        for topic, partitions in zip(names, found, strict=True)
        for partition, end in partitions.items()
    }


async def newest(kafka: KafkaSettings, topic: str, attribute: str) -> dict[str, str]:
    """Return an attribute of the newest record of each key, empty for a tombstone without it."""
    table: dict[str, str] = {}
    async for record in records(kafka, topic):
        key = (record.key or b"").decode(errors="replace")
        table[key] = attributes(record.headers).get(attribute, "")
    return table


async def ids(kafka: KafkaSettings, topic: str) -> set[str]:
    """Return the ids of the events of a topic."""
    return {attributes(record.headers).get("id", "") async for record in records(kafka, topic)}
