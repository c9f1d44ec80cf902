"""What the read interface asks of the tables: rows of stored messages, page by page.

Pages follow keys that never change, so a page misses nothing and shows nothing twice while the rows move on.
What a viewer may see of a row is decided elsewhere; whose rows are looked for is decided here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Table, and_, func, select, tuple_, union_all

from notifier.keys import ListedKey, NewestKey, NumberKey
from notifier.tables import (
    attempts,
    dockings,
    endpoints,
    feed_counters,
    parked,
    parties,
    partitions,
    rejections,
    steps,
    totals,
)
from tenon.db import Database

HISTORY_DOCKINGS: Final = 200
HISTORY_STEPS: Final = 50
PLACES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows are wanted; what is not given does not matter. `party` None: everybody's."""

    party: str | None = None
    statuses: Sequence[str] = ()
    scheme: str | None = None
    code: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttemptFilter:
    """Which attempts are wanted; what is not given does not matter."""

    number: int | None = None
    event_id: str | None = None
    type: str | None = None
    status: int | None = None
    taken: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


class Queries:
    """Reads of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listed(
        self, table: Table, wanted: Filter, after: ListedKey | None, limit: int
    ) -> Sequence[Any]:
        """Return (party, id, data) of offers, resources or demands in order of party and id."""
        query: Any = select(table.c.party, table.c.id, table.c.data).order_by(table.c.party, table.c.id)
        query = _filtered(query, table, wanted)
        if wanted.party is not None:
            query = query.where(table.c.party == wanted.party)
        if after is not None:
            query = query.where(tuple_(table.c.party, table.c.id) > (after.party, after.name))
        return await self._rows(query.limit(limit))

    async def one_listed(self, table: Table, party: str, name: str) -> bytes | None:
        """Return one offer, resource or demand."""
        found = await self._rows(select(table.c.data).where(table.c.party == party, table.c.id == name))
        return found[0][0] if found else None

    async def docked(self, wanted: Filter, before: NewestKey | None, limit: int) -> Sequence[Any]:
        """Return (proposed_at, docking, data) of dockings, the newest first; a party's on both sides."""
        query = _docked(wanted, before, limit)
        if wanted.party is None:
            return await self._rows(query)
        supplies = query.where(dockings.c.supply_party == wanted.party)
        requires = query.where(
            dockings.c.demand_party == wanted.party, dockings.c.supply_party != wanted.party
        )
        return await self._rows(_newest([supplies, requires], limit))

    async def one_docking(self, docking: str) -> bytes | None:
        """Return one docking."""
        found = await self._rows(select(dockings.c.data).where(dockings.c.docking == docking))
        return found[0][0] if found else None

    async def dockings_of(self, side: str, party: str, name: str) -> Sequence[Any]:
        """Return (docking, data) of an offer's (`supply`) or demand's dockings, the newest first."""
        on = dockings.c.offer if side == "supply" else dockings.c.demand
        query = (
            select(dockings.c.docking, dockings.c.data)
            .where(dockings.c[f"{side}_party"] == party, on == name)
            .order_by(dockings.c.proposed_at.desc(), dockings.c.docking.desc())
            .limit(HISTORY_DOCKINGS)
        )
        return await self._rows(query)

    async def steps_of(self, names: Sequence[str]) -> Sequence[Any]:
        """Return (docking, data) of the newest steps of some dockings, in order."""
        back = func.row_number().over(partition_by=steps.c.docking, order_by=steps.c.revision.desc())
        counted = select(steps, back.label("back")).where(steps.c.docking.in_(names)).subquery()
        query = select(counted.c.docking, counted.c.data).where(counted.c.back <= HISTORY_STEPS)
        return await self._rows(query.order_by(counted.c.docking, counted.c.revision))

    async def names_of(self, wanted: Sequence[str]) -> dict[str, str]:
        """Return the names of parties, as far as they are known."""
        query = select(parties.c.party, parties.c.name).where(parties.c.party.in_(wanted))
        return {row[0]: row[1] for row in await self._rows(query)}

    async def rejected(self, party: str | None, before: NumberKey | None, limit: int) -> Sequence[Any]:
        """Return (id, event_id, type, received_at, data) of what could not be used, the newest first."""
        columns = (
            rejections.c.id,
            rejections.c.event_id,
            rejections.c.type,
            rejections.c.received_at,
            rejections.c.data,
        )
        query = select(*columns).order_by(rejections.c.id.desc())
        if party is not None:
            query = query.where(rejections.c.party == party)
        if before is not None:
            query = query.where(rejections.c.id < before.number)
        return await self._rows(query.limit(limit))

    async def rounds(self) -> Sequence[Any]:
        """Return (partition, data) of the last round of each partition."""
        return await self._rows(
            select(partitions.c.partition, partitions.c.data).order_by(partitions.c.partition)
        )

    async def sums(self) -> Sequence[Any]:
        """Return (unit, name, count, quantity) over all partitions, of what there is any."""
        query = (
            select(totals.c.unit, totals.c.name, func.sum(totals.c.count), func.sum(totals.c.quantity))
            .group_by(totals.c.unit, totals.c.name)
            .having(func.sum(totals.c.count) != 0)
            .order_by(totals.c.unit, totals.c.name)
        )
        return await self._rows(query)

    async def places(self, table: Table) -> Sequence[Any]:
        """Return (latitude, longitude, count) of open offers or demands per whole degree, most first."""
        query = (
            select(table.c.latitude, table.c.longitude, func.count())
            .where(table.c.status == "open")
            .group_by(table.c.latitude, table.c.longitude)
            .order_by(func.count().desc(), table.c.latitude, table.c.longitude)
            .limit(PLACES)
        )
        return await self._rows(query)

    async def subscriptions(self, audience: str, name: str | None = None) -> Sequence[Any]:
        """Return an audience's endpoints, their secrets sealed, with what waits for them."""
        waiting = select(func.count()).where(parked.c.endpoint == endpoints.c.id).scalar_subquery()
        last = select(feed_counters.c.last).where(feed_counters.c.audience == audience).scalar_subquery()
        query = select(*endpoints.c, waiting.label("parked"), func.coalesce(last, 0).label("last"))
        query = query.where(endpoints.c.audience == audience)
        if name is not None:
            query = query.where(endpoints.c.id == name)
        return await self._rows(query.order_by(endpoints.c.created_at, endpoints.c.id))

    async def attempts(
        self, endpoint: str, wanted: AttemptFilter, before: NumberKey | None, limit: int
    ) -> Sequence[Any]:
        """Return the attempts to serve a subscription, the newest first."""
        query = select(attempts).where(attempts.c.endpoint == endpoint).order_by(attempts.c.id.desc())
        for column, value in (
            (attempts.c.number, wanted.number),
            (attempts.c.event_id, wanted.event_id),
            (attempts.c.type, wanted.type),
            (attempts.c.status, wanted.status),
            (attempts.c.taken, wanted.taken),
        ):
            if value is not None:
                query = query.where(column == value)
        if wanted.since is not None:
            query = query.where(attempts.c.at >= wanted.since)
        if wanted.until is not None:
            query = query.where(attempts.c.at < wanted.until)
        if before is not None:
            query = query.where(attempts.c.id < before.number)
        return await self._rows(query.limit(limit))

    async def parked(self, endpoint: str, after: NumberKey | None, limit: int) -> Sequence[Any]:
        """Return what is parked at an endpoint, in the order of the feed."""
        query = select(parked).where(parked.c.endpoint == endpoint).order_by(parked.c.number)
        if after is not None:
            query = query.where(parked.c.number > after.number)
        return await self._rows(query.limit(limit))

    async def _rows(self, query: Any) -> Sequence[Any]:
        async with self._database.begin() as connection:
            return (await connection.execute(query)).all()


def _docked(wanted: Filter, before: NewestKey | None, limit: int) -> Any:
    keys = (dockings.c.proposed_at, dockings.c.docking)
    query: Any = select(*keys, dockings.c.data).order_by(*[key.desc() for key in keys])
    query = _filtered(query, dockings, wanted)
    if before is not None:
        query = query.where(tuple_(*keys) < (before.at, before.docking))
    return query.limit(limit)


def _filtered(query: Any, table: Table, wanted: Filter) -> Any:
    if wanted.statuses:
        query = query.where(table.c.status.in_(wanted.statuses))
    if wanted.scheme is not None:
        query = query.where(
            and_(table.c.scheme == wanted.scheme, table.c.code.startswith(wanted.code, autoescape=True))
        )
    if wanted.since is not None:
        query = query.where(table.c.at >= wanted.since)
    return query


def _newest(branches: Sequence[Any], limit: int) -> Any:
    both = union_all(*[branch.subquery().select() for branch in branches]).subquery()
    return select(both).order_by(both.c.proposed_at.desc(), both.c.docking.desc()).limit(limit)
