"""The bell: news is known at once where it was made, and soon everywhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from notifier.bell import Bell
from tenon.db import Database


async def test_a_ring_is_heard_at_once_here_and_soon_by_every_other(postgres: str) -> None:
    async with ringing(postgres) as here, ringing(postgres) as there:
        own, others = here.subscribe(), there.subscribe()
        await until_listening(here, others)
        others.clear()
        here.ring()
        assert own.is_set()
        async with asyncio.timeout(20):
            await others.wait()


async def test_who_rang_does_not_hear_it_again(postgres: str) -> None:
    async with ringing(postgres) as here, ringing(postgres) as there:
        own, others = here.subscribe(), there.subscribe()
        await until_listening(here, others)
        for _ in range(5):
            others.clear()
            here.ring()
            own.clear()
            async with asyncio.timeout(20):
                await others.wait()
            assert not own.is_set()


async def test_who_listens_no_more_is_told_nothing(postgres: str) -> None:
    async with ringing(postgres) as here:
        heard = here.subscribe()
        here.unsubscribe(heard)
        here.ring()
        assert not heard.is_set()


@asynccontextmanager
async def ringing(url: str) -> AsyncIterator[Bell]:
    """A bell of one process."""
    async with Database.connect(url, schema="notifier") as database:
        bell, stop = Bell(database), asyncio.Event()
        task = asyncio.create_task(bell.run(stop))
        try:
            yield bell
        finally:
            stop.set()
            await task


async def until_listening(ringer: Bell, heard: asyncio.Event) -> None:
    """Ring until another hears it: from then on both are connected."""
    async with asyncio.timeout(20):
        while not heard.is_set():
            ringer.ring()
            await asyncio.sleep(0.05)
