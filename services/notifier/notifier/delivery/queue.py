"""The queue of one subscription, as work for a relay: the feed behind its cursor, under a lease.

There is no row per delivery. `claim` reads what follows the cursor, or what is to be sent again; `settle`
moves the cursor, in a transaction that the lease fences. In the order of the feed, by whatever way. Behind
an event that is parked, everything about the same subject is parked too, so that nobody ever sees the later
step of a docking before the earlier one.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import get_args

from notifier import metrics
from notifier.delivery import rows
from notifier.delivery.rows import Delivery, Policy, Served
from notifier.domain import pace
from notifier.domain.classify import Delivered, Disable, Park, Retry, Verdict, judge
from notifier.domain.plan import told_disabled
from notifier.domain.progress import BEHIND, Progress, Result, advance
from notifier.ways import Report, Ways
from tenon.clock import Clock
from tenon.contracts.codec import instant
from tenon.db import Connection, Database
from tenon.errors import Fenced
from tenon.lease import Lease, check
from tenon.metrics import Metrics
from tenon.relay import Done, Later, Outcome, Parked


class Desk:
    """What all queues of a process share."""

    def __init__(
        self,
        database: Database,
        ways: Ways,
        policy: Policy,
        *,
        open_secret: Callable[[str], str],
        wake: Callable[[], None],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self.database = database
        self.ways = ways
        self.policy = policy
        self.open_secret = open_secret
        self.wake = wake
        self.clock = clock
        self.metrics = metrics

    def begin(self) -> None:
        """Let every counter begin at 0."""
        for verdict in get_args(Verdict):
            self.metrics.add(metrics.ATTEMPTS, 0, outcome=_name(verdict))


class EndpointQueue:
    """Source and effect of the relay that serves one subscription.

    `drained` is set when nothing is due, when its turn is over, and when the subscription was lost.
    """

    def __init__(self, desk: Desk, lease: Lease, endpoint: str, *, turn_ms: int) -> None:
        self.drained = asyncio.Event()
        self._stopping = False
        self._turn_ends = time.monotonic() + turn_ms / 1000
        self._desk = desk
        self._lease = lease
        self._endpoint = endpoint
        self._served: Served | None = None
        self._claimed_at = 0.0
        self._reports: dict[int, tuple[Report, Verdict]] = {}

    def stop(self) -> None:
        """End after the event in flight."""
        self._stopping = True
        self.drained.set()

    async def claim(self, limit: int) -> Sequence[Delivery]:
        """Return what is due now, in order: first what is to be sent again."""
        due: list[Delivery] = []
        self._claimed_at = time.monotonic()
        async with self._fenced() as tx:
            row = await rows.load_endpoint(tx, self._endpoint)
            if row is not None:
                now = instant(self._desk.clock.now_ms())
                self._served = of = rows.served(row, self._desk.policy, self._desk.open_secret, now)
                most = pace.portion(of.per_second, limit)
                if row["ranged"]:
                    due = await rows.load_range(tx, of, most)
                if row["resent"] and not due:
                    due = await rows.load_parked(tx, self._endpoint, most)
                due = due or await rows.load_feed(tx, of, most)
        if not due:
            self.drained.set()
        return due

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Send one event after the other, up to the first that is not taken or its turn's end."""
        assert self._served is not None
        self._reports.clear()
        sent = [each for each in deliveries if not each.behind]
        way = self._desk.ways[self._served.target.way]
        async with aclosing(way.send(self._served.target, [each.message for each in sent])) as reports:
            following = iter(sent)
            async for report in reports:
                taken = self._taken(next(following), report)
                if not taken or (self._stopping and not way.together):
                    break
        return self._outcomes(deliveries)

    async def settle(self, outcomes: Sequence[tuple[Delivery, Outcome]]) -> None:
        """Move the cursor, park, delay or disable; and record each attempt."""
        deliveries = [delivery for delivery, _ in outcomes]
        sent = [(each, *self._reports[each.number]) for each in deliveries if each.number in self._reports]
        async with self._fenced() as tx:
            taken = [(each, report, isinstance(verdict, Delivered)) for each, report, verdict in sent]
            await rows.record(tx, self._endpoint, taken)
            if deliveries[0].origin == "parked":
                why = await self._settle_parked(tx, sent)
            else:
                why = await self._settle_feed(tx, deliveries)
            if why is not None:
                await self._disable(tx, why)
        if why is not None:
            self._desk.metrics.add(metrics.DISABLED)
            self._desk.wake()

    def _taken(self, delivery: Delivery, report: Report) -> bool:
        """Note what came of an event; return whether the next may follow."""
        assert self._served is not None
        now = instant(self._desk.clock.now_ms())
        verdict = judge(report.attempt, delivery.failed_before, self._served.patience, random.random(), now)
        self._reports[delivery.number] = report, verdict
        self._desk.metrics.observe(metrics.ATTEMPT_SECONDS, report.latency_ms / 1000)
        self._desk.metrics.add(metrics.ATTEMPTS, outcome=_name(type(verdict)))
        if time.monotonic() >= self._turn_ends:
            self.stop()
        return isinstance(verdict, Delivered)

    def _outcomes(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Return what the relay is told: nothing is settled behind the first that was not tried."""
        outcomes: list[Outcome] = []
        for delivery in deliveries:
            if delivery.behind:
                outcomes.append(Parked(BEHIND))
            elif delivery.number in self._reports:
                outcomes.append(_outcome(*self._reports[delivery.number]))
            else:
                break
        missing = len(deliveries) - len(outcomes)
        return [*outcomes, *[Later("not its turn yet")] * missing]

    @asynccontextmanager
    async def _fenced(self) -> AsyncIterator[Connection]:
        """Lend a transaction under the lease; the subscription is let go when it was taken from us."""
        try:
            async with self._desk.database.transaction() as tx:
                await check(tx, self._lease)
                yield tx
        except Fenced:
            self.drained.set()
            raise

    async def _settle_feed(self, tx: Connection, deliveries: Sequence[Delivery]) -> str | None:
        """Store the progress; return why the subscription is to be disabled, None if it is not."""
        assert self._served is not None
        now = instant(self._desk.clock.now_ms())
        progress = advance([self._result(each) for each in deliveries], self._served.circuit, now)
        for delivery in deliveries:
            if delivery.number in progress.park:
                await rows.park(tx, self._endpoint, delivery, progress.park[delivery.number])
        again = deliveries[0].origin == "range"
        if again:
            await rows.store_range(tx, self._endpoint, progress)
        await self._store(tx, progress, again=again)
        self._desk.metrics.add(metrics.PARKED, len(progress.park))
        return progress.disable

    async def _settle_parked(
        self, tx: Connection, sent: Sequence[tuple[Delivery, Report, Verdict]]
    ) -> str | None:
        assert self._served is not None
        for delivery, _, verdict in sent:
            if isinstance(verdict, Delivered):
                await rows.unpark(tx, self._endpoint, delivery.number)
                continue
            await rows.keep_parked(tx, self._endpoint, delivery, verdict.why)
            if isinstance(verdict, Disable):
                return verdict.why
        progress = Progress(failing_since=self._served.circuit.failing_since)
        await self._store(tx, progress, again=True)
        return None

    async def _store(self, tx: Connection, progress: Progress, *, again: bool) -> None:
        """Store how far it is, and when to go on: after a failure, and where so many a second were asked for.

        `again`: what was sent once more moves no cursor, and says nothing of the event behind it.
        """
        assert self._served is not None
        took_ms = round((time.monotonic() - self._claimed_at) * 1000)
        rest_ms = pace.rest_ms(self._served.per_second, len(self._reports), took_ms)
        wait_ms = max(progress.wait_ms, rest_ms)
        if again:
            progress = replace(progress, cursor=None, failed=self._served.failed)
        await rows.store(tx, self._endpoint, progress, wait_ms)
        if wait_ms:
            self.drained.set()

    async def _disable(self, tx: Connection, why: str) -> None:
        assert self._served is not None
        target = self._served.target
        cursor = await tx.fetchval("SELECT cursor FROM endpoints WHERE id = $1", self._endpoint)
        at_ms = self._desk.clock.now_ms()
        told = told_disabled(target.id, target.audience, target.way, why, cursor, at_ms)
        await rows.disable(tx, self._endpoint, why, told)

    def _result(self, delivery: Delivery) -> Result:
        verdict = self._reports[delivery.number][1] if delivery.number in self._reports else None
        return Result(delivery.number, delivery.failed_before, verdict, delivery.behind)


def _outcome(report: Report, verdict: Verdict) -> Outcome:
    match verdict:
        case Retry(wait_ms=wait_ms, why=why):
            return Later(why, report.at_ms + report.latency_ms + wait_ms)
        case Park(why=why):
            return Parked(why)
        case Disable(why=why):
            return Later(why)
        case _:
            return Done()


def _name(verdict: type[Verdict]) -> str:
    return verdict.__name__.lower()
