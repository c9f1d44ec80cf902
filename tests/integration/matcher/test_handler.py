"""The handler on the real database, driven without Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from matcher.domain.state import FIRST_DIGEST, State
from matcher.handler import MatcherHandler
from matcher.proof import LastTold
from matcher.shards import Shard, Shards
from matcher.store import RoundToTell, Store
from tenon.backlog import Backlog
from tenon.clock import WallClock
from tenon.contracts import topics
from tenon.contracts.rounds import RoundDecided
from tenon.contracts.values import Shape
from tenon.db import Database
from tenon.errors import Fenced, Misconfigured
from tenon.metrics import Metrics
from tenon.migrations import migrate
from tenon.positions import Positions
from tenon.records import Record, TopicPartition
from tests.support.market import MARKET, World, demand, draw, offer, resource, window
from tests.support.matching import log_record

PARTITION = TopicPartition(topics.MARKET.name, 0)


async def nobody_was_told(partition: int) -> RoundDecided | None:
    return None


def record(data: Shape, offset: int, partition: int = 0) -> Record:
    out = log_record(data, offset)
    return Record(out.topic, partition, offset, out.key, out.value, out.headers, 0)


class Watched(Store):
    """A store that lets a test look at the state it loaded."""

    state: State

    async def load(self, partition: int, next_offset: int, market: str | None = None) -> State:
        self.state = await super().load(partition, next_offset, market)
        return self.state

    @property
    def is_deciding(self) -> bool:
        """True from the first to the last moment of a partition's first round."""
        return self.state.round == 1 and self.state.digest == FIRST_DIGEST


@asynccontextmanager
async def a_database(postgres: str) -> AsyncIterator[Database]:
    await migrate(postgres, package="matcher")
    async with Database.connect(postgres, schema="matcher") as database:
        yield database


def handler_of(
    store: Store,
    positions: Positions,
    last_told: LastTold = nobody_was_told,
    metrics: Metrics | None = None,
) -> MatcherHandler:
    return MatcherHandler(
        Shards([Shard(store, positions)]),
        WallClock(),
        metrics or Metrics(),
        simulated=False,
        max_skipped_in_a_row=1,
        last_told=last_told,
        on_commit=lambda: None,
    )


async def test_an_owner_that_was_overtaken_while_it_loaded_takes_nobodys_database_for_old(
    postgres: str,
) -> None:
    async with a_database(postgres) as database:
        newest = World().round(offer("o", 10)).decided

        async def told_by_another(partition: int) -> RoundDecided:
            await Positions(database, owner="two", log_id="log").take(PARTITION)
            return newest

        async def told_by_a_database_that_is_gone(partition: int) -> RoundDecided:
            return newest

        one = Positions(database, owner="one", log_id="log")
        with pytest.raises(Fenced, match="another owner"):
            await handler_of(Store(database), one, told_by_another).open(PARTITION)
        with pytest.raises(Misconfigured, match="tenon restore"):
            await handler_of(Store(database), one, told_by_a_database_that_is_gone).open(PARTITION)


OTHER = TopicPartition(topics.MARKET.name, 1)


def a_pair_in_each() -> dict[TopicPartition, list[Record]]:
    """An offer and a demand that dock, in each of two partitions."""
    return {
        where: [record(offer("a"), 0, where.partition), record(demand("b"), 1, where.partition)]
        for where in (PARTITION, OTHER)
    }


async def test_rounds_of_several_partitions_are_stored_together(postgres: str) -> None:
    async with a_database(postgres) as database:
        handler = handler_of(Store(database), Positions(database, owner="one", log_id="log"))
        for where in (PARTITION, OTHER):
            await handler.open(where)
        await handler.handle_jointly(a_pair_in_each())
        rounds = await database.fetch("SELECT partition, round, next_offset FROM rounds ORDER BY 1")
        assert [tuple(row) for row in rounds] == [(0, 1, 2), (1, 1, 2)]
        assert await database.fetchval("SELECT count(DISTINCT decided_at) FROM rounds") == 1
        assert await database.fetchval("SELECT count(*) FROM dockings") == 2


