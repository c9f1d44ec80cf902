"""A document is captured in one transaction: its events, the stock, what the market is told, and the job.

Whoever is answered 202 is answered after its commit; where anything fails, nothing was taken.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ingest import metrics
from ingest.epcis import store
from ingest.epcis.job import Behaviour, CaptureJob, job_of
from ingest.epcis.orders import Order, Orders
from ingest.formats.epcis.ledger import Taken, changes, take
from ingest.formats.epcis.reading import Event, Read
from tenon.db import Connection, Database
from tenon.failpoints import failpoint
from tenon.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Capturing:
    """Captures documents. `changed` is called after each commit that filled the outbox."""

    database: Database
    orders: Orders
    measured: Metrics
    now: Callable[[], datetime]
    new_id: Callable[[], UUID]
    changed: Callable[[], None]

    async def capture(self, reads: Sequence[Read], party: str, behaviour: Behaviour) -> CaptureJob:
        """Return what becomes of a document; committed when it returns."""
        now, told = self.now(), 0
        async with self.database.transaction() as connection:
            await store.hold(connection, party)
            names = {read.event.id for read in reads if read.event is not None}
            held = await store.held(connection, party, names)
            before = dict(held)
            taken = [take(read, held) for read in reads]
            job = job_of(self.new_id(), now, behaviour, taken)
            if job.success or behaviour == "proceed":
                told = await self._keep(connection, party, before, held, now)
            await store.keep(connection, party, job)
            await failpoint("ingest.before_commit")
        await failpoint("ingest.after_commit")
        if told:
            self.changed()
            self.measured.add(metrics.EPCIS_TOLD, told)
        self._count(taken, rolled_back=not job.success and behaviour == "rollback")
        return job

    async def set_order(self, party: str, reference: str, order: Order) -> None:
        """Say what an order stands for; committed when it returns. Raise `Refused`."""
        async with self.database.transaction() as connection:
            await store.hold(connection, party)
            told = await self.orders.put(connection, party, reference, order)
            await failpoint("ingest.before_commit")
        await failpoint("ingest.after_commit")
        if told:
            self.changed()
            self.measured.add(metrics.EPCIS_TOLD, told)

    async def _keep(
        self,
        connection: Connection,
        party: str,
        before: dict[str, Event],
        held: dict[str, Event],
        now: datetime,
    ) -> int:
        changed = [event for name, event in held.items() if event is not before.get(name)]
        if not changed:
            return 0
        await store.save(connection, party, changed, now)
        were = [before[event.id] for event in changed if event.id in before]
        await store.move(connection, party, changes(were, changed), now)
        references = {reference for event in changed for reference in event.orders}
        return await self.orders.refresh(connection, party, references) if references else 0

    def _count(self, taken: Sequence[Taken], *, rolled_back: bool) -> None:
        ends = Counter("rolled_back" if rolled_back and not each.faults else each.outcome for each in taken)
        for outcome, count in ends.items():
            self.measured.add(metrics.EPCIS_EVENTS, count, outcome=outcome)
