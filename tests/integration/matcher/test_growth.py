"""What the matcher's tables keep, on the real database: rounds for a while, the last of each for good.

Rounds are decided and stored as the handler does; time is moved by the time a row says it was written at.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from matcher.domain.state import State
from matcher.domain.step import Decisions, step
from matcher.store import RoundToTell, Store
from tenon.contracts import topics
from tenon.contracts.values import Shape
from tenon.db import Database
from tenon.lease import Leases
from tenon.metrics import Metrics
from tenon.migrations import migrate
from tenon.periods import Keeper, Kept
from tenon.positions import Position, Positions
from tenon.records import TopicPartition
from tests.support.market import (
    DAY_MS,
    MARKET,
    START_MS,
    demand,
    offer,
    policy,
    progressed,
    read_of,
    window,
)

PARTITION = TopicPartition(topics.MARKET.name, 0)


class Owner:
    """Decides and stores rounds of one partition."""

    def __init__(self, database: Database, state: State, position: Position) -> None:
        self.database = database
        self.store = Store(database)
        self.state = state
        self.position = position

    async def round(self, *data: Shape, at: float = 0) -> Decisions:
        clock_ms = START_MS + int(at * DAY_MS)
        decisions = step(self.state, read_of(data, self.state.next_offset, clock_ms))
        self.position = await self.store.commit(PARTITION, self.position, decisions)
        return decisions

    async def due(self) -> list[RoundToTell]:
        return await self.store.to_tell({0: self.position.epoch}, 100)

    async def tell(self) -> None:
        await self.store.mark_told(await self.due())

    async def rows(self) -> list[tuple[int, int]]:
        """Return first and last round of each row."""
        rows = await self.database.fetch("SELECT first_round, round FROM rounds ORDER BY round")
        return [(row[0], row[1]) for row in rows]


@asynccontextmanager
async def owning(postgres: str) -> AsyncIterator[Owner]:
    await migrate(postgres, package="matcher")
    async with Database.connect(postgres, schema="matcher") as database:
        position = await Positions(database, owner="one", log_id="log").take(PARTITION)
        yield Owner(database, await Store(database).load(0, position.next_offset), position)


async def keep(database: Database, hours: float) -> None:
    keeper = Keeper(
        database,
        Leases(database, owner="one"),
        Metrics(),
        [Kept("rounds", hours)],
        period_s=3600,
        interval_ms=60_000,
    )
    await keeper.keep()


async def test_quiet_rounds_that_were_told_merge_into_one_row(postgres: str) -> None:
    async with owning(postgres) as owner:
        await owner.round(offer("a", 70))
        await owner.tell()
        for day in range(1, 6):
            assert len((await owner.round(at=day)).events) == 1
            await owner.tell()
        assert await owner.rows() == [(1, 1), (2, 6)]
        await owner.round(demand("b", 30), at=6)
        await owner.tell()
        for later in (6.1, 6.2):
            await owner.round(at=later)
            await owner.tell()
        assert await owner.rows() == [(1, 1), (2, 6), (7, 7), (8, 9)]


async def test_a_quiet_round_is_not_merged_before_it_is_told(postgres: str) -> None:
    async with owning(postgres) as owner:
        told: list[int] = []
        for day in range(6):
            await owner.round(at=day)
            if day % 3 == 2:
                due = await owner.due()
                told += [one.round for one in due]
                await owner.store.mark_told(due)
        assert told == [1, 2, 3, 4, 5, 6]
        await owner.round(at=7)
        assert await owner.rows() == [(1, 7)]
        assert [one.round for one in await owner.due()] == [7]


async def test_of_quiet_rounds_only_those_behind_the_last_untold_one_merge(postgres: str) -> None:
    async with owning(postgres) as owner:
        for day in range(3):
            await owner.round(at=day)
        first, _, third = await owner.due()
        await owner.store.mark_told([first, third])
        await owner.round(at=3)
        assert await owner.rows() == [(1, 1), (2, 2), (3, 4)]


async def test_a_partition_whose_rounds_are_all_gone_is_loaded_as_it_was(postgres: str) -> None:
    async with owning(postgres) as owner:
        await owner.round(offer("a", 70))
        await owner.round(at=1)
        await owner.tell()
        await owner.database.execute("UPDATE rounds SET decided_at = now() - interval '3 hours'")
        await keep(owner.database, hours=2)
        assert await owner.rows() == []
        loaded = await owner.store.load(0, owner.position.next_offset)
        assert (loaded.round, loaded.digest, loaded.clock_ms) == (2, owner.state.digest, START_MS + DAY_MS)
        owner.state = loaded
        assert (await owner.round(demand("b", 30), at=2)).decided.counts.docked == 1


@pytest.mark.parametrize("parked", [False, True])
async def test_rounds_that_were_not_told_stay_however_old(postgres: str, parked: bool) -> None:
    async with owning(postgres) as owner:
        await owner.round(offer("a", 70))
        if parked:
            await owner.store.park((await owner.due())[0], "too large")
        await owner.database.execute("UPDATE rounds SET decided_at = now() - interval '30 days'")
        await keep(owner.database, hours=2)
        assert await owner.rows() == [(1, 1)]


async def test_rounds_are_told_and_marked_in_whatever_period_they_are(postgres: str) -> None:
    async with owning(postgres) as owner:
        await owner.round(offer("a", 70))
        await keep(owner.database, hours=2)
        await owner.database.execute("UPDATE rounds SET decided_at = now() + interval '2 hours'")
        await owner.round(demand("b", 30), at=1)
        places = await owner.database.fetch("SELECT DISTINCT tableoid::regclass::text FROM rounds")
        assert len(places) == 2
        assert [one.round for one in await owner.due()] == [1, 2]
        await owner.tell()
        assert await owner.due() == []


async def test_what_is_closed_for_long_leaves_its_id_and_revision_behind(postgres: str) -> None:
    async with owning(postgres) as owner:
        await owner.round(
            policy(keep_closed_s=86_400),
            offer("a", 10, automatic=True, windows=[window(10, 0, 3)]),
            demand("b", 10, automatic=True, windows=[window(10, 0, 3)]),
        )
        (docking,) = [deal.told for deal in owner.state.markets[MARKET].deals.values()]
        await owner.round(progressed(docking, "a", shipped=10, delivered=10), at=1)
        for day in (2, 3, 4):
            await owner.round(at=day)
        tables = ("dockings", "offer_windows", "demand_windows")
        assert [await owner.database.fetchval(f"SELECT count(*) FROM {table}") for table in tables] == [0] * 3
        rows = await owner.database.fetch("SELECT kind, key, revision, listed FROM closed ORDER BY kind")
        assert [tuple(row) for row in rows] == [("demand", "b/d", 1, True), ("offer", "a/o", 1, True)]
        loaded = await owner.store.load(0, owner.position.next_offset)
        assert loaded.markets[MARKET].closed == owner.state.markets[MARKET].closed
        assert loaded.homes == owner.state.homes
        owner.state = loaded
        assert (
            await owner.round(offer("a", 10, revision=1), demand("c", 5), at=4)
        ).decided.counts.docked == 0