async def test_of_several_rounds_none_is_stored_when_one_partition_was_lost(postgres: str) -> None:
    async with a_database(postgres) as database:
        handler = handler_of(Store(database), Positions(database, owner="one", log_id="log"))
        for where in (PARTITION, OTHER):
            await handler.open(where)
        await Positions(database, owner="two", log_id="log").take(OTHER)
        with pytest.raises(Fenced):
            await handler.handle_jointly(a_pair_in_each())
        assert await database.fetchval("SELECT count(*) FROM rounds") == 0
        assert handler.epochs() == {}, "what was decided and not stored is thrown away"
        await handler.open(PARTITION)
        await handler.handle(PARTITION, a_pair_in_each()[PARTITION])
        assert await database.fetchval("SELECT count(*) FROM dockings") == 1


async def test_what_else_the_process_does_goes_on_while_a_round_is_decided(postgres: str) -> None:
    async with a_database(postgres) as database:
        store = Watched(database)
        handler = handler_of(store, Positions(database, owner="one", log_id="log"))
        await handler.open(PARTITION)
        data = [each for n in range(100) for each in (offer(f"o{n}", 10), demand(f"d{n}", 10))]
        records = [record(each, offset) for offset, each in enumerate(data)]
        deciding = asyncio.create_task(handler.handle(PARTITION, records))
        turns = 0
        while not deciding.done():
            turns += store.is_deciding
            await asyncio.sleep(0)
        await deciding
        assert turns > 0


async def test_what_is_open_is_shown_by_tier_and_reason_and_forgotten_with_the_partition(
    postgres: str,
) -> None:
    async with a_database(postgres) as database:
        metrics = Metrics()
        positions = Positions(database, owner="one", log_id="log")
        handler = handler_of(Store(database), positions, metrics=metrics)
        await handler.open(PARTITION)
        said = [offer("acme", 70), demand("clinic", 100, tier=1), demand("school", 10, tier=3)]
        await handler.handle(PARTITION, [record(each, offset) for offset, each in enumerate(said)])
        shown = {
            'tenon_matcher_demands_open{partition="0",tier="1"} 1.0',
            'tenon_matcher_demands_open{partition="0",tier="3"} 1.0',
            'tenon_matcher_demands_open_reasons{partition="0",reason="exhausted"} 2.0',
            'tenon_matcher_offers_open{partition="0"} 0.0',
            "tenon_matcher_solve_seconds_count 1.0",
        }
        assert shown <= set(metrics.render().decode().splitlines())
        await handler.close(PARTITION)
        assert 'partition="0"' not in metrics.render().decode()


async def test_rounds_that_are_not_told_are_counted_until_they_are_or_are_set_aside(postgres: str) -> None:
    async with a_database(postgres) as database:
        store = Store(database)
        handler = handler_of(store, Positions(database, owner="one", log_id="log"))
        await handler.open(PARTITION)
        for offset, name in enumerate(("acme", "mill")):
            await handler.handle(PARTITION, [record(offer(name), offset)])
        found = await store.backlog()
        assert (found.waiting, found.oldest_seconds > 0, found.parked) == (2, True, 0)
        await store.mark_told([RoundToTell(0, 1, [])])
        await store.park(RoundToTell(0, 2, []), "too large")
        assert await store.backlog() == Backlog(0, 0, 1)


async def test_what_is_drawn_on_a_resource_is_stored_checked_and_loaded_again(postgres: str) -> None:
    async with a_database(postgres) as database:
        store = Store(database)
        handler = handler_of(store, Positions(database, owner="one", log_id="log"))
        await handler.open(PARTITION)
        said = (resource("a", window(100)), offer("a", 30, resource=draw("2.5")), demand("b", 30))
        await handler.handle(PARTITION, [record(data, at) for at, data in enumerate(said)])
        kept = "SELECT consumed, free FROM resource_windows WHERE \"window\" = 'w'"
        assert [tuple(map(int, row)) for row in await database.fetch(kept)] == [(75_000_000, 25_000_000)]
        market = (await store.load(0, 3)).markets[MARKET]
        assert [window.consumed for window in market.resources["a/line"].windows] == [75_000_000, 0]
        await handler.handle(PARTITION, [record(resource("a", window(90, name="v"), revision=2), 3)])
        assert await database.fetchval("SELECT count(*) FROM resource_windows") == 2
        with pytest.raises(Exception, match="resource_windows_add_up"):
            await database.execute("UPDATE resource_windows SET consumed = consumed + 1")
