"""Processes frozen until another has taken over, and woken again: what they still hold is fenced off.

What is deterministic: that the other took over before the zombie woke; it is observed in the tables. Where
a relay is meant, it is held between its effect and its mark when it freezes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.chaos.judge import Trial, Under
from tests.chaos.line import Line
from tests.support.waiting import until

_TAKEN_OVER_S = 180


@pytest.mark.short
async def test_a_zombie_matcher_stores_nothing(under: Under, line: Line) -> None:
    async with under("SIGSTOP of matcher-1 past its session, then SIGCONT", replay=True) as trial:
        await trial.flowing()
        await _frozen_until(line, "matcher-1", lambda: _owns_nothing(line, "matcher", "matcher-1"))
        await trial.flowing()


async def test_a_zombie_notifier_writes_nothing_twice(under: Under, line: Line) -> None:
    async with under("SIGSTOP of notifier-1 past its session, then SIGCONT") as trial:
        await trial.flowing()
        await _frozen_until(line, "notifier-1", lambda: _owns_nothing(line, "notifier", "notifier-1"))
        await trial.flowing()


async def test_a_zombie_relay_of_the_outbox_marks_nothing(under: Under, line: Line) -> None:
    async with under("SIGSTOP of ingest-1 between sending and marking, then SIGCONT") as trial:
        await trial.flowing()
        before = _times_fenced(line, "ingest-1")
        await line.replica("ingest-2").stop()
        await line.restart("ingest-1", TENON_FAILPOINTS="ingest.before_mark=pause:8000@2")
        await until(lambda: _unmarked(line, "ingest.outbox", "created_at"), "the relay waits before a mark")
        line.start("ingest-2")
        await _frozen_until(line, "ingest-1", lambda: _holds(line, "ingest", "outbox", "ingest-2"))
        await until(lambda: _fenced(line, "ingest-1", before), "the zombie finds that it is fenced")
        await trial.flowing()


async def test_a_zombie_relay_of_rounds_tells_nothing_new(under: Under, line: Line) -> None:
    async with under("SIGSTOP of matcher-1 between telling rounds and marking them, then SIGCONT") as trial:
        await trial.flowing()
        await line.restart("matcher-1", TENON_FAILPOINTS="matcher.after_relay_send=pause:8000@5")
        await until(lambda: _unmarked(line, "matcher.rounds", "decided_at"), "the relay waits before a mark")
        await _frozen_until(line, "matcher-1", lambda: _owns_nothing(line, "matcher", "matcher-1"))
        await trial.flowing()


async def test_a_zombie_relay_of_webhooks_marks_nothing(under: Under, line: Line) -> None:
    async with under("SIGSTOP of notifier-1 between a delivery and its mark, then SIGCONT") as trial:
        await trial.flowing()
        await line.replica("notifier-2").stop()
        await line.restart("notifier-1", TENON_FAILPOINTS="notifier.before_mark=pause:2000")
        await until(lambda: _calls(line, "notifier-1"), "notifier-1 calls an endpoint")
        line.start("notifier-2")
        await _frozen_until(line, "notifier-1", lambda: _calls(line, "notifier-2"))
        await trial.flowing()


async def test_zombies_of_every_service_at_once_wake_one_after_the_other(under: Under, line: Line) -> None:
    names = ("ingest-1", "matcher-1", "notifier-1")
    async with under(f"SIGSTOP of {', '.join(names)} past their sessions, then SIGCONT") as trial:
        await trial.flowing()
        await asyncio.gather(
            _frozen_until(line, "ingest-1", lambda: _moves(trial)),
            _frozen_until(line, "matcher-1", lambda: _owns_nothing(line, "matcher", "matcher-1")),
            _frozen_until(line, "notifier-1", lambda: _owns_nothing(line, "notifier", "notifier-1")),
        )
        await trial.flowing()


async def _frozen_until(line: Line, name: str, other_has_it: Callable[[], Awaitable[bool]]) -> None:
    line.replica(name).freeze()
    try:
        await until(other_has_it, f"another takes over from {name}", _TAKEN_OVER_S)
    finally:
        line.replica(name).thaw()


async def _owns_nothing(line: Line, service: str, name: str) -> bool:
    owned = await line.stack.postgres.psql(f"SELECT count(*) FROM {service}.positions WHERE owner = '{name}'")
    return owned == "0"


async def _holds(line: Line, service: str, lease: str, name: str) -> bool:
    return (
        await line.stack.postgres.psql(f"SELECT owner FROM {service}.leases WHERE name = '{lease}'") == name
    )


async def _calls(line: Line, name: str) -> bool:
    held = await line.stack.postgres.psql(
        f"SELECT count(*) FROM notifier.leases WHERE name LIKE 'endpoint/%' AND owner = '{name}'"
        " AND expires_at > now()"
    )
    return held != "0"


async def _unmarked(line: Line, table: str, since: str) -> bool:
    """Whether something has waited so long for its mark that its relay must hang."""
    old = await line.stack.postgres.psql(
        f"SELECT count(*) FROM {table} WHERE published_at IS NULL AND {since} < now() - interval '3 s'"
    )
    return old != "0"


async def _moves(trial: Trial) -> bool:
    await trial.flowing(5)
    return True


async def _fenced(line: Line, name: str, before: int) -> bool:
    return _times_fenced(line, name) > before


def _times_fenced(line: Line, name: str) -> int:
    return line.replica(name).process.log_file.read_text().count('"event": "fenced"')
