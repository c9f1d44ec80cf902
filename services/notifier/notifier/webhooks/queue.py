"""The queue of one endpoint, as work for a relay: the feed behind its cursor, under a lease.

There is no row per delivery. `claim` reads what follows the cursor, or what is to be sent again; `settle`
moves the cursor, in a transaction that the lease fences. One event at a time, in the order of the feed.
Behind an event that is parked, everything about the same subject is parked too, so that nobody ever sees the
later step of a docking before the earlier one.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from notifier import metrics
from notifier.domain.classify import Disable, Park, Retry
from notifier.domain.progress import BEHIND, Progress, Result, advance
from notifier.webhooks import rows
from notifier.webhooks.deliver import Caller, Report, delivered
from notifier.webhooks.rows import Delivery
from tenon.db import Connection, Database
from tenon.errors import Fenced
from tenon.lease import Lease, check
from tenon.metrics import Metrics
from tenon.relay import Done, Later, Outcome, Parked


class EndpointQueue:
    """Source and effect of the relay that serves one endpoint.

    `drained` is set when nothing is due, when its turn is over, and when the endpoint was lost.
    """

    def __init__(
        self,
        database: Database,
        lease: Lease,
        endpoint: str,
        caller: Caller,
        *,
        disable_after: int,
        turn_ms: int,
        metrics: Metrics,
    ) -> None:
        self.drained = asyncio.Event()
        self._stopping = False
        self._turn_ends = time.monotonic() + turn_ms / 1000
        self._database = database
        self._lease = lease
        self._endpoint = endpoint
        self._caller = caller
        self._disable_after = disable_after
        self._metrics = metrics
        self._reports: dict[int, Report] = {}
        self._parked_in_row = 0

    def stop(self) -> None:
        """End after the call in flight."""
        self._stopping = True
        self.drained.set()

    async def claim(self, limit: int) -> Sequence[Delivery]:
        """Return what is due now, in order: first what is to be sent again."""
        due: list[Delivery] = []
        async with self._fenced() as tx:
            row = await rows.load_endpoint(tx, self._endpoint)
            if row is not None:
                self._parked_in_row = row["parked_in_row"]
                due = await rows.load_replays(tx, self._endpoint, row, limit)
                due = due or await rows.load_feed(tx, self._endpoint, row, limit)
        if not due:
            self.drained.set()
        return due

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Call the endpoint with one event after the other, up to the first that fails or its turn's end."""
        self._reports.clear()
        outcomes: list[Outcome] = []
        for delivery in deliveries:
            if delivery.behind:
                outcomes.append(Parked(BEHIND))
                continue
            report = await self._caller.call(delivery.call)
            self._reports[delivery.number] = report
            outcomes.append(_outcome(report))
            if time.monotonic() >= self._turn_ends:
                self.stop()
            if not delivered(report) or self._stopping:
                break
        missing = len(deliveries) - len(outcomes)
        return [*outcomes, *[Later("not its turn yet")] * missing]

    async def settle(self, outcomes: Sequence[tuple[Delivery, Outcome]]) -> None:
        """Move the cursor, park, delay or disable; and record each attempt."""
        deliveries = [delivery for delivery, _ in outcomes]
        called = [(each, self._reports[each.number]) for each in deliveries if each.number in self._reports]
        async with self._fenced() as tx:
            await rows.record(tx, self._endpoint, called)
            if deliveries[0].replay:
                why = await self._settle_replays(tx, called)
            else:
                why = await self._settle_feed(tx, deliveries)
            if why is not None:
                await rows.disable(tx, self._endpoint, why)
        if why is not None:
            self._metrics.add(metrics.DISABLED)

    @asynccontextmanager
    async def _fenced(self) -> AsyncIterator[Connection]:
        """Lend a transaction under the lease; the endpoint is let go when it was taken from us."""
        try:
            async with self._database.transaction() as tx:
                await check(tx, self._lease)
                yield tx
        except Fenced:
            self.drained.set()
            raise

    async def _settle_feed(self, tx: Connection, deliveries: Sequence[Delivery]) -> str | None:
        """Store the progress; return why the endpoint is to be disabled, None if it is not."""
        progress = advance(
            [self._result(delivery) for delivery in deliveries], self._parked_in_row, self._disable_after
        )
        for delivery in deliveries:
            if delivery.number in progress.park:
                await rows.park(tx, self._endpoint, delivery, progress.park[delivery.number])
        await rows.store(tx, self._endpoint, progress)
        self._note(progress)
        return progress.disable

    async def _settle_replays(self, tx: Connection, called: Sequence[tuple[Delivery, Report]]) -> str | None:
        for delivery, report in called:
            if delivered(report):
                await rows.unpark(tx, self._endpoint, delivery.number)
                continue
            await rows.keep_parked(tx, self._endpoint, delivery, why_of(report))
            if isinstance(report.verdict, Disable):
                return report.verdict.why
        return None

    def _result(self, delivery: Delivery) -> Result:
        report = self._reports.get(delivery.number)
        verdict = None if report is None else report.verdict
        return Result(delivery.number, delivery.call.failed_before, verdict, delivery.behind)

    def _note(self, progress: Progress) -> None:
        self._parked_in_row = progress.parked_in_row
        self._metrics.add(metrics.PARKED, len(progress.park))
        if progress.wait_ms:
            self.drained.set()


def why_of(report: Report) -> str:
    """Return why an event was not taken."""
    match report.verdict:
        case Retry(why=why) | Park(why=why) | Disable(why=why):
            return why
        case _:
            return ""


def _outcome(report: Report) -> Outcome:
    match report.verdict:
        case Retry(wait_ms=wait_ms, why=why):
            return Later(why, report.at_ms + report.latency_ms + wait_ms)
        case Park(why=why):
            return Parked(why)
        case Disable(why=why):
            return Later(why)
        case _:
            return Done()
