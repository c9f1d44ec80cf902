"""Writing to the real broker: what arrives, in which order, and what becomes of it when the broker is away.

What is deterministic here: the records of one partition and their order. What is not: how they are cut into
batches.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest

from tenon.errors import Misconfigured, Transient, Unusable
from tenon.kafka import KafkaSettings, OutRecord, Producer, Start, end_offsets, read, read_compacted
from tenon.kafka.producer import receipt
from tenon_local.kafka import EmbeddedKafka
from tests.support.stack import running_kafka, settings_for
from tests.support.streams import Keeper, eventually, looping, make_topic, producing, write

TOPIC = "numbers"


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedKafka]:
    """A broker that these tests may kill."""
    with running_kafka() as server:
        yield server


async def numbers(kafka: KafkaSettings, partition: int = 0) -> list[int]:
    """What a partition holds, in its order."""
    return [int(record.value or b"-1") async for record in read(kafka, TOPIC, partitions=[partition])]


def record(value: int | bytes, key: bytes = b"k", partition: int | None = 0) -> OutRecord:
    return OutRecord(TOPIC, key, value if isinstance(value, bytes) else str(value).encode(), (), partition)


async def test_records_arrive_once_in_order_with_key_and_headers(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 1)
    headers = [("ce_id", b"1"), ("ce_\u0161", "\u017e".encode())]
    async with producing(kafka) as producer:
        await producer.send_and_wait([OutRecord(TOPIC, b"key", b"value", headers, 0)], deadline_ms=10_000)
        for start in range(0, 3_000, 30):
            await producer.send([record(value) for value in range(start, start + 30)])
        await write(producer, TOPIC, 0, [3_000])
        assert producer.waiting_bytes == 0
    found = [record async for record in read(kafka, TOPIC)]
    assert (found[0].key, found[0].value, list(found[0].headers)) == (b"key", b"value", headers)
    assert [int(record.value or b"") for record in found[1:]] == list(range(3_001))


async def test_a_key_goes_where_kafkas_own_clients_put_it(kafka: KafkaSettings) -> None:
    """Vectors of Apache Kafka's murmur2, as its Java client computes them."""
    await make_topic(kafka, TOPIC, 8)
    keys = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    async with producing(kafka) as producer:
        await producer.send_and_wait([record(1, key, None) for key in keys], deadline_ms=10_000)
    placed = {record.key: record.partition async for record in read(kafka, TOPIC)}
    assert placed == {key: (number & 0x7FFFFFFF) % 8 for key, number in keys.items()}


async def test_a_record_that_is_too_large_is_refused_before_it_poisons_its_partition(
    kafka: KafkaSettings,
) -> None:
    await make_topic(kafka, TOPIC, 1)
    async with producing(kafka) as producer:
        sent = [record(1), record(os.urandom(999_900)), record(b"2" + b" " * 999_000), record(3)]
        receipts = await producer.send_and_wait(sent, deadline_ms=20_000)
        assert [found.state for found in receipts] == ["written", "failed", "written", "written"]
        assert isinstance(receipts[1].error, Unusable)
    assert await numbers(kafka) == [1, 2, 3]


async def test_a_batch_that_the_broker_refuses_fails_and_the_next_one_is_written(
    kafka: KafkaSettings,
) -> None:
    """The limit of the producer is wrong on purpose: the broker refuses, which poisons an old producer."""
    await make_topic(kafka, TOPIC, 1)
    producer = Producer(kafka, limits={TOPIC: 1_500_000})
    await producer.start()
    try:
        await write(producer, TOPIC, 0, [1])
        (refused,) = await producer.send_and_wait([record(os.urandom(1_200_000))], deadline_ms=20_000)
        assert refused.state == "failed"
        assert isinstance(refused.error, Transient)
        await write(producer, TOPIC, 0, [2, 3])
    finally:
        await producer.stop()
    assert await numbers(kafka) == [1, 2, 3]


async def test_memory_is_bounded(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 1)
    producer = Producer(kafka, max_waiting_bytes=10_000)
    await producer.start()
    try:
        with pytest.raises(Transient, match="Kafka is behind"):
            await producer.send([record(b"x" * 6_000), record(b"y" * 6_000)])
        await write(producer, TOPIC, 0, [1])
    finally:
        await producer.stop()
    assert await numbers(kafka) == [1]


async def test_a_partition_that_does_not_exist_is_refused(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 2)
    async with producing(kafka) as producer:
        with pytest.raises(Misconfigured, match="has 2 partitions, there is no 2"):
            await producer.send([record(1, partition=2)])


async def test_killing_the_broker_loses_doubles_and_reorders_nothing(own_server: EmbeddedKafka) -> None:
    kafka = settings_for(own_server)
    await make_topic(kafka, TOPIC, 2)
    async with producing(kafka) as producer:
        sent, stop = 0, asyncio.Event()
        futures: list[asyncio.Future[None]] = []

        async def keep_sending() -> None:
            nonlocal sent
            while not stop.is_set():
                values = range(sent, sent + 20)
                futures.extend(await producer.send([record(value, partition=value % 2) for value in values]))
                sent += 20
                await asyncio.sleep(0.005)

        sending = asyncio.create_task(keep_sending())
        await asyncio.sleep(0.5)
        for _ in range(2):
            await own_server.kill()
            await asyncio.sleep(0.5)
            await own_server.start()
            await asyncio.sleep(1)
        stop.set()
        await sending
        await asyncio.wait_for(asyncio.gather(*set(futures)), 40)
    assert sent > 1_000
    for partition in (0, 1):
        assert await numbers(kafka, partition) == list(range(partition, sent, 2))


