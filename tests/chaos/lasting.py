"""What every process has to bear while a store is away: it lives, says so, stays small, answers in time.

Looks at processes from outside: their numbers, their memory, their readiness, ingest's answers. Must not know
why a store is away.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiohttp
import psutil

from tenon.client import new_event
from tenon.contracts import intake
from tenon.contracts.cloudevents import STRUCTURED, to_structured
from tests.chaos.judge import Trial
from tests.chaos.line import Line
from tests.chaos.story import SOURCE
from tests.support.waiting import until

ANSWERED_WITHIN_S = 3 + 5
"""Ingest's deadline for an event, and what a busy machine may add."""
_GROWTH_BYTES = 150 << 20
_SAID_WITHIN_S = 45


@asynccontextmanager
async def lasting(line: Line) -> AsyncIterator[None]:
    """No process of a service ends in this block, and none grows by more than it may hold."""
    began = [(replica.process, replica.process.pid) for replica in line.stack.replicas()]
    sizes = {pid: _resident_bytes(pid) for _, pid in began}
    yield
    for process, pid in began:
        assert process.alive, process.failure("ended where it should have waited")
        assert process.pid == pid, process.failure("was started again")
        grown = _resident_bytes(pid) - sizes[pid]
        assert grown < _GROWTH_BYTES, f"{process.name} grew by {grown >> 20} MiB"


async def unready(line: Line, names: Iterable[str]) -> None:
    """Return when each of them says that it can't do its work."""
    for name in names:
        replica = line.replica(name)

        async def says_so() -> bool:
            return not await replica.is_ready()  # noqa: B023 - awaited within its turn

        await until(says_so, f"{name} says that it is not ready", _SAID_WITHIN_S)


async def ready(line: Line, names: Iterable[str], within_s: float = 90) -> None:
    """Return when each of them says that it can do its work again."""
    for name in names:
        await until(line.replica(name).is_ready, f"{name} says that it is ready", within_s)


async def refused(trial: Trial, url: str) -> None:
    """What Kafka can't take is answered by the ingest at `url` in time: 503, with when to come again."""
    assert await answered(trial, url) == 503


async def answered(trial: Trial, url: str) -> int:
    """Return the status that the ingest at `url` answers a statement with: 202 or, to come again, 503.

    Raises AssertionError for another one, or none in time.
    """
    story = trial.load.story
    said = intake.DemandWithdrawn(
        party=story.buyers[0], demand=f"never{time.monotonic_ns()}", revision=1, class_=story.classes[0]
    )
    body = to_structured(new_event("tenon.demand.withdrawn.v1", SOURCE, said))
    headers = {"authorization": f"Bearer {trial.line.stack.admin_key}", "content-type": STRUCTURED}
    began = time.monotonic()
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{url}/v1/events", data=body) as answer,
    ):
        await answer.read()
        took_s = time.monotonic() - began
        assert (answer.status, "retry-after" in answer.headers) in ((202, False), (503, True))
    assert took_s < ANSWERED_WITHIN_S, f"{url} answered after {took_s:.1f} s"
    return answer.status


def _resident_bytes(pid: int) -> int:
    size: int = psutil.Process(pid).memory_info().rss
    return size
