"""Keeps a scene up to date from the running line: its live stream and its totals, as any subscriber has them.

A display may lag or stop; it must never change or end the run that it shows.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import datetime

from scenarios.ppe.live import Scene
from tenon.client import TenonClient
from tenon.contracts.codec import decode_tolerant
from tenon.contracts.dockings import Docking
from tenon.errors import TenonError

CONFIRMED = "tenon.docking.confirmed.v1"
_EVERY_S = 0.5


@asynccontextmanager
async def watching(client: TenonClient, scene: Scene) -> AsyncIterator[None]:
    """Update the scene while the block runs, and once more at its end."""
    tasks = [asyncio.create_task(_or_say(client, scene, work)) for work in (_follow, _sum)]
    try:
        yield
        await _or_say(client, scene, _sum_once)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _or_say(
    client: TenonClient, scene: Scene, work: Callable[[TenonClient, Scene], Awaitable[None]]
) -> None:
    try:
        await work(client, scene)
    except TenonError as error:
        scene.trouble = f"the live view ended: {error}"


async def _follow(client: TenonClient, scene: Scene) -> None:
    async with aclosing(client.stream(0, types=[CONFIRMED])) as entries:
        async for entry in entries:
            scene.docked(decode_tolerant(Docking, entry.event.data))


async def _sum(client: TenonClient, scene: Scene) -> None:
    while True:
        await _sum_once(client, scene)
        await asyncio.sleep(_EVERY_S)


async def _sum_once(client: TenonClient, scene: Scene) -> None:
    rounds = (await client.partitions())["items"]
    clocks = [datetime.fromisoformat(one["clock"]) for one in rounds]
    scene.summed(await client.totals(), clocks, time.monotonic())
