"""Releases as a partner sets them: into force, out of force, and what has come of each.

A change is one transaction with what the market is told because of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest.catenax import listings, queries, store
from ingest.catenax.opening import Opening
from ingest.domain.faults import Fault, Refused, conflict, invalid
from ingest.formats.catenax.connected import Node
from ingest.formats.catenax.listing import Listed
from ingest.formats.catenax.market import subject_of
from ingest.formats.catenax.releases import Release
from ingest.formats.catenax.ruling import Pair
from tenon.db import Connection, Database
from tenon.failpoints import failpoint

MOST_RELEASES = 5_000
"""Most releases of a party."""


@dataclass(frozen=True, slots=True)
class Releases:
    """The releases of partners. `changed` is called after each commit that filled the outbox."""

    database: Database
    opening: Opening
    now: Callable[[], datetime]
    changed: Callable[[], None]

    async def put(self, party: str, name: str, data: Release) -> None:
        """Put a release into force. Raise `Refused`: no business partner, another release about the same."""
        async with self.database.transaction() as connection:
            pairs = await self._held(connection, party)
            before = await _check(connection, party, name, data)
            await listings.release(connection, party, name, data)
            changed = dict.fromkeys(pairs, (*_nodes(before), *_nodes(data)))
            told = await self.opening.refresh(connection, changed, self.now())
            await failpoint("ingest.before_commit")
        await failpoint("ingest.after_commit")
        if told:
            self.changed()

    async def take_back(self, party: str, name: str) -> bool:
        """Take a release out of force, and what it let onto the market with it; False when there is none."""
        async with self.database.transaction() as connection:
            pairs = await self._held(connection, party)
            before = await listings.take_back(connection, party, name)
            changed = dict.fromkeys(pairs, _nodes(before))
            told = await self.opening.refresh(connection, changed, self.now())
        if told:
            self.changed()
        return before is not None

    async def of(self, party: str) -> Sequence[tuple[str, Release, Sequence[tuple[Pair, Listed]]]]:
        """Return each release of a party with what has come of it."""
        async with self.database.acquire() as connection:
            found = await listings.released(connection, [party])
            listed = await listings.listed_by(connection, party)
            materials = await queries.materials(connection, party)
        return [
            (each.release, each.data, [one for one in listed if _is_of(one[1], key[1], key[2], materials)])
            for key, each in found.items()
        ]

    async def _held(self, connection: Connection, party: str) -> list[Pair]:
        bpnl = await connection.fetchval("SELECT bpnl FROM catenax_partners WHERE party = $1", party)
        if bpnl is None:
            fault = Fault("", f"{party!r} has no BPNL", "a party that is registered as a business partner")
            raise Refused(invalid([fault]))
        return await store.hold_partner(connection, bpnl)


def _nodes(release: Release | None) -> tuple[Node, ...]:
    """Return what a release is about, as what may come out differently with it."""
    if release is None:
        return ()
    aspect, subject = subject_of(release)
    return (("material" if aspect == "demand" else "group", subject),)


async def _check(connection: Connection, party: str, name: str, data: Release) -> Release | None:
    """Return the release of this name that is in force; raise `Refused` where the new one can't be."""
    found = await listings.released(connection, [party])
    aspect, subject = subject_of(data)
    other = found.get((party, aspect, subject))
    if other is not None and other.release != name:
        at = "/material" if data.material is not None else "/capacity_group"
        raise Refused(conflict(at, f"{other.release!r} is about it", "one release of each"))
    if len(found) >= MOST_RELEASES and all(each.release != name for each in found.values()):
        raise Refused(conflict("", f"{party!r} has {MOST_RELEASES} releases", "fewer: take one back first"))
    return next((each.data for each in found.values() if each.release == name), None)


def _is_of(listed: Listed, aspect: str, subject: str, materials: dict[str, str]) -> bool:
    if aspect == "demand":
        return listed.kind == "demand" and materials.get(listed.subject) == subject
    return listed.kind == "offer" and listed.subject == subject