async def test_a_consumer_says_that_the_broker_is_away_and_goes_on_when_it_is_back(
    own_server: EmbeddedKafka,
) -> None:
    kafka = settings_for(own_server)
    await make_topic(kafka, TOPIC, 1)
    keeper = Keeper()
    async with producing(kafka) as producer, looping(kafka, TOPIC, keeper) as loop:
        await write(producer, TOPIC, 0, range(10))
        await eventually(lambda: keeper.total() == 10 and loop.problem() is None, "it reads")
        await own_server.kill()
        await eventually(lambda: loop.problem() == "Kafka does not answer", "it notices")
        await own_server.start()
        await write(producer, TOPIC, 0, range(10, 20))
        await eventually(lambda: keeper.total() == 20 and loop.problem() is None, "it reads again", 40)
    assert list(keeper.values.values()) == [list(range(20))]


async def test_what_a_frozen_broker_did_not_confirm_is_pending_and_written_later_once(
    own_server: EmbeddedKafka,
) -> None:
    kafka = settings_for(own_server)
    await make_topic(kafka, TOPIC, 1)
    broker = own_server.brokers[0].process
    async with producing(kafka) as producer:
        await write(producer, TOPIC, 0, [1])
        broker.freeze()
        try:
            receipts = await producer.send_and_wait([record(2)], deadline_ms=300)
            assert [found.state for found in receipts] == ["pending"]
            (future,) = await producer.send([record(3)])
            await asyncio.sleep(6)  # longer than a request may take: it is sent again by the producer
        finally:
            broker.thaw()
        await asyncio.wait_for(asyncio.shield(future), 30)
        assert receipt(future).state == "written"
    assert await numbers(kafka) == [1, 2, 3]


async def test_a_sender_that_died_is_replaced(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 1)
    async with producing(kafka) as producer:
        await write(producer, TOPIC, 0, [1])
        dead: Any = producer._driver
        dead._sender.sender_task.cancel()
        await eventually(lambda: producer._driver not in (dead, None), "it is replaced")
        assert producer.problem() is None
        await write(producer, TOPIC, 0, [2])
    assert await numbers(kafka) == [1, 2]


async def test_a_producer_stops_within_its_deadline_though_the_broker_is_away(
    own_server: EmbeddedKafka,
) -> None:
    kafka = settings_for(own_server)
    await make_topic(kafka, TOPIC, 1)
    producer = Producer(kafka)
    await producer.start()
    await write(producer, TOPIC, 0, [1])
    own_server.brokers[0].process.freeze()
    await asyncio.sleep(0.3)  # a signal takes a moment to arrive
    try:
        (future,) = await producer.send([record(2)])
        async with asyncio.timeout(3):
            await producer.stop(deadline_ms=500)
        assert receipt(future).state == "failed"
    finally:
        own_server.brokers[0].process.thaw()


async def test_a_reader_whose_broker_dies_says_so_instead_of_waiting_for_ever(
    own_server: EmbeddedKafka,
) -> None:
    kafka = settings_for(own_server)
    await make_topic(kafka, TOPIC, 1)
    async with producing(kafka) as producer:
        records = [OutRecord(TOPIC, b"k", b"x" * 10_000, (), 0)] * 400
        receipts = await producer.send_and_wait(records, deadline_ms=30_000)
        assert {one.state for one in receipts} == {"written"}
    async with aclosing(read(kafka, TOPIC)) as found:
        await anext(found)
        await own_server.kill()
        with pytest.raises(Transient):
            async for _ in found:
                pass
    await own_server.start()


async def test_a_compacted_topic_is_read_as_a_table(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 3)
    async with producing(kafka) as producer:
        await producer.send_and_wait(
            [record(1, b"a", None), record(2, b"b", None), record(3, b"a", None)], deadline_ms=10_000
        )
        await producer.send_and_wait([OutRecord(TOPIC, b"b", None)], deadline_ms=10_000)
    assert await read_compacted(kafka, TOPIC) == {b"a": b"3"}


async def test_a_topic_is_read_from_an_offset_a_time_or_its_end(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 1)
    async with producing(kafka) as producer:
        await write(producer, TOPIC, 0, range(5))
        times = [found.timestamp_ms async for found in read(kafka, TOPIC)]
        await asyncio.sleep(0.05)
        await write(producer, TOPIC, 0, range(5, 10))
    from_offset = [found.offset async for found in read(kafka, TOPIC, start=Start("offset", 7))]
    from_time = [found.offset async for found in read(kafka, TOPIC, start=Start("time", times[-1] + 1))]
    from_end = [found.offset async for found in read(kafka, TOPIC, start=Start("end"))]
    assert (from_offset, from_time, from_end) == ([7, 8, 9], [5, 6, 7, 8, 9], [])
    assert await end_offsets(kafka, TOPIC) == {0: 10}
