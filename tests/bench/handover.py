"""How soon a killed matcher is back, and how long no decisions come when matchers come and go."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psutil

from tenon.contracts.topics import MARKET
from tenon.kafka import Producer
from tenon_local.service import ServiceProcess
from tenon_local.stack import Stack
from tests.bench import measures, size
from tests.bench.course import Course
from tests.bench.decisions import (
    decided_since,
    first_rounds,
    longest_without,
    until_decided,
    until_owned_by,
)
from tests.bench.events import MARKETS
from tests.bench.listings import Listings
from tests.bench.matching import now, open_up_to
from tests.bench.measures import Figures
from tests.bench.rig import Show
from tests.bench.stacks import SEED, ends, metric, stack_of_stores, write, writing

_PARTITIONS = 8
_TRICKLE_S = 0.05
_SETTLED_S = 2.0


async def run(course: Course, show: Show) -> Figures:
    """Return the figures as `restart.…` and `handover.…`."""
    async with stack_of_stores({"matcher": 2}) as stack:
        listings, before = Listings(SEED, now()), await size.read(stack)
        empty = await _started(stack.matcher)
        show(f"{course.positions:,} open positions")
        await open_up_to(stack, listings, course.positions)
        kept = size.held(before, await size.read(stack)) / course.positions
        matcher = stack.matcher
        show("stopped and started")
        stopped = await _restarted(stack, listings, matcher.stop)
        loaded = psutil.Process(matcher.process.pid).memory_info().rss
        show("killed and started")
        killed = await _restarted(stack, listings, matcher.kill)
        load_s = await metric(matcher, "tenon_matcher_load_seconds_sum")
        show("matchers come and go")
        changed = await _changed(stack, listings)
    return {
        **measures.named("restart.stopped", stopped),
        **measures.named("restart.killed", killed),
        "restart.load_s": load_s,
        "restart.table_bytes_per_open": kept,
        "restart.memory_bytes_per_open": (loaded - empty) / course.positions,
        **measures.named("handover", changed),
    }


async def _started(matcher: ServiceProcess) -> int:
    """Start a matcher, and return how many bytes of memory it has once it is ready."""
    matcher.start()
    await matcher.wait_ready()
    return int(psutil.Process(matcher.process.pid).memory_info().rss)


async def _restarted(stack: Stack, listings: Listings, end: Callable[[], Awaitable[object]]) -> Figures:
    """End the matcher, give each market something to decide, and start it: when does it decide again?"""
    await end()
    async with writing(stack) as producer:
        await write(producer, listings.mixed(MARKETS))
    began = time.time()
    await _started(stack.matcher)
    await until_decided(stack, await ends(stack, [MARKET.name]))
    firsts = first_rounds(await decided_since(stack, began)).values()
    return {"first_s": min(firsts) - began, "all_s": max(firsts) - began}


async def _changed(stack: Stack, listings: Listings) -> Figures:
    """Return the longest time without a round of any partition: at rest, and at each change.

    One matcher runs, and still does at the end. All the while each market gets up to 20 records a second.
    """
    second = stack.services["matcher"][1]

    async def rest() -> None:
        await until_owned_by(stack, 1)

    async def join() -> None:
        second.start()
        await until_owned_by(stack, 2)

    async def leave() -> None:
        await second.stop()
        await until_owned_by(stack, 1)

    async def die() -> None:
        await second.kill()
        await until_owned_by(stack, 1)

    async with _trickle(stack, listings):
        return {
            "rest_s": await _gap(stack, rest),
            "join_s": await _gap(stack, join),
            "leave_s": await _gap(stack, leave),
            "join_again_s": await _gap(stack, join),
            "kill_s": await _gap(stack, die),
        }


async def _gap(stack: Stack, change: Callable[[], Awaitable[None]]) -> float:
    """Return the longest time without a round from just before a change until all has settled."""
    began = time.time()
    await change()
    await asyncio.sleep(_SETTLED_S)
    return longest_without(await decided_since(stack, began), began, time.time(), _PARTITIONS)


@asynccontextmanager
async def _trickle(stack: Stack, listings: Listings) -> AsyncIterator[None]:
    """Write an entry of each market again and again while the block runs."""
    async with writing(stack) as producer, asyncio.TaskGroup() as group:
        task = group.create_task(_write(producer, listings))
        yield
        task.cancel()


async def _write(producer: Producer, listings: Listings) -> None:
    while True:
        await write(producer, listings.mixed(MARKETS))
        await asyncio.sleep(_TRICKLE_S)
