"""How records become batches: sizes that are never too small, and the order of the records."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from tenon.kafka._driver import DriverProducer
from tenon.kafka.batching import BATCH_OVERHEAD_BYTES, Lane, Parcel, next_batch, size_bytes_of
from tenon.records import OutRecord, TopicPartition

headers = st.lists(st.tuples(st.text(max_size=40), st.binary(max_size=80)), max_size=6)
contents = st.none() | st.binary(max_size=300)


@given(st.lists(st.tuples(contents, contents, headers), min_size=1, max_size=20))
def test_a_batch_is_never_larger_than_the_sizes_of_its_records_and_the_overhead(
    given_records: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]],
) -> None:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 10**9)
    records = [OutRecord("t", key or b"", value, pairs) for key, value, pairs in given_records]
    for offset, record in enumerate(records):
        builder.append(offset, None, record.key, record.value, list(record.headers))
    assert len(builder.build()) <= sum(map(size_bytes_of, records)) + BATCH_OVERHEAD_BYTES


@dataclass
class Batch:
    """What a driver's batch was given."""

    values: list[bytes | None] = field(default_factory=list)

    def append(
        self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: Sequence[object]
    ) -> object:
        self.values.append(value)
        return self


class Driver:
    """The one call of a driver that batching needs."""

    def create_batch(self) -> Batch:
        return Batch()


@given(st.lists(st.lists(st.integers(0, 400), min_size=1, max_size=8), max_size=8), st.integers(100, 1_000))
async def test_batches_keep_the_order_stay_below_the_limit_and_end_each_parcel_once(
    calls: list[list[int]], limit: int
) -> None:
    lane = Lane(TopicPartition("t", 0), limit)
    expected, count = [], 0
    for sizes in calls:
        records = [OutRecord("t", b"", b"%06d" % (count + n) + bytes(size)) for n, size in enumerate(sizes)]
        count += len(sizes)
        measured = deque((record, size_bytes_of(record)) for record in records)
        expected += [record.value for record in records]
        lane.parcels.append(Parcel(asyncio.get_running_loop().create_future(), measured))
    parcels = list(lane.parcels)
    written: list[bytes | None] = []
    ended: list[Parcel] = []
    while lane.parcels:
        batch, finished = next_batch(lane, cast("DriverProducer", Driver()))
        values = cast("Batch", batch).values
        sizes = [size_bytes_of(OutRecord("t", b"", value)) for value in values]
        assert sum(sizes) <= limit or len(values) == 1
        written += values
        ended += finished
    assert written == expected
    assert ended == parcels
