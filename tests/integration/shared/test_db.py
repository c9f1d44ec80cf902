"""What the database's errors become."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from tenon.db import Database, driver_connection
from tenon.errors import Duplicate, Fenced, Misconfigured, Transient
from tests.support.proxy import proxies
from tests.support.stack import PostgresServer
from tests.support.toys import SCHEMA, toy_database
from tests.support.waiting import until


async def test_a_second_row_of_the_same_key_is_a_duplicate(postgres: str) -> None:
    async with toy_database(postgres) as database:
        await database.execute("INSERT INTO effects (id, value) VALUES (1, 1)")
        with pytest.raises(Duplicate) as caught:
            await database.execute("INSERT INTO effects (id, value) VALUES (1, 2)")
        assert caught.value.constraint == "effects_pkey"
        with pytest.raises(Duplicate):
            async with database.begin() as connection:
                await connection.execute(text("INSERT INTO effects (id, value) VALUES (1, 3)"))


async def test_both_ways_to_the_database_share_a_transaction(postgres: str) -> None:
    async with toy_database(postgres) as database:
        with pytest.raises(Fenced):
            await _write_both_ways_under_a_lost_lease(database)
        assert await database.fetchval("SELECT count(*) FROM effects") == 0


async def test_a_broken_rule_of_the_schema_passes_as_the_bug_it_is(postgres: str) -> None:
    async with toy_database(postgres) as database:
        with pytest.raises(Exception, match="null value") as caught:
            await database.execute("INSERT INTO effects (value) VALUES (NULL)")
    assert not isinstance(caught.value, Transient | Fenced | Misconfigured)


async def test_a_server_that_is_not_there_is_transient() -> None:
    with pytest.raises(Transient, match="can't be reached"):
        async with Database.connect("postgresql://nobody:x@127.0.0.1:1/none", schema=SCHEMA, deadline_ms=0):
            pass


async def test_a_wrong_password_says_what_to_set(postgres: str) -> None:
    user, _, rest = postgres.removeprefix("postgresql://").partition("@")
    wrong = f"postgresql://{user.partition(':')[0]}:wrong@{rest}"
    with pytest.raises(Misconfigured, match="TENON_DATABASE_URL"):
        async with Database.connect(wrong, schema=SCHEMA):
            pass


async def test_connections_that_were_cut_are_transient_and_then_made_anew(
    postgres: str, postgres_server: PostgresServer
) -> None:
    async with toy_database(postgres) as database:
        sleeping = asyncio.create_task(database.execute("SELECT pg_sleep(5)"))
        queried = asyncio.create_task(_slow_query(database))
        await asyncio.sleep(0.3)
        name = postgres.rpartition("/")[2]
        script = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        await postgres_server.server.psql(script, "postgres")
        for task in (sleeping, queried):
            with pytest.raises(Transient):
                await task
        assert await database.fetchval("SELECT 1") == 1
        async with database.begin() as connection:
            assert (await connection.execute(text("SELECT 1"))).scalar() == 1
        assert await database.problem() is None


async def test_what_a_frozen_process_has_locked_is_free_after_a_while(postgres: str) -> None:
    async with toy_database(postgres) as database:
        await database.execute("INSERT INTO effects (id, value) VALUES (1, 1)")
        async with Database.connect(postgres, schema=SCHEMA, statement_deadline_ms=1_000) as frozen:
            with pytest.raises(Transient):
                await _silent_while_another_writes(frozen, database)
            assert await database.fetchval("SELECT value FROM effects") == 3
            assert await frozen.problem() is None


Cut = Callable[[], None]


async def _alone(database: Database, cut: Cut) -> None:
    cut()
    await database.execute("SELECT 1")


async def _in_a_transaction(database: Database, cut: Cut) -> None:
    async with database.transaction() as connection:
        cut()
        await connection.execute("SELECT 1")


async def _in_a_query(database: Database, cut: Cut) -> None:
    async with database.begin() as connection:
        await connection.execute(text("SELECT 1"))
        cut()
        await connection.execute(text("SELECT 1"))


@pytest.mark.parametrize("ask", [_alone, _in_a_transaction, _in_a_query])
async def test_a_statement_that_the_network_swallowed_is_transient_at_its_deadline(
    postgres: str, ask: Callable[[Database, Cut], Awaitable[None]]
) -> None:
    url = make_url(postgres)
    with proxies(1) as (proxy,):
        proxy.target = url.port or 0
        through = url.set(port=proxy.port).render_as_string(hide_password=False)
        async with Database.connect(through, schema=SCHEMA, statement_deadline_ms=500) as database:
            with pytest.raises(Transient):
                await asyncio.wait_for(ask(database, partial(proxy.be, "hole")), 30)
            proxy.be("pass")
            await until(partial(_is_well, database), "the database can be used again", 20)


async def _is_well(database: Database) -> bool:
    return await database.problem() is None


async def _silent_while_another_writes(frozen: Database, other: Database) -> None:
    async with frozen.transaction() as connection:
        await connection.execute("UPDATE effects SET value = 2")
        await asyncio.wait_for(other.execute("UPDATE effects SET value = 3"), 20)
        await connection.execute("SELECT 1")


async def _slow_query(database: Database) -> None:
    async with database.begin() as connection:
        await connection.execute(text("SELECT pg_sleep(5)"))


async def _write_both_ways_under_a_lost_lease(database: Database) -> None:
    async with database.begin() as connection:
        await connection.execute(text("INSERT INTO effects (value) VALUES (1)"))
        driver = await driver_connection(connection)
        await driver.execute("INSERT INTO effects (value) VALUES ($1)", 2)
        await driver.execute("SELECT check_lease('none', 'nobody', 1)")


async def test_the_statements_of_a_service_start_no_workers(postgres: str) -> None:
    """A tool without a deadline may have them."""
    for deadline_ms, workers in ((30_000, False), (None, True)):
        async with (
            Database.connect(postgres, schema=SCHEMA, statement_deadline_ms=deadline_ms) as database,
            database.acquire() as connection,
        ):
            await connection.execute("SET debug_parallel_query = on")
            plan = await connection.fetch("EXPLAIN SELECT count(*) FROM pg_class")
            assert any("Gather" in row[0] for row in plan) is workers
