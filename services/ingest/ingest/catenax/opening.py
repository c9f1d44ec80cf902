"""The way from a pair of partners to the open market: brings what is listed up to date, in one transaction.

Called with the relationship held (`store.hold`), after everything else of the transaction is written. What it
tells goes to the outbox of the same transaction, so the market knows what is kept, and nothing else.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from functools import partial
from itertools import chain

from ingest import store as registry
from ingest.catenax import listings, store
from ingest.catenax.store import Partner
from ingest.domain.admit import Statement
from ingest.domain.faults import Refused
from ingest.domain.records import SOURCE, listed, market_record
from ingest.domain.route import Router
from ingest.formats.catenax import market
from ingest.formats.catenax.connected import Node, connected
from ingest.formats.catenax.linking import Relation
from ingest.formats.catenax.listing import Change, Listed, changes
from ingest.formats.catenax.market import Side
from ingest.formats.catenax.ruling import Pair
from tenon import outbox
from tenon.contracts.cloudevents import CloudEvent
from tenon.contracts.families import INTAKE_BY_TYPE
from tenon.contracts.intake import DemandPublished, OfferPublished
from tenon.contracts.values import Shape
from tenon.db import Connection
from tenon.records import OutRecord

Changed = Mapping[Pair, Collection[Node] | None]
"""What has changed in each relationship; None: anything may have."""
_NO_SITE = "the site is not published: send tenon.site.published.v1 first"


class Opening:
    """Lists what partners release and withdraws what they don't any more."""

    def __init__(self, router: Router, reader: Executor) -> None:
        self._router = router
        self._reader = reader

    async def refresh(self, connection: Connection, changed: Changed, now: datetime) -> int:
        """Bring the listings of relationships up to date; return how many events the log is told."""
        told = 0
        for pair, seeds in sorted(changed.items()):
            told += await self._refresh(connection, pair, seeds, now)
        return told

    async def _refresh(
        self, connection: Connection, pair: Pair, seeds: Collection[Node] | None, now: datetime
    ) -> int:
        sides = await store.partners(connection, pair)
        before = await listings.listed(connection, pair)
        supplier, customer = await self._sides(connection, sides, pair)
        if not before and not supplier.releases and not customer.releases:
            return 0
        relation = await store.relation(connection, pair)
        compared = partial(_compared, relation, seeds, (pair, supplier, customer), now, before)
        changed = await asyncio.get_running_loop().run_in_executor(self._reader, compared)
        return await self._tell(connection, pair, changed)

    async def _sides(
        self, connection: Connection, sides: dict[str, Partner], pair: Pair
    ) -> tuple[Side, Side]:
        parties = {bpnl: partner.party for bpnl, partner in sides.items()}
        released = await listings.released(connection, parties.values())
        found = []
        for bpnl, aspect in zip(pair, ("capacity", "demand"), strict=True):
            partner = sides.get(bpnl)
            if partner is None:
                found.append(Side("", {}))
                continue
            own = {
                subject: each.data
                for (party, kind, subject), each in released.items()
                if (party, kind) == (partner.party, aspect)
            }
            found.append(Side(partner.party, partner.sites, own))
        return found[0], found[1]

    async def _tell(self, connection: Connection, pair: Pair, changed: Sequence[Change]) -> int:
        keys = {(c.event.party, c.event.site) for c in changed if isinstance(c.event, _LISTED)}
        standings = await registry.standings(connection, keys, hold=True) if keys else {}
        records: list[OutRecord] = []
        kept: list[Change] = []
        noted: set[tuple[str, str, str]] = set()
        for change in changed:
            data = change.event
            try:
                if isinstance(data, _LISTED):
                    standing = standings.get((data.party, data.site))
                    if standing is None:
                        kept.append(change.failed(_NO_SITE))
                        continue
                    records.append(self._record(change, data, listed(data, standing.site, standing.terms)))
                    place = self._router.place(data.item.class_)
                    noted.add((data.party, data.site, place.market))
                elif data is not None:
                    records.append(self._record(change, data, data))
                kept.append(change)
            except Refused as refused:
                kept.append(change.failed(refused.refusal.detail))
        if noted:
            await registry.note_markets(connection, noted)
        await listings.save(connection, pair, kept)
        if records:
            await outbox.append(connection, records)
        return len(records)

    def _record(self, change: Change, data: Shape, told: Shape) -> OutRecord:
        listing = change.listed
        event = CloudEvent(f"{listing.listing}/{listing.revision}", SOURCE, change.event_type, b"")
        statement = Statement(event, INTAKE_BY_TYPE[change.event_type], data)
        return market_record(statement, told, self._router.place(listing.item_class))


_LISTED = DemandPublished | OfferPublished


def _compared(
    whole: Relation,
    seeds: Collection[Node] | None,
    sides: tuple[Pair, Side, Side],
    now: datetime,
    before: Mapping[str, Listed],
) -> list[Change]:
    """Return what is different on the market; beside the loop, because much of it takes a while."""
    pair, supplier, customer = sides
    relation = whole if seeds is None else connected(whole, seeds)
    if seeds is not None:
        subjects = {*relation.demands, *relation.groups}
        before = {name: listed for name, listed in before.items() if listed.subject in subjects}
    demands = market.demands(relation, pair, customer, now)
    offers = market.offers(relation, pair, supplier, now)
    return list(changes(chain(demands, offers), before))
