"""A message is taken in one transaction: what is ruled, what is kept, what the log is told.

Whoever is answered 200 or 201 is answered after its commit; where anything fails, nothing was taken.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest import metrics
from ingest.catenax import store
from ingest.catenax.opening import Opening
from ingest.catenax.store import Partner
from ingest.domain.faults import Fault
from ingest.formats.catenax.aspects import COMMENT, DEMAND, NOTIFICATION, AspectType
from ingest.formats.catenax.connected import Node, nodes_of
from ingest.formats.catenax.notification_cases import Between, key_between, rule_notification
from ingest.formats.catenax.reading import Read
from ingest.formats.catenax.ruling import (
    MOST_KEPT,
    Held,
    Key,
    Known,
    Pair,
    Ruled,
    full,
    key_of,
    ordered,
    pair_of,
    rule,
)
from ingest.formats.catenax.short_term_cases import rule_short_term, short_term_key
from ingest.formats.catenax.values import plain_uuid
from tenon.db import Connection, Database
from tenon.failpoints import failpoint
from tenon.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Taking:
    """Takes messages. `changed` is called after each commit that filled the outbox."""

    database: Database
    opening: Opening
    measured: Metrics
    now: Callable[[], datetime]
    changed: Callable[[], None]

    async def take(self, aspect: AspectType, reads: Sequence[Read], sender: str) -> list[Ruled]:
        """Return what becomes of each object, in order; committed when it returns."""
        now = self.now()
        told_of = {pair_of(read.value) for read in reads if read.value is not None}
        # Those of others are refused, so nobody waits for them.
        pairs = {pair for pair in told_of if sender in pair}
        async with self.database.transaction() as connection:
            await store.hold(connection, pairs)
            known = await _known(connection, aspect, reads, sender, now)
            before = dict(known.objects)
            ruled = [rule(read, aspect, known) for read in reads]
            await store.save(connection, aspect, ruled, now)
            told = await self._list(connection, ruled, before, now)
            await failpoint("ingest.before_commit")
        await failpoint("ingest.after_commit")
        if told:
            self.changed()
            self.measured.add(metrics.CATENAX_LISTED, told)
        self._count(aspect, ruled)
        return ruled

    async def notify(self, read: Read, sender: str, recipient: str) -> Ruled:
        """Return what becomes of a notification; committed when it returns."""
        pair = ordered(sender, recipient)
        async with self.database.transaction() as connection:
            await store.hold(connection, [pair])
            partners = await store.partners(connection, {sender, recipient})
            judged = _served(read, recipient, partners, "/header")
            between = await _between(connection, judged, (sender, recipient), partners)
            keys = [] if read.value is None else [key_between(sender, recipient, read.value.notification_id)]
            held = await store.held(connection, NOTIFICATION, keys)
            count = (await store.counts(connection, NOTIFICATION, [pair]))[pair]
            judged = _with_room(judged, bool(held), count)
            ruled = rule_notification(judged, between, held.get(keys[0]) if keys else None)
            await store.save(connection, NOTIFICATION, [ruled], self.now())
            await failpoint("ingest.before_commit")
        await failpoint("ingest.after_commit")
        self._count(NOTIFICATION, [ruled])
        return ruled

    async def note(
        self, aspect: AspectType, reads: Sequence[Read], sender: str, recipient: str
    ) -> list[Ruled]:
        """Return what becomes of short-term figures, in order; committed when it returns."""
        now, between, pair = self.now(), (sender, recipient), ordered(sender, recipient)
        async with self.database.transaction() as connection:
            await store.hold(connection, [pair])
            partners = await store.partners(connection, {recipient})
            keys = {short_term_key(read.value, *between) for read in reads if read.value is not None}
            held = await store.held(connection, aspect, keys)
            served = [_served(read, recipient, partners, "/messageHeader/header") for read in reads]
            count = (await store.counts(connection, aspect, [pair]))[pair]
            judged = [
                _with_room(read, read.value is None or short_term_key(read.value, *between) in held, count)
                for read in served
            ]
            ruled = [rule_short_term(read, between, held, now) for read in judged]
            await store.save(connection, aspect, ruled, now)
            await failpoint("ingest.before_commit")
        await failpoint("ingest.after_commit")
        self._count(aspect, ruled)
        return ruled

    def _count(self, aspect: AspectType, ruled: Sequence[Ruled]) -> None:
        for action, count in Counter(each.action for each in ruled).items():
            self.measured.add(metrics.CATENAX_TAKEN, count, type=aspect.name, outcome=action)

    async def _list(
        self, connection: Connection, ruled: Sequence[Ruled], before: Mapping[Key, Held], now: datetime
    ) -> int:
        """Bring the market up to date with what has changed: what hung on it before, and does now."""
        changed: dict[Pair, set[Node]] = {}
        for each in ruled:
            if each.key is not None:
                values = [held.value for held in (before.get(each.key), each.held) if held is not None]
                nodes = (node for value in values for node in nodes_of(value))
                changed.setdefault(each.key[:2], set()).update(nodes)
        return await self.opening.refresh(connection, {p: n for p, n in changed.items() if n}, now)


async def _between(
    connection: Connection, read: Read, names: tuple[str, str], partners: Mapping[str, Partner]
) -> Between:
    sender, recipient = names
    sites = [partners[name].sites.keys() if name in partners else () for name in names]
    assets = [
        plain_uuid(each.material_global_asset_id)
        for each in (read.value.materials_affected if read.value is not None else ())
        if each.material_global_asset_id is not None
    ]
    foreign = await store.foreign(connection, assets, sender) if assets else ()
    return Between(sender, recipient, sites[0], sites[1], foreign)


def _served(read: Read, recipient: str, partners: Mapping[str, Partner], header: str) -> Read:
    """Return what was read, at fault where nobody is served here under the number that it is for."""
    if recipient in partners:
        return read
    expected = "the BPNL of a partner that is registered"
    fault = Fault(f"{header}/receiverBpn", "no partner with this BPNL is served here", expected)
    return Read(read.at, read.value, (*read.faults, fault))


def _with_room(read: Read, known: bool, count: int) -> Read:
    return Read(read.at, read.value, (*read.faults, *full(known, count, MOST_KEPT, read.at)))


async def _known(
    connection: Connection, aspect: AspectType, reads: Sequence[Read], sender: str, now: datetime
) -> Known:
    values = [read.value for read in reads if read.value is not None]
    keys = {key_of(value) for value in values}
    pairs = {pair_of(value) for value in values}
    partners = await store.partners(connection, {bpnl for pair in pairs for bpnl in pair})
    known = Known(sender, now, frozenset(partners))
    known.objects = await store.held(connection, aspect, keys)
    known.counts = await store.counts(connection, aspect, pairs)
    if aspect is DEMAND:
        wanted: set[Key] = {(*pair_of(value), value.material_number_customer) for value in values}
        known.subjects = await store.subjects(connection, aspect, wanted)
    if aspect is COMMENT:
        about: set[Key] = {(*pair_of(value), plain_uuid(value.object_id)) for value in values}
        known.exchanged = await store.exchanged(connection, about)
    return known
