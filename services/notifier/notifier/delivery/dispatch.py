"""Which endpoints this process serves now: those that are due and that no other process holds.

Each endpoint in hand has a relay of its own, so one that hangs holds up nobody else. A process holds an
endpoint only as long as something is due there, and lets it go when it has to wait. Those that failed last
get at most half of the places, so that many of them leave room for the others.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from notifier import metrics
from notifier.bell import Bell
from notifier.delivery.endpoints import LEASE
from notifier.delivery.queue import Desk, EndpointQueue
from notifier.settings import NotifierSettings
from tenon import log
from tenon.errors import Fenced, Transient
from tenon.lease import Lease, Leases
from tenon.relay import Relay, RelaySettings

_DUE: Final = """
SELECT id, failing FROM (
    SELECT e.id, e.next_at, e.failing_since IS NOT NULL AS failing,
           row_number() OVER (PARTITION BY e.failing_since IS NOT NULL ORDER BY e.next_at) AS turn
    FROM endpoints e
    LEFT JOIN feed_counters c ON c.audience = e.audience
    LEFT JOIN leases l ON l.name = 'endpoint/' || e.id
    WHERE e.status = 'active' AND e.next_at <= now() AND e.way = ANY($5::text[])
      AND (c.last > e.cursor OR EXISTS (SELECT 1 FROM parked p WHERE p.endpoint = e.id AND p.replay)
           OR EXISTS (SELECT 1 FROM replays r WHERE r.endpoint = e.id))
      AND (l.name IS NULL OR l.expires_at <= clock_timestamp() OR l.owner = $1)
      AND e.id <> ALL($2::text[])
) due WHERE NOT failing OR turn <= $4
ORDER BY failing, next_at LIMIT $3
"""
_LEAST_SECONDS: Final = 0.05
"""Between two looks, while feeds grow all the time."""
_STOP_SECONDS: Final = 4.0
_logger = log.get("webhooks")


@dataclass(frozen=True, slots=True)
class _Held:
    lease: Lease
    queue: EndpointQueue
    failing: bool
    task: "asyncio.Task[None]"


class Dispatch:
    """Finds endpoints that are due, leases them, and runs a relay for each."""

    def __init__(
        self,
        desk: Desk,
        leases: Leases,
        bell: Bell,
        settings: NotifierSettings,
    ) -> None:
        desk.begin()
        self._desk = desk
        self._leases = leases
        self._bell = bell
        self._settings = settings
        self._metrics = desk.metrics
        self._ways = list(desk.ways)
        self._held: dict[str, _Held] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Call endpoints until `stop` is set; raises what a relay could not live with."""
        heard = self._bell.subscribe()
        stopping = asyncio.create_task(stop.wait())
        renewing = asyncio.create_task(self._renew(), name="renew endpoint leases")
        try:
            while not stop.is_set():
                heard.clear()
                self._reap()
                await self._take()
                await self._pause(heard, stopping, renewing)
        finally:
            stopping.cancel()
            renewing.cancel()
            self._bell.unsubscribe(heard)
            await self._end()

    async def _pause(
        self, heard: asyncio.Event, stopping: "asyncio.Task[bool]", renewing: "asyncio.Task[None]"
    ) -> None:
        """Wait for news, for a free place, or for the poll interval; a moment in any case."""
        await asyncio.sleep(_LEAST_SECONDS)
        waking = asyncio.create_task(heard.wait())
        tasks = [held.task for held in self._held.values()]
        full = tasks if len(tasks) >= self._settings.webhook_concurrency else []
        await asyncio.wait(
            [waking, stopping, renewing, *full],
            timeout=self._settings.webhook_poll_ms / 1000,
            return_when=asyncio.FIRST_COMPLETED,
        )
        waking.cancel()
        if renewing.done():
            renewing.result()

    def _reap(self) -> None:
        """Forget relays that ended; raises the error of one that failed."""
        for endpoint, held in list(self._held.items()):
            if held.task.done():
                del self._held[endpoint]
                if not held.task.cancelled():
                    held.task.result()
        self._metrics.set(metrics.ENDPOINTS_HELD, len(self._held))

    async def _take(self) -> None:
        for endpoint, failing in await self._due():
            with suppress(Transient):
                lease = await self._leases.acquire(LEASE + endpoint)
                if lease is not None:
                    self._held[endpoint] = self._start(endpoint, lease, failing)

    def _start(self, endpoint: str, lease: Lease, failing: bool) -> _Held:
        queue = EndpointQueue(self._desk, lease, endpoint, turn_ms=self._settings.webhook_turn_ms)
        task = asyncio.create_task(self._serve(lease, queue), name=f"endpoint {endpoint}")
        return _Held(lease, queue, failing, task)

    async def _due(self) -> Sequence[tuple[str, bool]]:
        places = self._settings.webhook_concurrency
        free = places - len(self._held)
        if free <= 0:
            return []
        failing = max(1, places // 2) - sum(held.failing for held in self._held.values())
        try:
            rows = await self._desk.database.fetch(
                _DUE, self._leases.owner, list(self._held), free, failing, self._ways
            )
        except Transient as error:
            _logger.warning("endpoints not read", error=str(error))
            return []
        return [(row[0], row[1]) for row in rows]

    async def _serve(self, lease: Lease, queue: EndpointQueue) -> None:
        """Relay until nothing is due or the turn is over, then let the endpoint go."""
        relay = Relay(
            "webhooks",
            queue,
            queue.deliver,
            metrics=self._metrics,
            settings=RelaySettings(
                "notifier", self._settings.webhook_batch, 1, self._settings.retry_deadline_ms
            ),
        )
        await relay.run(queue.drained)
        with suppress(Transient):
            await self._leases.release(lease)

    async def _renew(self) -> None:
        """Keep the leases of the endpoints in hand; cancel the relay of one that was lost."""
        while True:
            await asyncio.sleep(self._settings.webhook_lease_ms / 3000)
            for endpoint, held in list(self._held.items()):
                if held.task.done():
                    continue
                try:
                    await self._leases.renew(held.lease)
                except Fenced as error:
                    _logger.warning("endpoint lost", endpoint=endpoint, error=str(error))
                    held.task.cancel()
                except Transient as error:
                    _logger.warning("lease not renewed", endpoint=endpoint, error=str(error))

    async def _end(self) -> None:
        """Let calls in flight end for a moment, cut off the rest, let every endpoint go."""
        tasks = [held.task for held in self._held.values()]
        for held in self._held.values():
            held.queue.stop()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for held in self._held.values():
            with suppress(Transient):
                await self._leases.release(held.lease)
