"""A matcher whose database is older than what it told: it refuses, catches up, and goes on as it was told.

What is deterministic: the digests of rounds that were told. What is not: how a live poll cuts the log.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import pytest

from matcher.domain.reading import LogRecord
from matcher.replay import replay
from matcher.restoring import restore
from matcher.service import bind
from tenon.app import serve
from tenon.contracts import topics
from tenon.contracts.rounds import RoundDecided
from tenon.contracts.values import Shape
from tenon.db import Database
from tenon.errors import Misconfigured
from tenon.kafka import KafkaSettings
from tenon.migrations import migrate
from tenon.records import OutRecord
from tenon.restoring import Job
from tests.integration.restore.copies import Backup, backup
from tests.support.market import demand, offer
from tests.support.matching import (
    append,
    dockings,
    log_record,
    matching,
    prepare,
    rounds,
    settings_of,
    topic_records,
    until_decided,
)
from tests.support.stack import PostgresServer


def story(first: int, count: int) -> list[OutRecord]:
    """Offers and demands in turn, so that each round finds something to dock."""
    log: list[Shape] = []
    for number in range(first, first + count):
        log.append(offer(f"s{number % 3}", 40 + number, automatic=True, name=f"o{number}"))
        log.append(demand(f"b{number % 2}", 55, automatic=number % 2 > 0, name=f"d{number}"))
    return [log_record(each, 2 * first + index) for index, each in enumerate(log)]


async def decided(kafka: KafkaSettings, postgres: str, records: Sequence[OutRecord], end: int) -> None:
    """Have a matcher decide records, a few at a time, until it has told the round that ends the log."""
    async with matching(settings_of(kafka, postgres, max_poll_records=3)):
        await append(kafka, records)
        await until_decided(kafka, end)


@pytest.fixture
async def old(kafka: KafkaSettings, postgres: str, postgres_server: PostgresServer) -> AsyncIterator[Backup]:
    """A database that was put back to where it was after ten records of forty."""
    await prepare(kafka, postgres)
    await decided(kafka, postgres, story(0, 5), 10)
    async with backup(postgres_server, postgres) as taken:
        await decided(kafka, postgres, story(5, 15), 40)
        await taken.put_back()
        yield taken


def job(kafka: KafkaSettings, postgres: str, lines: list[str] | None = None, check: bool = False) -> Job:
    heard: list[str] = [] if lines is None else lines
    return Job(kafka, postgres, heard.append, check)


async def test_a_matcher_refuses_a_database_that_is_behind_what_was_told(
    kafka: KafkaSettings, postgres: str, old: Backup
) -> None:
    told = await rounds(kafka)
    await append(kafka, story(20, 1))
    with pytest.raises(Misconfigured, match="Stop all services, then run `tenon restore`"):
        await asyncio.wait_for(serve(bind, settings_of(kafka, postgres), asyncio.Event()), 60)
    assert await rounds(kafka) == told


async def test_what_was_told_is_decided_again_and_gone_on_from(
    kafka: KafkaSettings, postgres: str, old: Backup
) -> None:
    told, docked = await rounds(kafka), await dockings(kafka)
    found = await restore(job(kafka, postgres))
    assert found == await behind(kafka, postgres_rounds=10)
    await decided(kafka, postgres, story(20, 5), 50)
    after = await rounds(kafka)
    assert after[: len(told)] == told
    assert chained(after)
    assert (await dockings(kafka))[: len(docked)] == docked
    assert all(one.same for one in replay(0, await log_of(kafka), after))


async def test_a_restored_database_holds_what_the_lost_one_held(
    kafka: KafkaSettings, postgres: str, postgres_server: PostgresServer
) -> None:
    await prepare(kafka, postgres)
    await decided(kafka, postgres, story(0, 5), 10)
    async with backup(postgres_server, postgres) as taken:
        await decided(kafka, postgres, story(5, 15), 40)
        lost = await state_of(postgres)
        await taken.put_back()
        await restore(job(kafka, postgres))
        assert await state_of(postgres) == lost


async def test_only_the_newest_rounds_are_told_again_and_with_the_same_ids(
    kafka: KafkaSettings, postgres: str, old: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await ids_of(kafka)
    monkeypatch.setattr("matcher.restoring.ROUNDS_AT_A_TIME", 4)
    await restore(job(kafka, postgres))
    async with Database.connect(postgres, schema="matcher") as database:
        due = await database.fetchval("SELECT count(*) FROM rounds WHERE published_at IS NULL")
    assert due == 4
    await decided(kafka, postgres, story(20, 1), 42)
    again = await ids_of(kafka)
    assert again[: len(ids)] == ids
    assert ids[-1] in again[len(ids) :]


async def test_a_second_restore_finds_nothing_to_do(kafka: KafkaSettings, postgres: str, old: Backup) -> None:
    await restore(job(kafka, postgres))
    lines: list[str] = []
    assert await restore(job(kafka, postgres, lines)) == 0
    assert "nothing later was told" in lines[0]


async def test_a_check_says_what_would_be_done_and_changes_nothing(
    kafka: KafkaSettings, postgres: str, old: Backup
) -> None:
    before = await state_of(postgres)
    lines: list[str] = []
    assert await restore(job(kafka, postgres, lines, check=True)) > 0
    assert "rounds" in lines[0]
    assert await state_of(postgres) == before


async def test_a_lost_database_is_made_anew_from_kafka_alone(
    kafka: KafkaSettings, postgres: str, old: Backup
) -> None:
    async with Database.connect(postgres, schema="matcher") as database:
        await database.execute("DROP SCHEMA matcher CASCADE")
    await migrate(postgres, package="matcher")
    assert await restore(job(kafka, postgres)) == len(await rounds(kafka))
    await decided(kafka, postgres, story(20, 1), 42)
    assert chained(await rounds(kafka))


async def test_a_round_that_is_decided_otherwise_stops_its_partition_and_is_named(
    kafka: KafkaSettings, postgres: str, old: Backup
) -> None:
    more = "UPDATE demand_windows SET open = open + 1, asked = asked + 1, said = said + 1"
    async with Database.connect(postgres, schema="matcher") as database:
        await database.execute(more)
    with pytest.raises(Misconfigured, match=r"round \d+ of partition 0 was told with digest") as fault:
        await restore(job(kafka, postgres))
    async with Database.connect(postgres, schema="matcher") as database:
        last = await database.fetchval("SELECT round FROM heads")
    assert f"round {last + 1} of partition 0" in str(fault.value)


async def test_a_database_of_another_past_is_refused(
    kafka: KafkaSettings, postgres: str, old: Backup
) -> None:
    async with Database.connect(postgres, schema="matcher") as database:
        await database.execute("UPDATE heads SET digest = repeat('a', 64)")
    with pytest.raises(Misconfigured, match="no earlier state of this log"):
        await restore(job(kafka, postgres))


async def test_a_restore_waits_for_no_matcher_that_runs(kafka: KafkaSettings, postgres: str) -> None:
    await prepare(kafka, postgres)
    async with matching(settings_of(kafka, postgres)):
        await append(kafka, story(0, 1))
        await until_decided(kafka, 2)
        with pytest.raises(Misconfigured, match="stop every matcher first"):
            await restore(job(kafka, postgres))


def chained(told: Sequence[RoundDecided]) -> bool:
    return all(b.previous_digest == a.digest and b.from_offset == a.next_offset for a, b in pairwise(told))


async def behind(kafka: KafkaSettings, postgres_rounds: int) -> int:
    """How many rounds were told of what follows an offset of the log."""
    return sum(one.from_offset >= postgres_rounds for one in await rounds(kafka))


async def ids_of(kafka: KafkaSettings) -> list[bytes]:
    return [dict(record.headers)["ce_id"] for record in await topic_records(kafka, topics.DOCKINGS.name)]


async def log_of(kafka: KafkaSettings) -> list[LogRecord]:
    records = await topic_records(kafka, topics.MARKET.name)
    return [LogRecord(record.offset, record.headers, record.value) for record in records]


async def state_of(postgres: str) -> dict[str, list[tuple[object, ...]]]:
    """Everything that decisions are made from, and the chain of rounds."""
    orders = {
        "entities": "kind, market, key",
        "offer_windows": 'key, "window"',
        "demand_windows": 'key, "window"',
        "dockings": "docking",
    }
    async with Database.connect(postgres, schema="matcher") as database:
        found = {
            table: [tuple(row) for row in await database.fetch(f"SELECT * FROM {table} ORDER BY {order}")]
            for table, order in orders.items()
        }
        kept = "SELECT partition, round, clock_ms, digest FROM heads"
        found["heads"] = [tuple(row) for row in await database.fetch(kept)]
        return found
