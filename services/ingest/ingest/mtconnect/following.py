"""Follows agents: work for a relay, under a lease. What was seen and what is told of it are one transaction.

An agent that hangs holds up no other: agents are asked by tasks of their own, only so many at a time and of
one party. `claim` begins them and returns those that have come back; `settle` stores what they brought. What
died before that is asked for again from the sequence number that is stored, so nothing is counted twice.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Literal, TypeVar

from ingest import metrics
from ingest.domain.faults import Refused
from ingest.domain.route import Router
from ingest.formats.mtconnect.capacity import differs, offered
from ingest.formats.mtconnect.machines import Machine, hours_of
from ingest.formats.mtconnect.observations import AgentError, Document, Unreadable
from ingest.formats.mtconnect.running import Hours, Running, fold, is_lost
from ingest.formats.mtconnect.streams import read
from ingest.mtconnect import store, telling
from ingest.mtconnect.agents import Agents, NoAnswer
from ingest.mtconnect.store import Registered, Stored
from tenon import log
from tenon.contracts.codec import decode_tolerant
from tenon.contracts.values import Window
from tenon.db import Connection, Database
from tenon.failpoints import failpoint
from tenon.lease import Holding, Leases
from tenon.metrics import Metrics
from tenon.relay import Done, Outcome

LEASE = "mtconnect"
AT_A_TIME = 64
_OF_A_PARTY = 4
_LONGEST_WAIT_S = 300
_NEXT_PAGE = timedelta(milliseconds=200)
_logger = log.get("mtconnect")
Key = tuple[str, str]
R = TypeVar("R")
How = Literal["current", "sample", "failed"]


@dataclass(frozen=True, slots=True)
class Asked:
    """An agent that was asked: what is new of its machine, and the windows that are to be told."""

    machine: Registered
    new: Stored
    windows: Sequence[Window]
    how: How
    seen: int = 0


class Following:
    """The machines whose agents are due. `woken` is called when one has answered, `changed` after telling."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        agents: Agents,
        router: Router,
        measured: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._holding = Holding(leases, LEASE)
        self._agents = agents
        self._router = router
        self._metrics = measured
        self._now = now
        self._under_way: dict[Key, asyncio.Task[Asked]] = {}
        self.woken: Callable[[], None] = lambda: None
        self.changed: Callable[[], None] = lambda: None
        for how in ("current", "sample", "failed"):
            measured.add(metrics.MTCONNECT_ASKED, 0, outcome=how)
        for counter in (metrics.MTCONNECT_SEEN, metrics.MTCONNECT_LOST, metrics.MTCONNECT_TOLD):
            measured.add(counter, 0)

    async def claim(self, limit: int) -> Sequence[Asked]:
        """Ask the agents that are due, and return those that have answered; nothing without the lease."""
        if await self._holding.hold() is None:
            await self._end()
            return []
        async with self._database.acquire() as connection:
            due = await store.due(connection, _OF_A_PARTY, limit)
        for machine in due:
            key = machine.party, machine.machine
            if key not in self._under_way and len(self._under_way) < limit:
                task = self._under_way[key] = asyncio.create_task(self._ask(machine))
                task.add_done_callback(lambda _: self.woken())
        back = [key for key, task in self._under_way.items() if task.done()]
        return [self._under_way.pop(key).result() for key in back]

    async def effect(self, asked: Sequence[Asked]) -> Sequence[Outcome]:
        """Say that all of them have been asked."""
        return [Done() for _ in asked]

    async def settle(self, outcomes: Sequence[tuple[Asked, Outcome]]) -> None:
        """Store what is new of each machine, and tell what has changed enough."""
        told = 0
        async with self._database.transaction() as connection:
            await self._holding.check(connection)
            for asked, _ in outcomes:
                told += await self._store(connection, asked)
            await failpoint("mtconnect.before_commit")
        await failpoint("mtconnect.after_commit")
        self._count([asked for asked, _ in outcomes], told)
        if told:
            self.changed()

    async def release(self) -> None:
        """Ask nobody any more, and let another replica go on at once; for a graceful stop."""
        await self._end()
        await self._holding.release()

    async def _end(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        self._under_way.clear()

    async def _store(self, connection: Connection, asked: Asked) -> bool:
        """Store one machine, unless its party has changed it meanwhile; return whether it told."""
        held = await store.held(connection, asked.machine.party, asked.machine.machine)
        if held is None or held.version != asked.machine.version:
            return False
        new, tells = asked.new, bool(asked.windows)
        if tells:
            try:
                await telling.publish(connection, self._router, held, asked.windows, self._now())
            except Refused as refused:
                tells, new = False, _failed(held, new.running, refused.refusal.detail)
        await store.save(connection, held, new)
        return tells

    async def _ask(self, machine: Registered) -> Asked:
        """Ask the agent of a machine; whatever it answers, something is known of the machine after."""
        said, running = machine.said, machine.running
        try:
            how, document = await self._documents(said, running)
        except (NoAnswer, Unreadable, AgentError) as error:
            words = error.words if isinstance(error, AgentError) else str(error)
            return await self._beside(partial(_unanswered, machine, words, self._now()))
        return await self._beside(partial(_answered, machine, document, how, self._now()))

    async def _documents(self, said: Machine, running: Running | None) -> tuple[How, Document]:
        """Return what has happened since; all that is so where that is not known, or not to be had."""
        if running is not None:
            try:
                sample = await self._read(await self._agents.sample(said, running.next), said)
                if not is_lost(running, sample):
                    return "sample", sample
            except AgentError as error:
                if not error.lost:
                    raise
        return "current", await self._read(await self._agents.current(said), said)

    async def _read(self, body: bytes, said: Machine) -> Document:
        return await self._beside(partial(read, body, said.device))

    async def _beside(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._agents.reader, work)

    def _count(self, asked: Sequence[Asked], told: int) -> None:
        self._metrics.add(metrics.MTCONNECT_TOLD, told)
        for each in asked:
            self._metrics.add(metrics.MTCONNECT_ASKED, outcome=each.how)
            self._metrics.add(metrics.MTCONNECT_SEEN, each.seen)
            if each.how == "current" and each.machine.running is not None:
                self._metrics.add(metrics.MTCONNECT_LOST)
            if each.how == "failed" and not each.machine.failures:
                _logger.info(
                    "agent failed",
                    party=each.machine.party,
                    machine=each.machine.machine,
                    problem=each.new.problem,
                )


def _answered(machine: Registered, document: Document, how: How, now: datetime) -> Asked:
    said, hours = machine.said, _hours(machine.data)
    running = fold(machine.running, document, hours, now, whole=how == "current")
    more = document.header.next <= document.header.last
    wait = _NEXT_PAGE if more else timedelta(seconds=said.poll_s)
    new = Stored(running, None, 0, wait)
    return Asked(machine, new, _to_tell(machine, running, now), how, document.seen)


def _unanswered(machine: Registered, problem: str, now: datetime) -> Asked:
    """Return what is so of a machine whose agent says nothing: time goes on all the same."""
    new = _failed(machine, machine.running, problem)
    windows = [] if machine.running is None else _to_tell(machine, machine.running, now)
    return Asked(machine, new, windows, "failed")


def _failed(machine: Registered, running: Running | None, problem: str) -> Stored:
    failures = machine.failures + 1
    wait = min(machine.said.poll_s * 2 ** min(failures, 10), max(_LONGEST_WAIT_S, machine.said.poll_s))
    return Stored(running, problem[:500], min(failures, 1_000_000), timedelta(seconds=wait))


def _to_tell(machine: Registered, running: Running, now: datetime) -> Sequence[Window]:
    said, hours = machine.said, _hours(machine.data)
    windows = offered(said, hours, running, machine.windows, now)
    return windows if windows and differs(said, hours, machine.windows, windows) else []


@lru_cache(maxsize=64)
def _hours(data: str) -> Sequence[Hours]:
    return hours_of(decode_tolerant(Machine, data.encode()))
