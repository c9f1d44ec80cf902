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
from ingest.domain.admit import Statement, unknown_site
from ingest.domain.faults import Refused
from ingest.domain.records import SOURCE, listed, market_record
from ingest.domain.registry import SiteKey
from ingest.domain.route import Place, Router
from ingest.formats.catenax import market
from ingest.formats.catenax.connected import Node, connected
from ingest.formats.catenax.linking import Relation
from ingest.formats.catenax.listing import Change, Listed, changes
from ingest.formats.catenax.market import Side
from ingest.formats.catenax.ruling import Pair
from ingest.store import Standing
from tenon import outbox
from tenon.contracts.cloudevents import CloudEvent
from tenon.contracts.families import INTAKE_BY_TYPE
from tenon.contracts.intake import DemandPublished, OfferPublished
from tenon.db import Connection
from tenon.records import OutRecord

Changed = Mapping[Pair, Collection[Node] | None]
"""What has changed in each relationship; None: anything may have."""


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
        sites = {(c.event.party, c.event.site) for c in changed if isinstance(c.event, _LISTED)}
        standings = await registry.standings(connection, sites, hold=True) if sites else {}
        records: list[OutRecord] = []
        kept: list[Change] = []
        for change in changed:
            try:
                records += self._records(change, standings)
                kept.append(change)
            except Refused as refused:
                kept.append(change.failed(refused.refusal.detail))
        told = [change.event for change in kept if isinstance(change.event, _LISTED)]
        await registry.note_markets(connection, {(d.party, d.site, self._place(d).market) for d in told})
        await listings.save(connection, pair, kept)
        await outbox.append(connection, records)
        return len(records)

    def _records(self, change: Change, standings: Mapping[SiteKey, Standing]) -> list[OutRecord]:
        """Return the record that tells a change, if any does; raise `Refused` where it can't be told."""
        data, listing = change.event, change.listed
        if data is None:
            return []
        event = CloudEvent(f"{listing.listing}/{listing.revision}", SOURCE, change.event_type, b"")
        statement = Statement(event, INTAKE_BY_TYPE[change.event_type], data)
        if not isinstance(data, _LISTED):
            return [market_record(statement, data, self._router.place(listing.item_class))]
        standing = standings.get((data.party, data.site))
        if standing is None:
            raise Refused(unknown_site(data.party, data.site))
        return [market_record(statement, listed(data, standing.site, standing.terms), self._place(data))]

    def _place(self, data: DemandPublished | OfferPublished) -> Place:
        return self._router.place(data.item.class_)


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
    return list(changes(chain(demands, offers), before, now))
