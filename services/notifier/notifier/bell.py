"""Tells every replica that feeds have grown: a PostgreSQL notification after the commit.

Only a hint, never a message: whoever hears it looks into the feed, and looks there now and then anyway. So
a notification that is lost, or a connection that is down, costs time and nothing else.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, cast

from tenon import log
from tenon.db import Database
from tenon.errors import Transient
from tenon.retry import backoff_ms

_CHECK_SECONDS = 5.0
_logger = log.get("bell")


class _Listening(Protocol):
    async def add_listener(self, channel: str, callback: Callable[..., None]) -> None: ...

    async def remove_listener(self, channel: str, callback: Callable[..., None]) -> None: ...


class Bell:
    """Rung by whoever commits feed entries; `subscribe` gives an event that is set when any replica rang."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._channel = f"tenon_{database.schema}_feed"
        self._rung = asyncio.Event()
        self._heard: set[asyncio.Event] = set()

    def ring(self) -> None:
        """Tell this process at once, and the others soon."""
        self._rung.set()
        self._tell()

    def subscribe(self) -> asyncio.Event:
        """Return an event that is set at each ring; whoever waits for it clears it first."""
        heard = asyncio.Event()
        self._heard.add(heard)
        return heard

    def unsubscribe(self, heard: asyncio.Event) -> None:
        """Stop setting that event."""
        self._heard.discard(heard)

    async def run(self, stop: asyncio.Event) -> None:
        """Listen and notify until `stop` is set; connects again by itself."""
        working = [asyncio.create_task(self._notify()), asyncio.create_task(self._listen())]
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([*working, stopping], return_when=asyncio.FIRST_COMPLETED)
            for task in working:
                if task.done():
                    task.result()
        finally:
            for each in (*working, stopping):
                each.cancel()
            await asyncio.gather(*working, return_exceptions=True)

    def _tell(self, *_: Any) -> None:
        for heard in self._heard:
            heard.set()

    async def _notify(self) -> None:
        """Send one notification for however many rings came while the last was being sent."""
        while True:
            await self._rung.wait()
            self._rung.clear()
            with suppress(Transient):
                await self._database.execute("SELECT pg_notify($1, '')", self._channel)

    async def _listen(self) -> None:
        attempts = 0
        while True:
            try:
                async with self._database.acquire() as connection:
                    listening = cast("_Listening", connection)
                    await listening.add_listener(self._channel, self._tell)
                    attempts = 0
                    try:
                        while True:
                            await connection.execute("SELECT 1", timeout=_CHECK_SECONDS)
                            await asyncio.sleep(_CHECK_SECONDS)
                    finally:
                        with suppress(Exception):
                            await listening.remove_listener(self._channel, self._tell)
            except Transient as error:
                _logger.warning("not listening", error=str(error))
                await asyncio.sleep(backoff_ms(attempts) / 1000)
                attempts += 1
