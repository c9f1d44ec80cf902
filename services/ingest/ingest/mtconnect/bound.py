"""Builds what follows machines, of what ingest is made of anyway."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ingest.access import Access
from ingest.domain.route import Router
from ingest.mtconnect.addresses import MachineAddresses
from ingest.mtconnect.agents import Agents
from ingest.mtconnect.following import AT_A_TIME, Asked, Following
from ingest.mtconnect.machines import Machines
from ingest.settings import IngestSettings
from tenon import guard
from tenon.clock import wall_now
from tenon.db import Database
from tenon.lease import Leases
from tenon.metrics import Metrics
from tenon.relay import Relay, RelaySettings


@dataclass(frozen=True, slots=True)
class Bound:
    """The relay that follows, its source of work, and the addresses."""

    relay: Relay[Asked]
    following: Following
    addresses: MachineAddresses

    async def run(self, stop: asyncio.Event) -> None:
        """Follow machines until `stop` is set, then let another replica go on."""
        try:
            await self.relay.run(stop)
        finally:
            await self.following.release()


@asynccontextmanager
async def agents(settings: IngestSettings) -> AsyncIterator[Agents]:
    """Lend what asks agents."""
    private = settings.mtconnect_allow_private
    resolver = guard.Resolver(threads=AT_A_TIME, allow_private=private)
    async with guard.session(
        resolver,
        allow_private=private,
        timeout_ms=settings.mtconnect_timeout_ms,
        connections=AT_A_TIME,
        called="Tenon MTConnect",
    ) as session:
        with ThreadPoolExecutor(1, "agents") as reader:
            yield Agents(session, reader)


def bound(
    settings: IngestSettings,
    database: Database,
    router: Router,
    access: Access,
    agents: Agents,
    measured: Metrics,
    changed: Callable[[], None],
) -> Bound:
    """Return what follows machines; `changed` is called after each commit that filled the outbox."""
    leases = Leases(database, owner=settings.instance)
    following = Following(database, leases, agents, router, measured, wall_now)
    relaying = RelaySettings("mtconnect", limit=AT_A_TIME, retry_deadline_ms=settings.retry_deadline_ms)
    relay: Relay[Asked] = Relay("mtconnect", following, following.effect, metrics=measured, settings=relaying)
    following.woken, following.changed = relay.wake, changed
    machines = Machines(database, router, settings.mtconnect_allow_private, wall_now, changed)
    return Bound(relay, following, MachineAddresses(access, machines, settings.send_deadline_ms))
