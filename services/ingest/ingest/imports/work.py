"""Imports as work for a relay: the next chunk of the job whose turn it is, sent as any other events are.

One replica works at a time, under a lease that is checked where progress is stored: the rows of a chunk, the
new position and the state are one transaction. What died before it is done again, under the same ids. Files
are read in a thread of their own, one at a time, and stay open from chunk to chunk.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar, get_args

from ingest import metrics
from ingest.formats.tables.faults import Unreadable
from ingest.handler import Handler
from ingest.imports import store
from ingest.imports.job import Chunk, Found, Job, Opened, Outcome, Reason, State
from ingest.keys import Keys
from tenon import log
from tenon.db import Database
from tenon.failpoints import failpoint
from tenon.lease import Holding, Leases
from tenon.metrics import Metrics
from tenon.rate import Rate
from tenon.relay import Done, Later
from tenon.relay import Outcome as RelayOutcome

LEASE = "imports"
LEASE_MS = 60_000
"""Longer than the largest file takes to be read."""
_MOST_OPENINGS = 5
_REVOKED = Reason("the key that began it was revoked", "the file imported with a key that is in force")
_DEADLY = Reason(
    f"the process ended {_MOST_OPENINGS} times while it read this file",
    "the file as CSV, or in parts; and an operator's look at the log",
)
_logger = log.get("imports")
R = TypeVar("R")


@dataclass(slots=True)
class Work:
    """A step of a job, and what came of it: a chunk that was sent, or why the job ends."""

    job: Job
    chunk: Chunk | None = None
    found: Found | None = None
    reason: Reason | None = None


class Imports:
    """The open imports: a source of work, and its effect. One per process."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        handler: Handler,
        keys: Keys,
        rate: Rate,
        reader: Executor,
        measured: Metrics,
    ) -> None:
        self._database = database
        self._holding = Holding(leases, LEASE)
        self._handler = handler
        self._keys = keys
        self._rate = rate
        self._reader = reader
        self._metrics = measured
        self._opened: Opened | None = None
        for state in ("done", "failed", "cancelled"):
            measured.add(metrics.IMPORTS, 0, outcome=state)
        for outcome in (*get_args(Outcome), "tried"):
            measured.add(metrics.IMPORT_ROWS, 0, outcome=outcome)

    async def claim(self, limit: int) -> Sequence[Work]:
        """Return the job whose turn it is, under the lease; nothing while another replica holds it."""
        if await self._holding.hold() is None:
            return []
        async with self._database.transaction() as connection:
            await self._holding.check(connection)
            job = await store.next_due(connection)
            if job is not None and not self._is_open(job):
                await store.opening(connection, job)
        if job is None:
            self._opened = None
        return [] if job is None else [Work(job)]

    async def effect(self, works: Sequence[Work]) -> Sequence[RelayOutcome]:
        """Take one step of each job."""
        return [await self._step(work) for work in works]

    async def settle(self, outcomes: Sequence[tuple[Work, RelayOutcome]]) -> None:
        """Store what became of each step that was taken."""
        steps = [work for work, outcome in outcomes if isinstance(outcome, Done)]
        async with self._database.transaction() as connection:
            await self._holding.check(connection)
            ended: list[tuple[State, Work]] = []
            for work in steps:
                if work.chunk is not None and work.found is not None:
                    if await store.advance(connection, work.job, work.chunk, work.found):
                        ended.append(("done", work))
                elif work.reason is not None and await store.fail(connection, work.job, work.reason):
                    ended.append(("failed", work))
            await failpoint("imports.before_commit")
        self._count(steps, [state for state, _ in ended])
        for state, work in ended:
            _logger.info("import ended", job=str(work.job.id), key=work.job.key, state=state)

    async def release(self) -> None:
        """Let another replica go on at once; for a graceful stop."""
        await self._holding.release()

    async def _step(self, work: Work) -> RelayOutcome:
        job = work.job
        if not await self._keys.in_force(job.key):
            work.reason = _REVOKED
            return Done()
        if job.openings >= _MOST_OPENINGS:
            work.reason = _DEADLY
            return Done()
        try:
            opened = await self._open(job)
        except Unreadable as error:
            work.reason = Reason(error.reason, error.expected, error.row)
            return Done()
        if opened is None:
            return Later("it was cancelled meanwhile")
        chunk = await self._in_thread(lambda: opened.chunk(job.position))
        return await self._send(work, opened, chunk)

    async def _send(self, work: Work, opened: Opened, chunk: Chunk) -> RelayOutcome:
        items, job = chunk.items(), work.job
        if self._rate.wait_s(job.key, len(items), asyncio.get_running_loop().time()):
            return Later("its key sends faster than it may")
        await (self._handler.check if job.asked.dry_run else self._handler.take)(items, job.sender)
        late = next((item.refusal for item in items if item.refusal and item.refusal.status == 503), None)
        if late is not None:
            return Later(late.detail)
        chunk.rows = [row for part in chunk.parts for row in part.outcomes()]
        work.chunk, work.found = chunk, opened.found
        return Done()

    def _is_open(self, job: Job) -> bool:
        return self._opened is not None and self._opened.job.id == job.id

    async def _open(self, job: Job) -> Opened | None:
        """Return the job with its rows; None when it was cancelled before its file could be read."""
        if self._opened is None or not self._is_open(job):
            self._opened = None  # one at a time: the rows of the one before take memory
            body = await store.body_of(self._database, job.id)
            self._opened = None if body is None else await self._in_thread(lambda: Opened(job, body))
        return self._opened

    async def _in_thread(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._reader, work)

    def _count(self, steps: Sequence[Work], ended: Sequence[State]) -> None:
        for state in ended:
            self._metrics.add(metrics.IMPORTS, outcome=state)
        for work in steps:
            for row in work.chunk.rows if work.chunk is not None else ():
                outcome = "tried" if work.job.asked.dry_run else row.outcome
                self._metrics.add(metrics.IMPORT_ROWS, outcome=outcome)
