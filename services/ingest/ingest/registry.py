"""The registry as the rest of ingest uses it: look-ups, mostly remembered, and changes that are committed.

A change is one transaction: the rows, and the outbox records that tell of it. Decides what is remembered
and for how long; what a statement changes is decided in `domain.registry`.
"""

import asyncio
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from ingest import store
from ingest.cache import Remembered
from ingest.domain.admit import Statement
from ingest.domain.faults import Refusal
from ingest.domain.registry import SiteKey, decide
from ingest.domain.route import Router
from ingest.store import Standing
from tenon.contracts.intake import PartyRegistered, SitePublished
from tenon.db import Database
from tenon.failpoints import failpoint

_MOST = 200_000
Told = tuple[str, str, str]
"""Party, site, and a market that knows it."""


class Registry:
    """Parties, sites and policies. `changed` is called after each commit that filled the outbox."""

    def __init__(self, database: Database, router: Router, ttl_ms: int, changed: Callable[[], None]) -> None:
        self._database = database
        self._router = router
        self._changed = changed
        self._standings: Remembered[SiteKey, Standing] = Remembered(ttl_ms, _MOST, _now_ms)
        # Neither parties nor markets of a site are ever taken away, so these need no end.
        self._parties: Remembered[str, bool] = Remembered(math.inf, _MOST, _now_ms)
        self._told: Remembered[Told, bool] = Remembered(math.inf, _MOST, _now_ms)

    async def apply(self, statements: Sequence[Statement]) -> list[Refusal | None]:
        """Put statements about parties, sites and policies into force, in order; None for each that is."""
        async with self._database.transaction() as connection:
            present = await store.load(connection, [statement.data for statement in statements])
            changes = decide(statements, present, self._router)
            await store.save(connection, changes)
            await failpoint("ingest.before_commit")
        await failpoint("ingest.after_commit")
        self._standings.forget(changes.sites)
        if changes.records:
            self._changed()
        return changes.refusals

    async def consider(self, statements: Sequence[Statement]) -> list[Refusal | None]:
        """Return what `apply` would, as the registry is; nothing changes."""
        async with self._database.transaction() as connection:
            present = await store.load(connection, [statement.data for statement in statements])
        return decide(statements, present, self._router).refusals

    async def registered(self, parties: Collection[str]) -> set[str]:
        """Return those of the parties that are registered."""
        known = set(self._parties.found(parties))
        missing = set(parties) - known
        if missing:
            async with self._database.acquire() as connection:
                found = await store.known_parties(connection, missing)
            for party in found:
                self._parties.put(party, True)
            known |= found
        return known

    async def standings(self, keys: Collection[SiteKey]) -> dict[SiteKey, Standing]:
        """Return site and terms for each (party, site) that exists; not older than the time remembered."""
        known = self._standings.found(keys)
        missing = [key for key in keys if key not in known]
        if missing:
            async with self._database.acquire() as connection:
                found = await store.standings(connection, missing)
            self._remember(found)
            known.update(found)
        return known

    async def tell(self, wanted: Iterable[Told]) -> Mapping[SiteKey, Standing]:
        """Note which markets are about to learn of which sites; return the sites that had to be read anew.

        A market that is new to a site is noted before it is told, in one transaction with reading the site:
        so every later change of the site reaches that market too.
        """
        new = {told for told in wanted if self._told.get(told) is None}
        if not new:
            return {}
        async with self._database.transaction() as connection:
            fresh = await store.standings(connection, {(party, site) for party, site, _ in new}, hold=True)
            new = {told for told in new if told[:2] in fresh}
            await store.note_markets(connection, new)
        for told in new:
            self._told.put(told, True)
        self._remember(fresh)
        return fresh

    def _remember(self, standings: Mapping[SiteKey, Standing]) -> None:
        for key, standing in standings.items():
            self._standings.put(key, standing)


def is_registered(statement: Statement) -> bool:
    """True for statements that the registry holds, when `apply` has to be called before anybody is told."""
    return isinstance(statement.data, PartyRegistered | SitePublished) or statement.family.name.startswith(
        "tenon.policy."
    )


def _now_ms() -> float:
    return asyncio.get_running_loop().time() * 1000
