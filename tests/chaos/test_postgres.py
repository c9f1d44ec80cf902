"""PostgreSQL dies, loses sessions, is locked, is full of connections, deadlocks: the line waits and goes on.

What is deterministic: what is done, to whom, and that nothing accepted is missing afterwards. What is not:
which statement was under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from random import Random

import asyncpg
import pytest

from tenon_local.errors import ProcessFailed
from tests.chaos.judge import Under
from tests.chaos.lasting import lasting
from tests.chaos.line import SERVICES, Line
from tests.support.waiting import until

_TERMINATED = 12
_HELD_S = 8
_TABLES: Mapping[str, str] = {
    "ingest": "ingest.parties, ingest.outbox",
    "matcher": "matcher.entities, matcher.rounds",
    "notifier": "notifier.feed, notifier.positions",
}
# What a service locks late, then what it locks first: in the other order, so that both wait for each other.
_CROSSED: Mapping[str, tuple[str, str]] = {
    "matcher": ("matcher.entities", "matcher.positions"),
    "notifier": ("notifier.feed_counters", "notifier.positions"),
}


@pytest.mark.short
async def test_a_killed_postgres_costs_time_and_nothing_that_was_accepted(under: Under, line: Line) -> None:
    postgres = line.stack.postgres
    async with under("kill -9 of PostgreSQL, twice", replay=True) as trial, lasting(line):
        for _ in range(2):
            await trial.flowing()
            await postgres.kill()
            await _unwell(line)
            await postgres.start()
        await trial.flowing()


@pytest.mark.parametrize("service", SERVICES)
async def test_sessions_that_are_ended_at_random_lose_nothing(
    under: Under, line: Line, chance: Random, service: str
) -> None:
    async with under(f"pg_terminate_backend of {_TERMINATED} sessions of {service}") as trial, lasting(line):
        await trial.flowing()
        ended = 0
        while ended < _TERMINATED:
            ended += await _end_one(line, service, chance)
            await asyncio.sleep(chance.uniform(0.05, 0.6))  # the rhythm of the fault
        await trial.flowing()


@pytest.mark.parametrize("service", SERVICES)
async def test_tables_that_are_locked_for_seconds_are_waited_for(
    under: Under, line: Line, service: str
) -> None:
    async with under(f"ACCESS EXCLUSIVE of {_TABLES[service]} for {_HELD_S} s") as trial, lasting(line):
        await trial.flowing()
        await until(lambda: _held(line, _TABLES[service]), "the tables were locked")
        await trial.flowing()


@pytest.mark.parametrize("service", list(_CROSSED))
async def test_deadlocks_are_tried_again(under: Under, line: Line, service: str) -> None:
    async with under(f"deadlocks with {service}") as trial, lasting(line):
        await trial.flowing()
        before = await _deadlocks(line)

        async def met() -> bool:
            await _crossed(line, *_CROSSED[service])
            return await _deadlocks(line) > before

        await until(met, f"a transaction of {service} and one of another locked each other out", 150)
        await trial.flowing()


@pytest.mark.parametrize("service", SERVICES)
async def test_serialisation_errors_lose_nothing(under: Under, line: Line, service: str) -> None:
    async with under(f"every transaction of {service} is serialisable") as trial:
        await trial.flowing()
        try:
            await _isolated(line, service, "SET default_transaction_isolation = 'serializable'")
            await trial.flowing()
        finally:
            await _isolated(line, service, "RESET default_transaction_isolation")
        await trial.flowing()


async def test_a_server_without_free_connections_is_waited_for(under: Under, line: Line) -> None:
    async with under("no free connection for 10 s") as trial, lasting(line):
        await trial.flowing()
        async with _all_connections(line) as take:
            await _unwell(line, take)
        await trial.flowing()


async def _held(line: Line, tables: str) -> bool:
    """Hold tables for a while; False when this was the victim of a deadlock with a service."""
    try:
        await line.stack.postgres.psql(
            f"BEGIN; LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({_HELD_S}); COMMIT"
        )
    except ProcessFailed as error:
        if "deadlock detected" not in str(error):
            raise
        return False
    return True


async def _unwell(line: Line, take: Callable[[], Awaitable[None]] | None = None) -> None:
    """Return when every process says that its database is away; `take` takes from them what they found."""

    async def said() -> bool:
        if take is not None:
            await take()
        return not any([await replica.is_ready() for replica in line.stack.replicas()])

    await until(said, "every process says that its database is away")


async def _end_one(line: Line, service: str, chance: Random) -> int:
    """End one session of a service, whichever; return how many that were."""
    sessions = await line.stack.postgres.psql(
        f"SELECT pid FROM pg_stat_activity WHERE application_name = 'tenon-{service}' ORDER BY pid"
    )
    pids = sessions.split()
    if not pids:
        return 0
    ended = await line.stack.postgres.psql(f"SELECT pg_terminate_backend({chance.choice(pids)})")
    return int(ended == "t")


async def _crossed(line: Line, first: str, then: str) -> None:
    """Lock rows against the order of their service; whom the server ends for it may be either."""
    with suppress(ProcessFailed):
        await line.stack.postgres.psql(
            f"BEGIN; SELECT count(*) FROM (SELECT FROM {first} FOR UPDATE) AS r; SELECT pg_sleep(1.5);"
            f" SELECT count(*) FROM (SELECT FROM {then} FOR UPDATE) AS r; COMMIT"
        )


async def _deadlocks(line: Line) -> int:
    counted = (
        "SELECT pg_stat_force_next_flush(); SELECT deadlocks FROM pg_stat_database WHERE datname = 'tenon'"
    )
    return int((await line.stack.postgres.psql(counted)).split()[-1])


async def _isolated(line: Line, service: str, setting: str) -> None:
    """Change a setting of a service's role, for all its sessions."""
    await line.stack.postgres.psql(
        f"ALTER ROLE {service} IN DATABASE tenon {setting};"
        f" SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{service}'"
    )


@asynccontextmanager
async def _all_connections(line: Line) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Hold connections, and yield what takes all that the server gives, those of the services too."""
    held: list[asyncpg.Connection] = []
    sessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'tenon-%'"

    async def take() -> None:
        await _fill(line, held)
        await line.stack.postgres.psql(sessions)
        await _fill(line, held)

    try:
        yield take
    finally:
        for connection in held:
            connection.terminate()


async def _fill(line: Line, held: list[asyncpg.Connection]) -> None:
    with suppress(asyncpg.TooManyConnectionsError):
        while True:
            held.append(await asyncpg.connect(line.auditor))
