"""What the notifier's tables keep, on the real database. Time is moved by the times of rows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

from notifier.domain.plan import Entry
from notifier.retention import Retention, keeper_of
from notifier.settings import NotifierSettings
from notifier.store import write_feed
from tenon.db import Connection, Database
from tenon.lease import Leases
from tenon.metrics import Metrics
from tenon.migrations import migrate

PERIODIC = ("outbox", "feed", "seen_events", "rejections", "attempts", "steps")
SETTINGS = NotifierSettings.model_validate(
    {"feed_retention_h": 2, "attempts_retention_h": 2, "history_retention_h": 2, "period_s": 3_600}
)


@asynccontextmanager
async def notifier_database(postgres: str) -> AsyncIterator[Database]:
    await migrate(postgres, package="notifier")
    async with Database.connect(postgres, schema="notifier") as database:
        yield database


async def keep(database: Database) -> None:
    leases = Leases(database, owner="one")
    await keeper_of(SETTINGS, database, leases, Metrics()).keep()
    await Retention.of(SETTINGS, database, leases, Metrics()).remove_old()


def entry(number: int, audience: str = "mill") -> Entry:
    return Entry(audience, f"e{number}", "tenon.docking.proposed.v1", "d", "2026-01-01T00:00:00Z", b"{}")


async def numbers(database: Connection | Database) -> list[int]:
    return [row[0] for row in await database.fetch("SELECT number FROM feed ORDER BY number")]


async def test_every_table_that_grows_gets_its_periods(postgres: str) -> None:
    async with notifier_database(postgres) as database:
        await keep(database)
        for table in PERIODIC:
            assert await database.fetchval("SELECT count(*) FROM periods_of($1)", table) >= 3


async def test_a_feed_is_kept_where_an_active_endpoint_has_not_been_yet(postgres: str) -> None:
    async with notifier_database(postgres) as database:
        await database.execute(
            "INSERT INTO endpoints (id, audience, url, types, description, secret, status, cursor)"
            " VALUES ('e', 'mill', 'http://127.0.0.1:9/', '{}', '', 's', 'active', 1)"
        )
        async with database.transaction() as connection:
            await write_feed(connection, [entry(1), entry(2), entry(3)])
        await database.execute("UPDATE feed SET written_at = now() - interval '9 hours'")
        await keep(database)
        assert await numbers(database) == [2, 3]
        await database.execute("UPDATE endpoints SET cursor = 3")
        await keep(database)
        assert await numbers(database) == []


async def test_times_rise_with_the_numbers_of_a_feed_whoever_began_first(postgres: str) -> None:
    async with notifier_database(postgres) as database:
        async with database.transaction() as early:
            await early.fetchval("SELECT now()")
            async with database.transaction() as late:
                await write_feed(late, [entry(1)])
            await write_feed(early, [entry(2)])
        times = [row[0] for row in await database.fetch("SELECT written_at FROM feed ORDER BY number")]
        assert times == sorted(times)


async def test_a_docking_goes_when_its_end_was_seen_long_ago_whatever_its_market_says_the_time_is(
    postgres: str,
) -> None:
    async with notifier_database(postgres) as database:
        await database.execute(
            """
            INSERT INTO dockings
            SELECT name, status, 'own', 'mask', 'mill', 'o', 'clinic', 'd', '2020-04-01', '2020-04-02', ''
            FROM (VALUES ('old', 'delivered'), ('live', 'confirmed'), ('new', 'lapsed')) AS r (name, status)
            """
        )
        await database.execute(
            "INSERT INTO sequences (topic, key, sequence, seen_at)"
            " SELECT 'tenon.dockings.v1', name, '1', now() - hours * interval '1 hour'"
            " FROM (VALUES ('old', 9), ('live', 9), ('new', 1)) AS r (name, hours)"
        )
        await keep(database)
        left = [row[0] for row in await database.fetch("SELECT docking FROM dockings ORDER BY 1")]
        assert left == ["live", "new"]


async def test_the_sequence_of_a_docking_that_is_gone_is_kept_while_echoes_may_come(postgres: str) -> None:
    async with notifier_database(postgres) as database:
        await database.execute(
            "INSERT INTO sequences (topic, key, sequence, seen_at)"
            " SELECT 'tenon.dockings.v1', name, '1', now() - hours * interval '1 hour'"
            " FROM (VALUES ('gone', 1), ('longer', 9)) AS r (name, hours)"
        )
        await keep(database)
        assert [row[0] for row in await database.fetch("SELECT key FROM sequences")] == ["gone"]


async def test_sequences_of_positions_go_with_what_is_forgotten_only(postgres: str) -> None:
    async with notifier_database(postgres) as database:
        await database.execute(
            "INSERT INTO offers VALUES ('mill', 'o', 'open', 'own', 'mask', 1, 1, now(), '')"
        )
        await database.execute(
            "INSERT INTO sequences (topic, key, sequence, seen_at)"
            " SELECT topic, key, '1', now() - interval '9 hours' FROM (VALUES"
            " ('tenon.positions.v1', 'mill/offer/o/own:mask'),"
            " ('tenon.positions.v1', 'mill/offer/gone/own:mask'),"
            " ('tenon.positions.v1', 'mill/demand/o/own:mask'),"
            " ('tenon.parties.v1', 'mill')) AS r (topic, key)"
        )
        await keep(database)
        known = [row[0] for row in await database.fetch("SELECT key FROM sequences ORDER BY 1")]
        assert known == ["mill", "mill/offer/o/own:mask"]


async def test_what_the_first_version_held_moves_over(postgres: str) -> None:
    versions = [
        import_module(f"notifier.migrations.versions.{name}") for name in ("v0001_first", "v0002_periods")
    ]
    first, second = (
        getattr(each, name) for each, name in zip(versions, ("STATEMENTS", "_STATEMENTS"), strict=True)
    )
    async with Database.connect(postgres, schema="notifier") as database:
        for statement in ("CREATE SCHEMA notifier", *first):
            await database.execute(statement)
        await database.execute(
            "INSERT INTO rejections (event_id, party, type, data) VALUES ('e1', 'mill', 't', '')"
        )
        await database.execute("INSERT INTO steps VALUES ('d', 1, '')")
        await database.execute(
            "INSERT INTO feed (audience, number, event_id, type, subject, body)"
            " VALUES ('mill', 1, 'e', 't', '', '')"
        )
        for statement in second:
            await database.execute(statement)
        await database.execute(
            "INSERT INTO rejections (event_id, party, type, data) VALUES ('e2', 'mill', 't', '')"
        )
        rows = await database.fetch("SELECT id, event_id FROM rejections ORDER BY id")
        assert [tuple(row) for row in rows] == [(1, "e1"), (2, "e2")]
        assert await numbers(database) == [1]
        assert await database.fetchval("SELECT count(*) FROM steps") == 1
