"""Partitions whose rows are in databases of their own: decided, told, taken over, moved.

What is deterministic: which database holds what, and the digests of rounds that were told.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from matcher.handler import MatcherHandler
from matcher.reasons import Explainer, Question
from matcher.restoring import restore
from matcher.service import bind
from matcher.settings import MatcherSettings
from matcher.shards import Shards, connected, shards_of
from tenon.app import serve
from tenon.clock import WallClock
from tenon.contracts import topics
from tenon.db import Database
from tenon.errors import Fenced, Misconfigured
from tenon.kafka import KafkaSettings
from tenon.metrics import Metrics
from tenon.migrations import migrate
from tenon.records import Record, TopicPartition
from tenon.restoring import Job
from tenon.sharding import Sharding
from tests.support.market import MARKET, demand, offer
from tests.support.matching import (
    append,
    dockings,
    log_record,
    matching,
    prepare,
    rounds,
    settings_of,
    until_decided,
)

Pair = tuple[str, str]
NORTH, SOUTH = (TopicPartition(topics.MARKET.name, number) for number in (0, 1))


def sharded(kafka: KafkaSettings, pair: Pair, shards: str = "1") -> MatcherSettings:
    """Partition 1 is in the second database, partition 0 in the first."""
    return settings_of(kafka, pair[0], database_shards={shards: pair[1]})


async def prepared(kafka: KafkaSettings, pair: Pair) -> None:
    await prepare(kafka, pair[0], partitions=2)
    await migrate(pair[1], package="matcher")


async def said(kafka: KafkaSettings, first: int = 0) -> None:
    """Write an offer and a demand that dock into each partition."""
    for partition in (0, 1):
        listed = (offer("a", name=f"o{first}", automatic=True), demand("b", name=f"d{first}", automatic=True))
        await append(
            kafka, [log_record(each, first + number, partition) for number, each in enumerate(listed)]
        )


async def until_both(kafka: KafkaSettings, end: int) -> None:
    for partition in (0, 1):
        await until_decided(kafka, end, partition)


async def held(url: str) -> list[int]:
    """The partitions that a database has rounds and dockings of."""
    async with Database.connect(url, schema="matcher") as database:
        rows = await database.fetch(
            "SELECT DISTINCT partition FROM rounds JOIN dockings USING (partition) ORDER BY 1"
        )
        assert await database.fetchval("SELECT count(*) FROM rounds WHERE published_at IS NULL") == 0
    return [row["partition"] for row in rows]


async def test_each_partition_is_decided_in_its_own_database_and_told(
    kafka: KafkaSettings, postgres_pair: Pair
) -> None:
    await prepared(kafka, postgres_pair)
    await said(kafka)
    async with matching(sharded(kafka, postgres_pair)):
        await until_both(kafka, 2)
        await said(kafka, 2)
        await until_both(kafka, 4)
    assert len(await dockings(kafka)) == 4
    assert [await held(url) for url in postgres_pair] == [[0], [1]]


async def test_a_restart_goes_on_in_both_databases(kafka: KafkaSettings, postgres_pair: Pair) -> None:
    await prepared(kafka, postgres_pair)
    for partition in (0, 1):
        await append(kafka, [log_record(demand("clinic", 100), 0, partition)])
    async with matching(sharded(kafka, postgres_pair)):
        await until_both(kafka, 1)
    for partition in (0, 1):
        await append(kafka, [log_record(offer("acme", 70), 1, partition)])
    async with matching(sharded(kafka, postgres_pair)):
        await until_both(kafka, 2)
    assert [docking.quantity for docking in await dockings(kafka)] == [70, 70]


async def test_all_reasons_are_asked_of_the_database_that_holds_the_demand(
    kafka: KafkaSettings, postgres_pair: Pair
) -> None:
    await prepared(kafka, postgres_pair)
    await append(kafka, [log_record(demand("clinic"), 0, 1)])
    settings = sharded(kafka, postgres_pair)
    async with matching(settings):
        await until_decided(kafka, 1, 1)
    explainer = Explainer(settings.sharding.url_of, deadline_ms=30_000)
    assert await explainer.ask(Question(1, MARKET, "clinic/d", live=True)) is not None
    assert await explainer.ask(Question(0, MARKET, "clinic/d", live=True)) is None


async def test_a_database_of_a_partition_that_the_log_does_not_have_is_refused(
    kafka: KafkaSettings, postgres_pair: Pair
) -> None:
    await prepared(kafka, postgres_pair)
    with pytest.raises(Misconfigured, match="names partition 2, the log has 0 to 1"):
        await asyncio.wait_for(serve(bind, sharded(kafka, postgres_pair, "1-2"), asyncio.Event()), 30)


async def test_a_partition_is_moved_by_deciding_again_what_was_told(
    kafka: KafkaSettings, postgres_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepared(kafka, postgres_pair)
    await said(kafka)
    async with matching(settings_of(kafka, postgres_pair[0])):
        await until_both(kafka, 2)
    assert [await held(url) for url in postgres_pair] == [[0, 1], []]
    moved = sharded(kafka, postgres_pair)
    with pytest.raises(Misconfigured, match="tenon restore"):
        await asyncio.wait_for(serve(bind, moved, asyncio.Event()), 30)

    monkeypatch.setenv("TENON_DATABASE_SHARDS", f'{{"1": "{postgres_pair[1]}"}}')
    assert await restore(Job(kafka, postgres_pair[0], lambda line: None, check=False)) > 0
    told, docked = await rounds(kafka), await dockings(kafka)
    async with matching(moved):
        await said(kafka, 2)
        await until_both(kafka, 4)
    assert [one for one in await rounds(kafka) if one in told] == told
    assert len(await dockings(kafka)) == 2 * len(docked) == 4
    assert (await held(postgres_pair[1])) == [1]


@asynccontextmanager
async def handling(pair: Pair, owner: str) -> AsyncIterator[tuple[Shards, MatcherHandler]]:
    """A handler that holds both partitions, driven without Kafka."""
    sharding = Sharding.of(pair[0], {"1": pair[1]})
    async with connected(sharding, 2) as databases:
        shards = shards_of(databases, sharding, owner=owner, log_id="log")
        handler = MatcherHandler(
            shards,
            WallClock(),
            Metrics(),
            simulated=False,
            max_skipped_in_a_row=1,
            last_told=_nobody_was_told,
            on_commit=lambda: None,
        )
        for where in (NORTH, SOUTH):
            await handler.open(where)
        yield shards, handler


async def _nobody_was_told(partition: int) -> None:
    return None


def records() -> dict[TopicPartition, list[Record]]:
    found = {}
    for where in (NORTH, SOUTH):
        entries = [log_record(offer("a"), 0), log_record(demand("b"), 1)]
        found[where] = [
            Record(out.topic, where.partition, offset, out.key, out.value, out.headers, 0)
            for offset, out in enumerate(entries)
        ]
    return found


async def test_what_one_database_refuses_leaves_the_other_right(postgres_pair: Pair) -> None:
    for url in postgres_pair:
        await migrate(url, package="matcher")
    async with handling(postgres_pair, "one") as (shards, handler):
        await shards.of(1).positions.take(SOUTH)
        with pytest.raises(Fenced):
            await handler.handle_jointly(records())
        assert await handler.open(NORTH) == 2
        assert await handler.open(SOUTH) == 0
        await handler.handle_jointly({SOUTH: records()[SOUTH]})
        assert handler.epochs().keys() == {0, 1}
        assert (await shards.backlog()).waiting == 2
        told = await shards.to_tell(handler.epochs(), 10)
    assert [(one.partition, one.round) for one in told] == [(0, 1), (1, 1)]
