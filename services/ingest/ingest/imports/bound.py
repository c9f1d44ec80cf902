"""Builds what imports files, of what ingest is made of anyway."""

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from ingest.http import Intake
from ingest.imports import store
from ingest.imports.addresses import ImportAddresses, Limits
from ingest.imports.work import LEASE_MS, Imports, Work
from ingest.keys import Keys
from ingest.settings import IngestSettings
from tenon.backlog import Count
from tenon.clock import WallClock
from tenon.db import Database
from tenon.lease import Leases
from tenon.metrics import Metrics
from tenon.relay import Relay, RelaySettings


@dataclass(frozen=True, slots=True)
class Bound:
    """The relay that imports, its source of work, what waits for it, and the addresses."""

    relay: Relay[Work]
    imports: Imports
    backlog: Count
    addresses: ImportAddresses

    async def run(self, stop: asyncio.Event) -> None:
        """Import files until `stop` is set, then let another replica go on."""
        await self.relay.run(stop)
        await self.imports.release()


def bound(
    settings: IngestSettings,
    database: Database,
    intake: Intake,
    keys: Keys,
    reader: Executor,
    measured: Metrics,
) -> Bound:
    """Return what imports files, as events that `intake` would take; `reader` reads them beside the loop."""
    leases = Leases(database, owner=settings.instance, ttl_ms=LEASE_MS)
    work = Imports(database, leases, intake.handler, keys, intake.rate, reader, measured)
    relaying = RelaySettings("imports", limit=1, retry_deadline_ms=settings.retry_deadline_ms)
    relay: Relay[Work] = Relay("imports", work, work.effect, metrics=measured, settings=relaying)
    limits = Limits(
        settings.send_deadline_ms,
        settings.body_deadline_ms,
        min(settings.import_max_bytes, settings.max_in_flight_bytes // 2),
        settings.imports_per_party,
    )
    addresses = ImportAddresses(
        intake.access, database, intake.budget, limits, measured, relay.wake, WallClock()
    )
    return Bound(relay, work, partial(store.backlog, database), addresses)
