"""How waiting records become batches, in order. Decides sizes alone; must not know when batches are sent.

A record's size is never underestimated: the broker refuses a batch above the topic's `max.message.bytes`, and
takes the producer with it, while aiokafka takes an oversized first record without a word.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from tenon.kafka._driver import DriverBatch, DriverProducer
from tenon.records import OutRecord, TopicPartition

BATCH_BYTES = 256 * 1024
BATCH_OVERHEAD_BYTES = 256
_RECORD_OVERHEAD_BYTES = 48
_HEADER_OVERHEAD_BYTES = 10


@dataclass(slots=True, eq=False)
class Parcel:
    """The records of one call for one partition, with their sizes; `written` when the last of them is."""

    written: "asyncio.Future[None]"
    records: deque[tuple[OutRecord, int]] = field(default_factory=deque)
    size_bytes: int = 0


@dataclass(slots=True)
class Lane:
    """What waits for one partition, in order, and the task that sends it while there is any."""

    partition: TopicPartition
    limit_bytes: int
    parcels: deque[Parcel] = field(default_factory=deque)
    pump: "asyncio.Task[None] | None" = None


def next_batch(lane: Lane, driver: DriverProducer) -> tuple[DriverBatch, list[Parcel]]:
    """Build a batch of what waits, and return the parcels that it completes."""
    batch, size_bytes = driver.create_batch(), 0
    finished: list[Parcel] = []
    while lane.parcels:
        parcel = lane.parcels[0]
        while parcel.records:
            record, size = parcel.records[0]
            if size_bytes and size_bytes + size > lane.limit_bytes:
                return batch, finished
            batch.append(timestamp=None, key=record.key, value=record.value, headers=list(record.headers))
            size_bytes += size
            parcel.records.popleft()
        finished.append(lane.parcels.popleft())
    return batch, finished


def size_bytes_of(record: OutRecord) -> int:
    """Return no less than what a record takes in a batch (record format v2: varints of at most 5 bytes)."""
    size = _RECORD_OVERHEAD_BYTES + len(record.key or b"") + len(record.value or b"")
    for name, value in record.headers:
        # A character of a header's name takes up to four bytes in UTF-8.
        size += _HEADER_OVERHEAD_BYTES + (len(name) if name.isascii() else 4 * len(name)) + len(value)
    return size
