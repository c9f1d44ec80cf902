"""The matcher alone, its log full: what it decides with many open positions, and how soon it is back.

Beside it the consuming half of the bare pipeline, its log full as well.
"""

import time
from datetime import UTC, datetime

import asyncpg
import psutil

from tenon.contracts import topics
from tenon.kafka import OutRecord
from tenon_local.service import ServiceProcess
from tenon_local.stack import Stack
from tests.bench import bare, baseline, handover, measures, size
from tests.bench.course import Course
from tests.bench.cpu import Meter
from tests.bench.decisions import decided_since, per_s, until_beyond, until_decided
from tests.bench.events import Press
from tests.bench.failing import BenchFailed
from tests.bench.helpers import watched
from tests.bench.listings import Listings
from tests.bench.measures import Figures
from tests.bench.rig import Show
from tests.bench.stacks import SEED, ends, metric, stack_of_stores, stores, write, writing
from tests.support.waiting import until

_BARE_RECORDS = 100_000


async def run(course: Course, show: Show) -> Figures:
    """Return the figures as `bare.log.…`, `matcher.…` and `handover.…`."""
    async with stack_of_stores({"matcher": 2}) as stack:
        show("a bare consumer")
        plain = await _bare(stack)
        listings = Listings(SEED, now())
        show(f"{course.positions:,} positions are opened")
        opened = await _opened(stack, listings, course.positions)
        show(f"{course.records:,} records are decided")
        restarted = await _restarted(stack, listings, course.positions, course.records)
        show("matchers come and go")
        given = await handover.measure(stack, listings)
    return {
        **measures.named("bare.log", plain),
        **measures.named("matcher", opened, restarted),
        **measures.named("handover", given),
    }


async def _opened(stack: Stack, listings: Listings, positions: int) -> Figures:
    """Open positions, and return how fast that went and what each takes in tables; the matcher goes on."""
    before = await size.read(stack)
    async with writing(stack) as producer:
        await write(producer, listings.offers(positions))
    began = time.time()
    await started(stack.matcher)
    async with watched([stack.matcher.process]):
        await until_decided(stack, positions)
    kept = size.held(before, await size.read(stack))
    return {
        "opening_per_s": per_s(await decided_since(stack, began)),
        "table_bytes_per_open": kept / positions,
    }


async def _restarted(stack: Stack, listings: Listings, positions: int, records: int) -> Figures:
    """Kill the matcher, fill the log, and start it again."""
    matcher = stack.matcher
    await matcher.kill()
    async with writing(stack) as producer:
        await write(producer, listings.mixed(records))
    began = time.time()
    empty = await started(matcher)
    async with watched([matcher.process]):
        await until_beyond(stack, positions)
        loaded = resident_bytes(matcher)
        figures = await decided_alone(stack, began)
    await check_used(matcher, records)
    return {
        "restart_s": min(each.at for each in await decided_since(stack, began)) - began,
        "load_s": await metric(matcher, "tenon_matcher_load_seconds_sum"),
        "memory_bytes_per_open": (loaded - empty) / positions,
        **figures,
    }


async def decided_alone(stack: Stack, began: float) -> Figures:
    """Return how fast a matcher decides all that its log holds, from the rounds since `began`."""
    meter = Meter({**stores(stack), "worker": [stack.matcher.process.pid]})
    span, measured = meter.span(), time.time()
    await until_decided(stack, await ends(stack, [topics.MARKET.name]))
    rounds = await decided_since(stack, began)
    use = span.use(sum(each.records for each in rounds if each.at > measured))
    return {
        "open": await open_positions(stack.matcher),
        **measures.named("log", {"decided_per_s": per_s(rounds)}, measures.cpu(use)),
    }


async def started(matcher: ServiceProcess) -> int:
    """Start a matcher, and return how much memory it has once it is ready."""
    matcher.start()
    await matcher.wait_ready()
    return resident_bytes(matcher)


def resident_bytes(matcher: ServiceProcess) -> int:
    """Return how much memory a matcher has."""
    return int(psutil.Process(matcher.process.pid).memory_info().rss)


async def open_positions(matcher: ServiceProcess) -> float:
    """Return how many offers and demands a matcher holds of which something is open."""
    names = ("tenon_matcher_offers_open", "tenon_matcher_demands_open")
    return sum([await metric(matcher, name) for name in names])


async def check_used(matcher: ServiceProcess, records: int) -> None:
    """Raise BenchFailed unless a matcher used so many records since its start, each once, and docked some."""
    used = await metric(matcher, "tenon_matcher_records_total", 'outcome="used"')
    if used != records:
        raise BenchFailed(f"{records} records were in the log, the matcher used {used:.0f}")
    if not await metric(matcher, "tenon_matcher_dockings_total"):
        raise BenchFailed("the matcher docked nothing")


async def _bare(stack: Stack) -> Figures:
    """Return how fast the bare consumer works off a full log."""
    await baseline.prepare(stack)
    press = Press(SEED, now())
    values = [
        OutRecord(bare.MARKET, None, press.event(number), partition=number % bare.PARTITIONS)
        for number in range(_BARE_RECORDS)
    ]
    async with writing(stack) as producer:
        await write(producer, values)
    async with baseline.running(stack, "work") as process, watched([process]):
        meter = Meter({**stores(stack), "worker": [process.pid]})
        began, before = await _stored(stack, 1)
        span = meter.span()
        ended, after = await _stored(stack, _BARE_RECORDS)
        use = span.use(after - before)
    return {"decided_per_s": (after - before) / (ended - began), **measures.cpu(use)}


async def _stored(stack: Stack, least: int) -> tuple[float, int]:
    """Wait until the bare consumer stored so many records; return when that was, and how many it stored."""
    connection = await asyncpg.connect(baseline.database(stack))
    try:
        question = "SELECT sum(next_offset) FROM bare.positions HAVING sum(next_offset) >= $1"
        stored = await until(lambda: connection.fetchval(question, least), f"{least} records stored")
        return time.monotonic(), int(stored)
    finally:
        await connection.close()


def now() -> datetime:
    """Return the time from which windows of the bench begin."""
    return datetime.now(UTC).replace(microsecond=0)
