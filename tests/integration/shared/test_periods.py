"""Tables in periods, on the real database: made ahead, dropped whole, never with work in them.

The outbox stands for all of them. Time is moved by giving rows the time they would have been written at.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from tenon import outbox, periods
from tenon.db import Database
from tenon.errors import Misconfigured
from tenon.lease import Leases
from tenon.metrics import Metrics
from tenon.outbox import OutboxSource, append, backlog
from tenon.periods import AHEAD, Keeper, Kept
from tenon.records import OutRecord
from tenon.relay import Done, Parked
from tests.support.toys import toy_database
from tests.support.waiting import until

HOUR_S = 3_600
DAY_S = 24 * HOUR_S


def keeper_of(database: Database, owner: str = "one", *, hours: float = 1, period_s: int = HOUR_S) -> Keeper:
    leases = Leases(database, owner=owner)
    return Keeper(database, leases, Metrics(), [Kept("outbox", hours)], period_s=period_s, interval_ms=60_000)


async def bounds(database: Database) -> Sequence[tuple[int, int]]:
    """Return the bounds of the outbox's periods, in seconds from now."""
    rows = await database.fetch(
        "SELECT from_s - extract(epoch FROM now())::bigint, until_s - extract(epoch FROM now())::bigint"
        " FROM periods_of('outbox')"
    )
    return [tuple(row) for row in rows]


async def write(
    database: Database, hours_ago: float = 0, *, published: bool = True, parked: bool = False
) -> int:
    return int(
        await database.fetchval(
            "INSERT INTO outbox (topic, created_at, published_at, parked_why) VALUES ('t',"
            " now() - make_interval(secs => $1), CASE WHEN $2 THEN now() END, CASE WHEN $3 THEN 'x' END)"
            " RETURNING id",
            hours_ago * HOUR_S,
            published,
            parked,
        )
    )


async def add_past_periods(database: Database, hours_ago: int) -> None:
    """Make the periods that maintenance would have made when it began so many hours ago."""
    for number in range(hours_ago, 0, -1):
        from_s, until_s = [
            await database.fetchval("SELECT (extract(epoch FROM now())::bigint / 3600 - $1) * 3600", hours)
            for hours in (number, number - 1)
        ]
        await database.execute(
            f"CREATE TABLE outbox_p{from_s}_{until_s} PARTITION OF outbox"
            f" FOR VALUES FROM (to_timestamp({from_s})) TO (to_timestamp({until_s}))"
        )


async def ids(database: Database, table: str = "outbox") -> list[int]:
    return [row[0] for row in await database.fetch(f"SELECT id FROM {table} ORDER BY id")]


async def test_periods_are_made_ahead_without_a_gap(postgres: str) -> None:
    async with toy_database(postgres) as database:
        await keeper_of(database).keep()
        made = await bounds(database)
        assert len(made) == AHEAD + 1
        assert made[0][0] <= 0 < made[0][1]
        assert [until for _, until in made[:-1]] == [start for start, _ in made[1:]]
        await keeper_of(database).keep()
        assert len(await bounds(database)) == len(made)
        await write(database)
        assert await ids(database, "outbox_rest") == []


async def test_a_period_is_dropped_when_all_of_it_is_old(postgres: str) -> None:
    async with toy_database(postgres) as database:
        await add_past_periods(database, 4)
        for hours in (3.5, 2.5, 0):
            await write(database, hours)
        young = await write(database, 1.01)
        await keeper_of(database, hours=2).keep()
        assert min(start for start, _ in await bounds(database)) >= -4 * HOUR_S + 1
        assert young in await ids(database)
        assert len(await ids(database)) < 4


@pytest.mark.parametrize(("published", "parked"), [(False, False), (False, True)])
async def test_a_period_that_holds_what_is_due_or_parked_stays(
    postgres: str, published: bool, parked: bool
) -> None:
    async with toy_database(postgres) as database:
        await add_past_periods(database, 30)
        due = await write(database, 28.5, published=published, parked=parked)
        await keeper_of(database).keep()
        assert await ids(database) == [due]
        await database.execute("UPDATE outbox SET published_at = now(), parked_why = NULL")
        await keeper_of(database).keep()
        assert await ids(database) == []


async def test_what_was_written_while_nobody_kept_periods_is_told_and_then_removed(postgres: str) -> None:
    async with toy_database(postgres) as database:
        old, older, due = [await write(database, hours, published=hours > 4) for hours in (5, 6, 4)]
        fresh = await write(database, published=False)
        assert await ids(database, "outbox_rest") == [old, older, due, fresh]
        await keeper_of(database).keep()
        assert await ids(database) == [due, fresh]
        source = OutboxSource(database, Leases(database, owner="one"))
        claimed = await source.claim(10)
        assert [entry.id for entry in claimed] == [due, fresh]
        await source.settle([(entry, Done()) for entry in claimed])
        await keeper_of(database).keep()
        assert await ids(database) == [fresh]


async def test_a_period_that_comes_late_begins_behind_what_is_there(postgres: str) -> None:
    async with toy_database(postgres) as database:
        stray = await write(database)
        await keeper_of(database, period_s=DAY_S).keep()
        made = await bounds(database)
        assert 0 <= made[0][0] <= 1

        async def reaches_a_period() -> bool:
            await write(database)
            return await ids(database) != await ids(database, "outbox_rest")

        await until(reaches_a_period, "a row is written to a period")
        assert stray in await ids(database, "outbox_rest")


