"""What more processes of a service bring: one, two, four of each, every one with the same share of a core.

Kafka, PostgreSQL, load and what is not measured have the rest of the machine. Matchers and notifiers work off
what is there when they start; what they do until they have shared it out does not count.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext

import asyncpg

from notifier.handler import CONSUMED
from tenon.contracts import topics
from tenon.kafka import OutRecord
from tenon_local.service import ServiceProcess
from tenon_local.stack import Stack
from tests.bench.course import Course
from tests.bench.decisions import until_decided
from tests.bench.failing import BenchFailed
from tests.bench.helpers import watched
from tests.bench.listings import Listings
from tests.bench.matching import now
from tests.bench.measures import Figures
from tests.bench.quota import quotas
from tests.bench.rig import Show, carried_out, loading
from tests.bench.stacks import (
    SEED,
    ends,
    introduce,
    stack_of_stores,
    until_handled,
    write,
    writing,
)
from tests.support.waiting import until

NUMBERS = (1, 2, 4)
SHARE = 0.2
"""Of one core for each process: four of them leave more than half of two cores to all else."""
_SERVICES = ("ingest", "matcher", "notifier")
_HANDLED = "SELECT coalesce(sum(next_offset), 0)::bigint FROM {}.positions"
_OWNED = "SELECT count(DISTINCT owner) = $1 FROM {}.positions"
_APART = 1_000_000
_LEAST = 2_000
"""Fewer records are over too soon to say anything."""
_DEADLINE_S = 900


async def run(course: Course, show: Show) -> Figures:
    """Return the figures as `scale.SERVICE.NUMBER.per_s`: events accepted, records handled."""
    figures: Figures = {}
    async with stack_of_stores(dict.fromkeys(_SERVICES, max(NUMBERS))) as stack:
        listings = Listings(SEED, now())
        for number in NUMBERS:
            show(f"{number} of ingest")
            figures[f"scale.ingest.{number}.per_s"] = await _accepted_per_s(stack, number, course)
        await _decided(stack)
        for number in NUMBERS:
            show(f"{number} of matcher")
            await _written(stack, listings.mixed(course.records))
            figures[f"scale.matcher.{number}.per_s"] = await _handled_per_s(
                stack, "matcher", number, [topics.MARKET.name]
            )
        await _told(stack)
        for number in NUMBERS:
            show(f"{number} of notifier")
            await _written(stack, listings.mixed(course.records))
            await _decided(stack)
            figures[f"scale.notifier.{number}.per_s"] = await _handled_per_s(
                stack, "notifier", number, CONSUMED
            )
    return figures


async def _accepted_per_s(stack: Stack, number: int, course: Course) -> float:
    """Return how many events a second ingest accepts, from as many load generators as processes."""
    processes = stack.services["ingest"][:number]
    async with _running(processes, SHARE), AsyncExitStack() as loads:
        await introduce(stack)
        senders = [await loads.enter_async_context(loading(each.url, stack.admin_key)) for each in processes]
        sent = await asyncio.gather(
            *(carried_out(sender, course.batches(first * _APART)) for first, sender in enumerate(senders))
        )
    seconds = max(each.answered for each in sent) - min(each.began for each in sent)
    return sum(each.accepted for each in sent) / seconds


async def _handled_per_s(stack: Stack, service: str, number: int, names: Sequence[str]) -> float:
    """Return how many records of topics a service handles a second, once its processes share them."""
    wanted = await ends(stack, names)
    async with _running(stack.services[service][:number], SHARE), _asking(stack) as asked:
        await until(lambda: asked.fetchval(_OWNED.format(service), number), f"shared out among {number}")
        began, before = time.monotonic(), await asked.fetchval(_HANDLED.format(service))

        async def all_handled() -> bool:
            return bool(await asked.fetchval(_HANDLED.format(service)) >= wanted)

        await until(all_handled, f"{wanted} records handled by {number} of {service}", _DEADLINE_S)
        seconds = time.monotonic() - began
    if wanted - before < _LEAST:
        raise BenchFailed(f"too few records for {number} of {service}: almost all were handled at once")
    return float(wanted - before) / seconds


async def _decided(stack: Stack) -> None:
    """Have one matcher, with all that it likes, decide and tell what is in the log."""
    async with _running(stack.services["matcher"][:1]):
        await until_decided(stack, await ends(stack, [topics.MARKET.name]))


async def _told(stack: Stack) -> None:
    """Have one notifier, with all that it likes, handle what was told until now."""
    async with _running(stack.services["notifier"][:1]):
        await until_handled(stack, CONSUMED)


async def _written(stack: Stack, records: Sequence[OutRecord]) -> None:
    async with writing(stack) as producer:
        await write(producer, records)


@asynccontextmanager
async def _running(processes: Sequence[ServiceProcess], share: float | None = None) -> AsyncIterator[None]:
    """Start processes, each with a share of a core if given; stop them at the end, with what they like."""
    with nullcontext() if share is None else quotas() as limited:
        for each in processes:
            each.start()
            if limited is not None and share is not None:
                limited.limit(each.process.pid, share)
        await asyncio.gather(*(each.wait_ready() for each in processes))
        async with watched([each.process for each in processes]):
            yield
    await asyncio.gather(*(each.stop() for each in processes))


@asynccontextmanager
async def _asking(stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.postgres.url("auditor"))
    try:
        yield connection
    finally:
        await connection.close()
