"""The outbox and its relay on the real database and the real broker.

What is deterministic here: the order within a key, and that every row is written at least once.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from tenon.db import Database
from tenon.errors import Fenced, Transient
from tenon.kafka import KafkaSettings, OutRecord, Producer, read
from tenon.lease import Leases
from tenon.metrics import Metrics
from tenon.outbox import Entry, OutboxSource, append, backlog, kafka_effect
from tenon.relay import Done, Outcome, Relay, RelaySettings
from tests.support.streams import make_topic, producing
from tests.support.toys import toy_database
from tests.support.waiting import until

TOPIC = "numbers"


def record(key: int, value: int) -> OutRecord:
    return OutRecord(TOPIC, b"%d" % key, b"%d" % value, [("ce_type", b"number")])


def source_of(database: Database, owner: str, ttl_ms: int = 60_000) -> OutboxSource:
    return OutboxSource(database, Leases(database, owner=owner, ttl_ms=ttl_ms))


@asynccontextmanager
async def relaying(database: Database, producer: Producer, owner: str) -> AsyncIterator[Relay[Entry]]:
    source = source_of(database, owner, ttl_ms=1_000)
    relay = Relay(
        "outbox",
        source,
        kafka_effect(producer),
        metrics=Metrics(),
        settings=RelaySettings("test", limit=50, interval_ms=20),
    )
    stop = asyncio.Event()
    task = asyncio.create_task(relay.run(stop))
    try:
        yield relay
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)
        await source.release()


async def write_concurrently(database: Database, writers: int, rows: int) -> None:
    """Many transactions at once, several keys, each key guarded by a lock, as ingest's parties are."""

    async def one(key: int) -> None:
        for value in range(rows):
            async with database.transaction() as connection:
                await connection.execute("SELECT pg_advisory_xact_lock($1)", key)
                await append(connection, [record(key, value)])

    await asyncio.gather(*(one(key) for key in range(writers)))


async def waiting(database: Database) -> int:
    return (await backlog(database)).waiting


async def by_key(kafka: KafkaSettings) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = {}
    async for one in read(kafka, TOPIC):
        found.setdefault(one.key or b"", []).append(int(one.value or b""))
    return found


async def empty(database: Database) -> None:
    async with asyncio.timeout(20):
        while await waiting(database):  # noqa: ASYNC110 - the relay has no reason to tell us
            await asyncio.sleep(0.02)


async def test_rows_of_a_key_are_published_in_order_though_many_write(
    kafka: KafkaSettings, postgres: str
) -> None:
    await make_topic(kafka, TOPIC, 3)
    async with (
        toy_database(postgres) as database,
        producing(kafka) as producer,
        relaying(database, producer, "one"),
    ):
        await write_concurrently(database, writers=6, rows=60)
        await empty(database)
    assert await by_key(kafka) == {b"%d" % key: list(range(60)) for key in range(6)}


async def test_two_replicas_relay_each_row_once_and_one_takes_over(
    kafka: KafkaSettings, postgres: str
) -> None:
    await make_topic(kafka, TOPIC, 1)
    async with (
        toy_database(postgres) as database,
        producing(kafka) as producer,
        relaying(database, producer, "two"),
    ):
        async with relaying(database, producer, "one"):
            await write_concurrently(database, writers=2, rows=50)
            await empty(database)
        await write_concurrently(database, writers=2, rows=10)
        await empty(database)
    expected = [*range(50), *range(10)]
    assert await by_key(kafka) == {b"0": expected, b"1": expected}


async def test_a_relay_that_was_frozen_marks_nothing_after_another_took_over(postgres: str) -> None:
    """The zombie: it claimed, lost its lease while it was frozen, and comes back with a result in hand."""
    async with toy_database(postgres) as database:
        async with database.transaction() as connection:
            await append(connection, [record(0, 0)])
        zombie = source_of(database, "zombie", ttl_ms=100)
        claimed = await zombie.claim(10)
        assert len(claimed) == 1
        await asyncio.sleep(0.2)
        heir = source_of(database, "heir")
        assert await heir.claim(10) == claimed
        with pytest.raises(Fenced):
            await zombie.settle([(claimed[0], Done())])
        assert await waiting(database) == 1
        with pytest.raises(Fenced):
            await zombie.claim(10)
        assert await zombie.claim(10) == []
        await heir.settle([(claimed[0], Done())])
        assert await waiting(database) == 0


async def test_what_was_published_after_a_row_that_came_late_is_published_again(postgres: str) -> None:
    """Of its key alone, and not at once: what the heir has under way may not be marked yet."""
    async with toy_database(postgres) as database:
        await _append(database, record(0, 0))
        zombie = source_of(database, "zombie", ttl_ms=100)
        (late,) = await zombie.claim(10)
        await asyncio.sleep(0.2)
        heir = source_of(database, "heir")
        await _publish(heir)
        await _append(database, record(0, 1), record(1, 0), record(0, 2))
        await _publish(heir)
        with pytest.raises(Fenced):
            await zombie.settle([(late, Done())])
        with pytest.raises(Fenced):
            await zombie.claim(10)

        async def again() -> Sequence[Entry]:
            assert await zombie.claim(10) == []
            return await heir.claim(10)

        found = await until(again, "rows are to be published again", 10)
        assert [entry.record.value for entry in found] == [b"1", b"2"]
        assert {entry.record.key for entry in found} == {b"0"}


async def _append(database: Database, *records: OutRecord) -> None:
    async with database.transaction() as connection:
        await append(connection, records)


async def _publish(source: OutboxSource) -> None:
    await source.settle([(entry, Done()) for entry in await source.claim(10)])


async def test_a_row_that_can_never_be_written_is_parked_and_the_rest_goes_on(
    kafka: KafkaSettings, postgres: str
) -> None:
    await make_topic(kafka, TOPIC, 1)
    async with toy_database(postgres) as database, producing(kafka) as producer:
        async with database.transaction() as connection:
            too_large = OutRecord(TOPIC, b"0", bytes(1_100_000))
            await append(connection, [record(0, 1), too_large, record(0, 2)])
        async with relaying(database, producer, "one"):
            await empty(database)
        found = await backlog(database)
        assert (found.waiting, found.parked) == (0, 1)
    assert await by_key(kafka) == {b"0": [1, 2]}


async def test_a_relay_does_not_wait_for_ever_for_a_producer_that_is_not_connected() -> None:
    effect = kafka_effect(Producer(KafkaSettings("127.0.0.1:1")), deadline_ms=100)
    with pytest.raises(Transient, match="Kafka does not answer"):
        await effect([Entry(1, record(1, 1))])


async def test_a_transaction_that_is_undone_publishes_nothing(postgres: str) -> None:
    async with toy_database(postgres) as database:
        with pytest.raises(ZeroDivisionError):
            await _write_and_fail(database)
        assert await waiting(database) == 0


async def _write_and_fail(database: Database) -> None:
    async with database.transaction() as connection:
        await append(connection, [record(0, 0)])
        raise ZeroDivisionError


async def test_an_effect_that_is_done_twice_is_marked_once(postgres: str) -> None:
    async with toy_database(postgres) as database:
        async with database.transaction() as connection:
            await append(connection, [record(0, value) for value in range(3)])
        source = source_of(database, "one")
        first = await source.claim(10)
        outcomes: Sequence[tuple[Entry, Outcome]] = [(entry, Done()) for entry in first]
        await source.settle(outcomes)
        await source.settle(outcomes)
        assert await source.claim(10) == []
        assert [entry.record for entry in first] == [record(0, value) for value in range(3)]