async def test_periods_of_another_length_go_on_where_the_last_ended(postgres: str) -> None:
    async with toy_database(postgres) as database:
        await keeper_of(database, period_s=10).keep()
        await keeper_of(database, period_s=HOUR_S).keep()
        made = await bounds(database)
        assert [until for _, until in made[:-1]] == [start for start, _ in made[1:]]


async def test_two_replicas_keep_periods_at_once(postgres: str) -> None:
    async with toy_database(postgres) as database:
        await add_past_periods(database, 5)
        await write(database, 4.5)
        await asyncio.gather(*(keeper_of(database, f"r{number}").keep() for number in range(4)))
        assert await ids(database) == []
        made = await bounds(database)
        assert len(made) == len(set(made))


async def test_writers_go_on_while_periods_come_and_go(postgres: str) -> None:
    async with toy_database(postgres) as database:
        keeper, stop = keeper_of(database, hours=1 / HOUR_S, period_s=1), asyncio.Event()
        source = OutboxSource(database, Leases(database, owner="one"))
        told: list[int] = []

        async def writing() -> None:
            for number in range(150):
                async with database.transaction() as connection:
                    await append(connection, [OutRecord("t", b"k", b"%d" % number)])
            stop.set()

        async def telling() -> None:
            while not stop.is_set() or (await backlog(database)).waiting:
                claimed = await source.claim(50)
                told.extend(int(entry.record.value or b"") for entry in claimed)
                await source.settle([(entry, Done()) for entry in claimed])

        async def keeping() -> None:
            while not stop.is_set():
                await keeper.keep()

        async with asyncio.timeout(60):
            await asyncio.gather(writing(), telling(), keeping())
        assert told == list(range(150))


async def test_a_table_that_is_busy_is_left_for_the_next_turn(postgres: str) -> None:
    async with toy_database(postgres) as database:
        await add_past_periods(database, 5)
        await write(database, 4.5)
        async with database.transaction() as connection:
            await connection.execute("SELECT count(*) FROM outbox")
            await keeper_of(database).keep()
            assert len(await ids(database)) == 1
        await keeper_of(database).keep()
        assert await ids(database) == []


async def test_parking_and_publishing_reach_rows_of_every_period(postgres: str) -> None:
    async with toy_database(postgres) as database:
        await add_past_periods(database, 3)
        for hours in (2.5, 1.5, 0):
            await write(database, hours, published=False)
        source = OutboxSource(database, Leases(database, owner="one"))
        first, second, third = await source.claim(10)
        await source.settle([(first, Parked("odd")), (second, Done()), (third, Done())])
        found = await backlog(database)
        assert (found.waiting, found.parked) == (0, 1)


async def test_an_outbox_of_the_first_version_moves_over_with_what_it_holds(postgres: str) -> None:
    async with Database.connect(postgres, schema="old") as database:
        for statement in ("CREATE SCHEMA old", *outbox.DDL_V1):
            await database.execute(statement)
        async with database.transaction() as connection:
            await append(connection, [OutRecord("t", b"k", b"1")])
        for statement in (*periods.DDL_V1, *outbox.DDL_V2):
            await database.execute(statement)
        async with database.transaction() as connection:
            await append(connection, [OutRecord("t", b"k", b"2")])
        assert await ids(database) == [1, 2]
        assert (await backlog(database)).waiting == 2


@asynccontextmanager
async def as_service(owner_url: str) -> AsyncIterator[Database]:
    """Connect as a role that may read and write rows of the schema `toy`, and change no table."""
    async with Database.connect(owner_url, schema="toy") as owner:
        await owner.execute("DROP ROLE IF EXISTS toy_service")
        await owner.execute("CREATE ROLE toy_service LOGIN PASSWORD 'toy'")
        name = await owner.fetchval("SELECT current_database()")
        await owner.execute(f"GRANT CONNECT ON DATABASE {name} TO toy_service")
        await owner.execute("GRANT USAGE ON SCHEMA toy TO toy_service")
        await owner.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA toy TO toy_service")
        await owner.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA toy TO toy_service")
        try:
            url = owner_url.replace(owner_url.partition("//")[2].partition("@")[0], "toy_service:toy")
            async with Database.connect(url, schema="toy") as database:
                yield database
        finally:
            await owner.execute("DROP OWNED BY toy_service")
            await owner.execute("DROP ROLE toy_service")


async def test_a_role_that_may_change_no_table_keeps_periods(postgres: str) -> None:
    async with toy_database(postgres) as owner:
        await add_past_periods(owner, 5)
        await write(owner, 4.5)
    async with as_service(postgres) as database:
        with pytest.raises(Misconfigured, match="privilege"):
            await database.execute("DROP TABLE outbox_rest")
        with pytest.raises(Misconfigured, match="a privilege is missing"):
            await database.fetchval("SELECT add_periods('outbox', 'created_at', 3600, 3)")
        await keeper_of(database).keep()
        assert await ids(database) == []
        await write(database)
        assert len(await ids(database)) == 1
