"""Machines as parties register them: into force, out of force; each change is one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest import store as registry
from ingest.domain.admit import Sender, unknown_site
from ingest.domain.calendars import worked_hours
from ingest.domain.faults import Fault, Refused, conflict, invalid
from ingest.domain.route import Router
from ingest.formats.mtconnect.machines import Machine, faults_of
from ingest.mtconnect import store, telling
from ingest.mtconnect.store import Registered
from tenon.db import Connection, Database
from tenon.guard import BadUrl, check_url

MOST_MACHINES = 500
"""Most machines of a party."""
MOST_SPANS = 2_000
"""Most working spans (a shift of a date each) of a machine's calendar."""


@dataclass(frozen=True, slots=True)
class Machines:
    """The register of machines. `changed` is called after each commit that filled the outbox."""

    database: Database
    router: Router
    allow_private: bool
    now: Callable[[], datetime]
    changed: Callable[[], None]

    async def put(self, party: str, machine: str, said: Machine, sender: Sender) -> None:
        """Register a machine, or say something else of it; raise `Refused` 409 or 422."""
        self._check(party, said, sender)
        async with self.database.transaction() as connection:
            await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtext('tenon mtconnect ' || $1))", party
            )
            before = await store.held(connection, party, machine)
            if not await registry.standings(connection, {(party, said.site)}, hold=True):
                refusal = unknown_site(party, said.site)
                raise Refused(invalid(faults_of(refusal.faults)))
            _check_others(await store.resources(connection, party), machine, said, before)
            await store.put(connection, party, machine, said)
            if before is not None and _is_other(before.said, said):
                await store.forget_running(connection, party, machine)

    async def of(self, party: str, after: str, limit: int) -> Sequence[Registered] | None:
        """Return machines of a party, None when there is no such party."""
        async with self.database.acquire() as connection:
            known = await registry.known_parties(connection, [party])
            return await store.page(connection, party, after, limit) if known else None

    async def take_back(self, party: str, machine: str) -> bool:
        """Follow a machine no more and withdraw its resource; False when there is none."""
        async with self.database.transaction() as connection:
            before = await store.held(connection, party, machine)
            if before is None:
                return False
            await self._withdraw(connection, before)
        self.changed()
        return True

    async def _withdraw(self, connection: Connection, before: Registered) -> None:
        await telling.withdraw(connection, self.router, before, self.now())
        await store.delete(connection, before.party, before.machine)

    def _check(self, party: str, said: Machine, sender: Sender) -> None:
        try:
            telling.checked(party, said, sender)
        except Refused as refused:
            raise Refused(invalid(faults_of(refused.refusal.faults))) from None
        try:
            check_url(said.agent, allow_private=self.allow_private)
        except BadUrl as error:
            raise Refused(invalid([Fault("/agent", str(error), "the URL of an agent")])) from None
        if "?" in said.agent:
            raise Refused(invalid([Fault("/agent", "it has a query", "the URL before the device's name")]))
        spans = sum(1 for _ in worked_hours(said.calendar))
        if spans > MOST_SPANS:
            reason, expected = f"{spans} working spans", f"at most {MOST_SPANS}: fewer dates or shifts"
            raise Refused(invalid([Fault("/calendar", reason, expected)]))


def _is_other(before: Machine, said: Machine) -> bool:
    return (before.agent, before.device) != (said.agent, said.device)


def _fixed(said: Machine) -> tuple[object, ...]:
    return said.resource, said.class_, said.unit


def _check_others(known: Mapping[str, str], machine: str, said: Machine, before: Registered | None) -> None:
    if before is not None and _fixed(before.said) != _fixed(said):
        expected = "what it was registered with; delete the machine to register it anew"
        raise Refused(conflict("/resource", "resource, class and unit of a machine stay", expected))
    other = known.get(said.resource, machine)
    if other != machine:
        raise Refused(
            conflict("/resource", f"it is machine {other!r}'s", "a resource of its own for each machine")
        )
    if before is None and len(known) >= MOST_MACHINES:
        raise Refused(conflict("", f"there are {MOST_MACHINES} machines", "fewer: delete one first"))
