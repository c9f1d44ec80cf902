"""Tells every replica that feeds have grown: a PostgreSQL notification after the commit.

Only a hint, never a message: whoever hears it looks into the feed, and looks there now and then anyway. So
a notification that is lost, or a connection that is down, costs time and nothing else. While feeds grow all
the time, others are told so now and then: one notification speaks for all rings since the last.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, cast
from uuid import uuid4

from tenon import log
from tenon.db import Connection, Database
from tenon.errors import Transient
from tenon.retry import backoff_ms

_CHECK_SECONDS = 5.0
_PAUSE_SECONDS = 0.02
_logger = log.get("bell")


class _Listening(Protocol):
    async def add_listener(self, channel: str, callback: Callable[..., None]) -> None: ...

    async def remove_listener(self, channel: str, callback: Callable[..., None]) -> None: ...


class Bell:
    """Rung by whoever commits feed entries; `subscribe` gives an event that is set when any replica rang."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._channel = f"tenon_{database.schema}_feed"
        self._name = uuid4().hex
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
        working = asyncio.create_task(self._work())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
        finally:
            for each in (working, stopping):
                each.cancel()
            await asyncio.gather(working, return_exceptions=True)

    def _tell(self) -> None:
        for heard in self._heard:
            heard.set()

    def _notified(self, _connection: object, _pid: int, _channel: str, ringer: str) -> None:
        """Tell this process what another one rang for; it knows of its own rings."""
        if ringer != self._name:
            self._tell()

    async def _work(self) -> None:
        attempts = 0
        while True:
            try:
                async with self._database.acquire() as connection:
                    listening = cast("_Listening", connection)
                    await listening.add_listener(self._channel, self._notified)
                    attempts = 0
                    try:
                        while True:
                            await self._notify(connection)
                    finally:
                        with suppress(Exception):
                            await listening.remove_listener(self._channel, self._notified)
            except Transient as error:
                _logger.warning("not listening", error=str(error))
                await asyncio.sleep(backoff_ms(attempts) / 1000)
                attempts += 1

    async def _notify(self, connection: Connection) -> None:
        """Wait for a ring and pass it on; without one, see whether the connection lives."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), _CHECK_SECONDS)
        if not self._rung.is_set():
            await connection.execute("SELECT 1", timeout=_CHECK_SECONDS)
            return
        self._rung.clear()
        await connection.execute(
            "SELECT pg_notify($1, $2)", self._channel, self._name, timeout=_CHECK_SECONDS
        )
        await asyncio.sleep(_PAUSE_SECONDS)
