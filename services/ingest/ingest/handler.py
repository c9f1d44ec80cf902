"""Events in, answers out: admit, look up, write, and say of each event whether it is safe.

An event is safe when Kafka has acknowledged it or the registry has committed it. What neither did in time
is answered as unavailable; it may be written yet, and may be sent again under the same id.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ingest import metrics
from ingest.domain.admit import Clock, Sender, Statement, admit, class_of, unknown_party, unknown_site
from ingest.domain.faults import Refusal, Refused, too_large, unavailable
from ingest.domain.records import listed, market_record
from ingest.domain.registry import SiteKey
from ingest.domain.route import Router
from ingest.registry import Registry, is_registered
from ingest.store import Standing
from tenon.contracts import intake
from tenon.contracts.cloudevents import CloudEvent
from tenon.contracts.families import INTAKE_BY_TYPE
from tenon.errors import TenonError, Transient, Unusable
from tenon.failpoints import failpoint
from tenon.kafka import Producer, Receipt
from tenon.metrics import Metrics
from tenon.records import OutRecord

_SITED = intake.OfferPublished | intake.DemandPublished | intake.RoutesPublished | intake.ResourcePublished
_LISTED = intake.OfferPublished | intake.DemandPublished
_BREATH_S = 0.005
Standings = Mapping[SiteKey, Standing]
Decide = Callable[[Sequence[Statement]], Awaitable[Sequence[Refusal | None]]]
"""Puts statements into force, or only says what would become of them."""


@dataclass(slots=True)
class Item:
    """One event of a request on its way: what is known of it so far. `refusal` None at the end: accepted."""

    event: CloudEvent | None
    refusal: Refusal | None = None
    statement: Statement | None = None
    records: Sequence[OutRecord] = ()


class Handler:
    """Takes the events of requests. One per process."""

    def __init__(
        self,
        registry: Registry,
        producer: Producer,
        router: Router,
        *,
        clock: Clock,
        deadline_ms: int,
        measured: Metrics,
    ) -> None:
        self._registry = registry
        self._producer = producer
        self._router = router
        self._clock = clock
        self._deadline_ms = deadline_ms
        self._metrics = measured
        self._stalled_since: float | None = None

    async def take(self, items: Sequence[Item], sender: Sender) -> None:
        """Bring each item to its end: accepted, or with a refusal."""
        ends = self._ends()
        await self._admit(items, sender)
        kept, rest = _parted(items)
        if kept:
            await self._within(ends, kept, partial(self._register, self._registry.apply))
        if rest:
            await self._within(ends, rest, self._prepare)
            await self._send([item for item in rest if item.refusal is None], ends)
        self._count(items)

    async def check(self, items: Sequence[Item], sender: Sender) -> None:
        """Say of each item what `take` would, as things are: nothing is written, and nobody is told."""
        ends = self._ends()
        await self._admit(items, sender)
        kept, rest = _parted(items)
        if kept:
            await self._within(ends, kept, partial(self._register, self._registry.consider))
        if rest:
            await self._within(ends, rest, self._look_up)

    def problem(self) -> str | None:
        """Return why nothing is taken now, None if it is: for readiness."""
        if self._stalled_since is None or not self._producer.waiting_bytes:
            return None
        seconds = asyncio.get_running_loop().time() - self._stalled_since
        return f"Kafka has acknowledged nothing for {seconds:.0f} s"

    def _ends(self) -> float:
        return asyncio.get_running_loop().time() + self._deadline_ms / 1000

    async def _admit(self, items: Sequence[Item], sender: Sender) -> None:
        clock = asyncio.get_running_loop()
        since = clock.time()
        for item in items:
            if item.event is not None and item.refusal is None:
                try:
                    item.statement = admit(item.event, sender, self._clock)
                except Refused as refused:
                    item.refusal = refused.refusal
            if clock.time() - since > _BREATH_S:
                await asyncio.sleep(0)
                since = clock.time()

    async def _within(
        self, ends: float, items: Sequence[Item], work: Callable[[Sequence[Item]], Awaitable[None]]
    ) -> None:
        """Do what needs the database; when it does not answer in time the items are unavailable."""
        try:
            async with asyncio.timeout_at(ends):
                await work(items)
        except (TimeoutError, Transient):
            for item in items:
                item.refusal = item.refusal or unavailable("the registry does not answer; send it again")

    async def _register(self, decide: Decide, items: Sequence[Item]) -> None:
        refusals = await decide([_statement(item) for item in items])
        for item, refusal in zip(items, refusals, strict=True):
            item.refusal = refusal

    async def _prepare(self, items: Sequence[Item]) -> None:
        """Look up what is missing, note which markets learn of which sites, and make the records."""
        statements = [_statement(item) for item in items]
        standings = await self._registry.standings(_sites(statements))
        told = {
            (s.data.party, s.data.site, self._router.place(s.data.item.class_).market)
            for s in statements
            if isinstance(s.data, _LISTED) and (s.data.party, s.data.site) in standings
        }
        standings.update(await self._registry.tell(told))
        await self._make(items, standings)

    async def _look_up(self, items: Sequence[Item]) -> None:
        """Make the records as `_prepare` does, and note nothing."""
        await self._make(items, await self._registry.standings(_sites(map(_statement, items))))

    async def _make(self, items: Sequence[Item], standings: Standings) -> None:
        parties = {data.party for data in (_statement(item).data for item in items) if hasattr(data, "party")}
        registered = await self._registry.registered(parties)
        for item in items:
            try:
                item.records = self._records(_statement(item), registered, standings)
            except Refused as refused:
                item.refusal = refused.refusal

    def _records(self, statement: Statement, registered: set[str], standings: Standings) -> list[OutRecord]:
        data = statement.data
        item_class = class_of(data)
        if item_class is None:
            return [market_record(statement, data, place) for place in self._router.everywhere()]
        party: str = getattr(data, "party", "")
        if party not in registered:
            raise Refused(unknown_party(party))
        place = self._router.place(item_class)
        if not isinstance(data, _SITED):
            return [market_record(statement, data, place)]
        standing = standings.get((party, data.site))
        if standing is None:
            raise Refused(unknown_site(party, data.site))
        told = listed(data, standing.site, standing.terms) if isinstance(data, _LISTED) else data
        return [market_record(statement, told, place)]

    async def _send(self, items: Sequence[Item], ends: float) -> None:
        records = [record for item in items for record in item.records]
        if not records:
            return
        await failpoint("ingest.before_send")
        left_ms = max(1, int((ends - asyncio.get_running_loop().time()) * 1000))
        receipts = iter(await self._producer.send_and_wait(records, deadline_ms=left_ms))
        await failpoint("ingest.after_send")
        for item in items:
            own = [next(receipts) for _ in item.records]
            item.refusal = next((refusal for refusal in map(_refusal, own) if refusal is not None), None)
        self._note_stall(
            stalled=all(item.refusal is not None and item.refusal.status == 503 for item in items)
        )

    def _note_stall(self, *, stalled: bool) -> None:
        if not stalled:
            self._stalled_since = None
        elif self._stalled_since is None:
            self._stalled_since = asyncio.get_running_loop().time()

    def _count(self, items: Sequence[Item]) -> None:
        self._metrics.set(metrics.WAITING_BYTES, self._producer.waiting_bytes)
        ends = Counter((_known_type(item), item.refusal.name if item.refusal else "") for item in items)
        for (event_type, reason), count in ends.items():
            if reason:
                self._metrics.add(metrics.REJECTED, count, type=event_type, reason=reason)
            else:
                self._metrics.add(metrics.ACCEPTED, count, type=event_type)


def _parted(items: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """Return what the registry holds, and what goes straight to the log."""
    open_items = [item for item in items if item.statement is not None]
    kept = [item for item in open_items if is_registered(_statement(item))]
    return kept, [item for item in open_items if not is_registered(_statement(item))]


def _sites(statements: Iterable[Statement]) -> set[SiteKey]:
    return {(s.data.party, s.data.site) for s in statements if isinstance(s.data, _SITED)}


def _known_type(item: Item) -> str:
    sent = item.event.type if item.event is not None else ""
    return sent if sent in INTAKE_BY_TYPE else "unknown"


def _statement(item: Item) -> Statement:
    assert item.statement is not None
    return item.statement


def _refusal(receipt: Receipt) -> Refusal | None:
    if receipt.state == "written":
        return None
    if receipt.state == "pending":
        return unavailable("Kafka has not acknowledged it in time; send it again with the same id")
    return _of_error(receipt.error)


def _of_error(error: TenonError | None) -> Refusal:
    if isinstance(error, Unusable):
        return too_large(error.reason, "an event that fits into one record of the log")
    return unavailable(f"Kafka does not take it ({error}); send it again with the same id")
