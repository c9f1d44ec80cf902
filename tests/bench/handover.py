"""How long no decisions come when a second matcher joins, leaves and is killed."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tenon.kafka import Producer
from tenon_local.stack import Stack
from tests.bench.decisions import decided_since, longest_without, until_owned_by
from tests.bench.events import MARKETS
from tests.bench.listings import Listings
from tests.bench.measures import Figures
from tests.bench.stacks import write, writing

_PARTITIONS = 8
_TRICKLE_S = 0.05
_SETTLED_S = 3.0


async def measure(stack: Stack, listings: Listings) -> Figures:
    """Return the longest time without a round of any partition: at rest, and at each of the three changes.

    One matcher runs, and still does at the end. All the while each partition gets forty records a second.
    """
    second = stack.services["matcher"][1]

    async def nothing() -> None:
        await until_owned_by(stack, 1)

    async def join() -> None:
        second.start()
        await until_owned_by(stack, 2)

    async def leave() -> None:
        await second.stop()
        await until_owned_by(stack, 1)

    async def be_killed() -> None:
        await second.kill()
        await until_owned_by(stack, 1)

    async with _trickle(stack, listings):
        return {
            "steady_s": await _gap(stack, nothing),
            "join_s": await _gap(stack, join),
            "leave_s": await _gap(stack, leave),
            "join_again_s": await _gap(stack, join),
            "killed_s": await _gap(stack, be_killed),
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
