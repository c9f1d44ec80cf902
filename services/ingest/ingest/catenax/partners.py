"""Who is behind a number of Catena-X: which party has which BPNL, and which of its sites which BPNS.

The administrator says it, because whoever has a number is told what is meant for it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from ingest.cache import Remembered
from ingest.catenax import store
from ingest.catenax.opening import Opening
from ingest.catenax.store import Partner
from ingest.domain.admit import Sender
from ingest.domain.faults import Fault, Refused, conflict, invalid
from ingest.formats.catenax.values import Bpnl, Bpns
from tenon.contracts.values import Id, Shape
from tenon.db import Connection, Database
from tenon.problems import Problem

_MOST = 100_000
Sites = Annotated[dict[Bpns, Id], Meta(max_length=5_000, description="Published sites by their BPNS.")]


class BusinessPartner(Shape, frozen=True, kw_only=True):
    """The number of a party, and its sites by theirs."""

    bpnl: Bpnl
    sites: Sites = {}


@dataclass(frozen=True, slots=True)
class Partners:
    """The register of partners."""

    database: Database
    opening: Opening
    now: Callable[[], datetime]
    changed: Callable[[], None]
    remembered: Remembered[str, str]

    async def speaking(self, sender: Sender, said: str) -> str:
        """Return the number of who sends; the administrator speaks for whom it says. Raise `Problem` 403."""
        if sender.party is None:
            return said
        known = self.remembered.get(sender.party)
        if known is None:
            known = await self.database.fetchval(
                "SELECT bpnl FROM catenax_partners WHERE party = $1", sender.party
            )
            if known is None:
                detail = f"{sender.party!r} has no BPNL; the administrator registers it as a business partner"
                raise Problem(403, detail)
            self.remembered.put(sender.party, known)
        return known

    async def of(self, party: str) -> Partner | None:
        """Return the partner that a party is, None when it is none."""
        async with self.database.acquire() as connection:
            return await _of(connection, party)

    async def register(self, party: str, told: BusinessPartner) -> bool:
        """Put a party's numbers into force; False when there is no such party. Raise `Refused` 409 or 422."""
        async with self.database.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('tenon catena-x partners'))")
            if await connection.fetchval("SELECT 1 FROM parties WHERE party = $1", party) is None:
                return False
            await _check(connection, party, told)
            await _write(connection, party, told)
            pairs = await store.hold_partner(connection, told.bpnl)
            told_events = await self.opening.refresh(connection, dict.fromkeys(pairs), self.now())
        if told_events:
            self.changed()
        return True


def remembered_numbers(ttl_ms: float) -> Remembered[str, str]:
    """Return room for the numbers of parties; a party keeps its number, so this saves look-ups only."""
    return Remembered(ttl_ms, _MOST, lambda: asyncio.get_running_loop().time() * 1000)


async def _of(connection: Connection, party: str) -> Partner | None:
    bpnl = await connection.fetchval("SELECT bpnl FROM catenax_partners WHERE party = $1", party)
    return None if bpnl is None else (await store.partners(connection, [bpnl]))[bpnl]


async def _check(connection: Connection, party: str, told: BusinessPartner) -> None:
    present = await _of(connection, party)
    if present is not None and present.bpnl != told.bpnl:
        raise Refused(conflict("/bpnl", f"{party!r} is {present.bpnl}", "the number that it has: it is kept"))
    owner = await connection.fetchval("SELECT party FROM catenax_partners WHERE bpnl = $1", told.bpnl)
    if owner not in (None, party):
        raise Refused(conflict("/bpnl", f"{told.bpnl} is {owner!r}", "a number that no other party has"))
    await _check_sites(connection, party, told.sites)


async def _check_sites(connection: Connection, party: str, sites: Mapping[str, str]) -> None:
    rows = await connection.fetch("SELECT site FROM sites WHERE party = $1", party)
    published = {row["site"] for row in rows}
    faults = [
        Fault(f"/sites/{bpns}", f"{party!r} has published no site {site!r}", "a site of this party")
        for bpns, site in sites.items()
        if site not in published
    ]
    if faults:
        raise Refused(invalid(faults))
    taken = await connection.fetchrow(
        "SELECT bpns, party FROM catenax_sites WHERE bpns = ANY($1::text[]) AND party <> $2 LIMIT 1",
        list(sites),
        party,
    )
    if taken is not None:
        reason = f"{taken['bpns']} is a site of {taken['party']!r}"
        raise Refused(conflict(f"/sites/{taken['bpns']}", reason, "a number that no other party's site has"))


async def _write(connection: Connection, party: str, told: BusinessPartner) -> None:
    await connection.execute(
        "INSERT INTO catenax_partners (party, bpnl) VALUES ($1, $2)"
        " ON CONFLICT (party) DO UPDATE SET changed_at = now()",
        party,
        told.bpnl,
    )
    await connection.execute("DELETE FROM catenax_sites WHERE party = $1", party)
    await connection.execute(
        "INSERT INTO catenax_sites (party, bpns, site) SELECT $1, * FROM unnest($2::text[], $3::text[])",
        party,
        list(told.sites),
        list(told.sites.values()),
    )
