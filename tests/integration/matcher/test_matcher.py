"""The matcher on the real broker and database: what it is told, it decides once, whatever happens between.

What is deterministic: what docks, and the digests where the clock is the log's. What is not: how a live poll
cuts the log into rounds.
"""

import asyncio
from collections import Counter

import pytest

from matcher.domain.reading import LogRecord
from matcher.domain.step import Decisions, Read, step
from matcher.replay import replay
from matcher.service import bind
from matcher.store import Store
from tenon import failpoints
from tenon.app import serve
from tenon.contracts import intake, topics
from tenon.contracts.codec import decode_tolerant
from tenon.contracts.rejections import EventRejected
from tenon.contracts.values import Shape
from tenon.db import Database
from tenon.errors import Fenced, Misconfigured
from tenon.kafka import KafkaSettings
from tenon.migrations import migrate
from tenon.positions import Positions
from tenon.records import OutRecord, TopicPartition
from tests.support.market import START_MS, day, demand, offer
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

PARTITION = TopicPartition(topics.MARKET.name, 0)


def month(days: int = 12) -> list[Shape]:
    """A log in which something happens every day: three of each a day, then a tick."""
    log: list[Shape] = []
    for number in range(days):
        for index in range(3):
            name = f"x{number}-{index}"
            log.append(offer(f"s{index}", 40 + number, kilometres=index * 100, automatic=True, name=name))
            log.append(demand(f"b{index}", 55, kilometres=index * 130, automatic=index > 0, name=name))
        log.append(intake.ClockTicked(now=day(number + 1)))
    return log


def numbered(data: list[Shape]) -> list[OutRecord]:
    return [log_record(each, number) for number, each in enumerate(data)]


async def test_what_is_listed_is_docked_stored_and_told(kafka: KafkaSettings, postgres: str) -> None:
    await prepare(kafka, postgres)
    await append(kafka, numbered([offer("acme", 70), demand("clinic", 100)]))
    async with matching(settings_of(kafka, postgres)):
        await until_decided(kafka, 2)
    (docking,) = await dockings(kafka)
    assert docking.status == "proposed"
    assert docking.quantity == 70
    async with Database.connect(postgres, schema="matcher") as database:
        (row,) = await database.fetch("SELECT status, quantity, consumed FROM dockings")
        assert tuple(row) == ("proposed", 70, 70)
        assert await database.fetchval("SELECT open FROM demand_windows") == 30


async def test_a_restart_goes_on_where_the_last_round_ended(kafka: KafkaSettings, postgres: str) -> None:
    await prepare(kafka, postgres)
    await append(kafka, [log_record(demand("clinic", 100), 0)])
    async with matching(settings_of(kafka, postgres)):
        await until_decided(kafka, 1)
    await append(kafka, [log_record(offer("acme", 70), 1)])
    async with matching(settings_of(kafka, postgres)):
        await until_decided(kafka, 2)
    assert [docking.quantity for docking in await dockings(kafka)] == [70]


@pytest.mark.parametrize("polls", [(1, 5_000)])
async def test_a_simulated_log_gives_the_same_rounds_however_polls_cut_it(
    kafka: KafkaSettings, postgres_pair: tuple[str, str], kafka_twin: KafkaSettings, polls: tuple[int, int]
) -> None:
    told = []
    for cluster, database, records in zip((kafka, kafka_twin), postgres_pair, polls, strict=True):
        await prepare(cluster, database)
        log = numbered(month())
        await append(cluster, log)
        async with matching(settings_of(cluster, database, clock="log", max_poll_records=records)):
            await until_decided(cluster, len(log))
        told.append(([one.digest for one in await rounds(cluster)], await dockings(cluster)))
    assert told[0] == told[1]
    assert len(told[0][0]) == 12


async def test_the_log_and_the_rounds_explain_every_decision(kafka: KafkaSettings, postgres: str) -> None:
    await prepare(kafka, postgres)
    log = numbered(month())
    async with matching(settings_of(kafka, postgres)):
        for start in range(0, len(log), 17):
            await append(kafka, log[start : start + 17])
        await until_decided(kafka, len(log))
    written = [
        LogRecord(record.offset, record.headers, record.value)
        for record in await topic_records(kafka, topics.MARKET.name)
    ]
    replayed = list(replay(0, written, await rounds(kafka)))
    assert replayed
    assert all(one.same for one in replayed)


