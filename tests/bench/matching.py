"""The matcher alone, its log full: what it decides by how many positions are open.

Beside it the consuming half of the bare pipeline, its log full as well.
"""

import time
from datetime import UTC, datetime

import asyncpg

from tenon.contracts import topics
from tenon.kafka import OutRecord
from tenon_local.service import ServiceProcess
from tenon_local.stack import Stack
from tests.bench import bare, baseline, measures
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

_BARE_RECORDS = 60_000


async def many_markets(course: Course, show: Show) -> Figures:
    """Return the figures as `bare.log.…` and `matcher.…`."""
    async with stack_of_stores() as stack:
        show("a bare consumer")
        plain = await _bare(stack)
        listings = Listings(SEED, now())
        show(f"{course.positions:,} open positions")
        opened = {"opening_per_s": await open_up_to(stack, listings, course.positions)}
        decided = await _decided(stack, listings, course.records)
    return {**measures.named("bare.log", plain), **measures.named("matcher", opened, decided)}


async def one_market(course: Course, show: Show) -> Figures:
    """Return the figures as `market.NUMBER.…`, by the number of open positions."""
    figures: Figures = {}
    listings = Listings(SEED, now(), markets=1)
    async with stack_of_stores() as stack:
        for positions in course.crowds():
            show(f"{positions:,} open positions")
            await open_up_to(stack, listings, positions)
            decided = await _decided(stack, listings, course.crowd_records)
            figures |= measures.named(f"market.{positions}", decided)
    return figures


async def open_up_to(stack: Stack, listings: Listings, positions: int) -> float:
    """Open positions until there are so many, and return how many a second; the matcher runs afterwards."""
    missing = positions - round(await open_positions(stack.matcher))
    began = await _filled(stack, listings.offers(max(1, missing)))
    await until_decided(stack, await ends(stack, [topics.MARKET.name]))
    return per_s(await decided_since(stack, began))


async def _decided(stack: Stack, listings: Listings, records: int) -> Figures:
    """Return how fast the matcher decides so many records, and what each takes."""
    beyond = await ends(stack, [topics.MARKET.name])
    began = await _filled(stack, listings.mixed(records))
    async with watched([stack.matcher.process]):
        await until_beyond(stack, beyond)
        meter = Meter({**stores(stack), "worker": [stack.matcher.process.pid]})
        span, measured = meter.span(), time.time()
        await until_decided(stack, beyond + records)
        rounds = await decided_since(stack, began)
        later = sum(each.records for each in rounds if each.at > measured)
        if not later:
            raise BenchFailed(f"{records} records are too few: they were decided at once")
        use = span.use(later)
    await check_used(stack.matcher, records)
    return {
        "open": await open_positions(stack.matcher),
        **measures.named("log", {"decided_per_s": per_s(rounds)}, measures.cpu(use)),
    }


async def _filled(stack: Stack, records: list[OutRecord]) -> float:
    """Fill the log while the matcher is stopped, and start it; return when."""
    await stack.matcher.stop()
    async with writing(stack) as producer:
        await write(producer, records)
    began = time.time()
    stack.matcher.start()
    await stack.matcher.wait_ready()
    return began


async def open_positions(matcher: ServiceProcess) -> float:
    """Return how many offers and demands a matcher holds of which something is open; 0 where none runs."""
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