async def test_a_record_that_can_not_be_used_is_told_with_its_reason_and_passed_over(
    kafka: KafkaSettings, postgres: str
) -> None:
    await prepare(kafka, postgres)
    poison = [
        OutRecord(topics.MARKET.name, None, b"{", [("ce_id", b"1")], 0),
        OutRecord(topics.MARKET.name, b"k", None, (), 0),
        OutRecord(topics.MARKET.name, b"k", b"\xff" * 900_000, log_record(offer("a"), 1).headers, 0),
        log_record(offer("a"), 1)._replace(value=b'{"offer":' + b"[" * 3000),
        log_record(offer("a"), 1)._replace(value=b"{}"),
    ]
    await append(kafka, [*poison, *numbered([offer("acme"), demand("clinic")])])
    async with matching(settings_of(kafka, postgres)):
        await until_decided(kafka, 7)
    rejected = [
        decode_tolerant(EventRejected, record.value or b"")
        for record in await topic_records(kafka, topics.REJECTED.name)
    ]
    assert [bad.code for bad in rejected] == [
        "not_cloudevents",
        "not_cloudevents",
        "not_json",
        "not_json",
        "invalid_data",
    ]
    assert [bad.origin.offset for bad in rejected] == [0, 1, 2, 3, 4]
    assert len(await dockings(kafka)) == 1


async def test_a_deploy_that_can_read_nothing_stops_for_good_and_sets_little_aside(
    kafka: KafkaSettings, postgres: str
) -> None:
    await prepare(kafka, postgres)
    await append(kafka, [OutRecord(topics.MARKET.name, b"k", b"{", [("ce_id", b"1")], 0)] * 9)
    settings = settings_of(kafka, postgres, max_poll_records=2, max_skipped_in_a_row=5)
    for _ in range(3):
        with pytest.raises(Misconfigured, match="5 records in a row up to offset 4"):
            await asyncio.wait_for(serve(bind, settings, asyncio.Event()), 30)
    assert sum(len(one.skipped) for one in await rounds(kafka)) < 5


async def test_rounds_of_each_partition_are_told_in_turn(kafka: KafkaSettings, postgres: str) -> None:
    await migrate(postgres, package="matcher")
    async with Database.connect(postgres, schema="matcher") as database:
        store, positions = Store(database), Positions(database, owner="one", log_id="log")
        epochs = {}
        for number, many in ((0, 5), (1, 1)):
            where = TopicPartition(topics.MARKET.name, number)
            position = await positions.take(where)
            epochs[number] = position.epoch
            state = await store.load(number, position.next_offset)
            for _ in range(many):
                decisions = step(state, Read([], position.next_offset, position.next_offset, START_MS))
                position = await store.commit(where, position, decisions)
        told = await store.to_tell(epochs, 3)
        assert [(one.partition, one.round) for one in told] == [(0, 1), (1, 1), (0, 2)]
        assert await store.to_tell({0: epochs[0] + 1}, 3) == []


@pytest.mark.parametrize(
    "point", ["after_poll", "after_step", "before_commit", "after_commit", "after_relay_send", "before_mark"]
)
async def test_a_failure_at_any_point_loses_nothing_and_doubles_nothing(
    kafka: KafkaSettings, postgres: str, point: str
) -> None:
    await prepare(kafka, postgres)
    log = numbered(month(4))
    failpoints.install(f"matcher.{point}=error@2")
    try:
        async with matching(settings_of(kafka, postgres, max_poll_records=7)):
            await append(kafka, log)
            await until_decided(kafka, len(log))
    finally:
        failpoints.install("")
    made = Counter(docking.docking for docking in await dockings(kafka) if docking.revision == 1)
    assert set(made.values()) == {1}
    async with Database.connect(postgres, schema="matcher") as database:
        assert await database.fetchval("SELECT count(*) FROM dockings") == len(made)
        rows = await database.fetch("SELECT first_round, round FROM rounds ORDER BY round")
        assert [first for first, _ in rows] == [1, *(last + 1 for _, last in rows[:-1])]


async def test_of_two_owners_only_the_later_can_store_a_round(postgres: str) -> None:
    await migrate(postgres, package="matcher")
    async with Database.connect(postgres, schema="matcher") as database:
        store = Store(database)
        decided: list[Decisions] = []
        held = []
        for owner in ("zombie", "heir"):
            position = await Positions(database, owner=owner, log_id="log").take(PARTITION)
            state = await store.load(0, position.next_offset)
            held.append(position)
            decided.append(step(state, Read([], 0, 0, START_MS)))
        results = await asyncio.gather(
            *(store.commit(PARTITION, position, each) for position, each in zip(held, decided, strict=True)),
            return_exceptions=True,
        )
        assert isinstance(results[0], Fenced)
        assert not isinstance(results[1], BaseException)
