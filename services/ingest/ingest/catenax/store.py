"""Catena-X in PostgreSQL: partners, objects of relationships, and demands as they were.

Decides how rows are locked: whoever changes anything of a relationship holds it, until its transaction ends.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ingest.formats.catenax.aspects import DEMAND, GROUP, AspectType
from ingest.formats.catenax.linking import Relation
from ingest.formats.catenax.ruling import Held, Key, Pair, Ruled
from tenon.contracts.codec import decode_tolerant, encode_text
from tenon.db import Connection, Row

KEPT = timedelta(weeks=27)
"""How long a demand that was superseded is kept: the standard recommends six months (§5.11.3)."""

_LOCK = "hashtextextended('tenon catena-x ' || $1, 0)"


@dataclass(frozen=True, slots=True)
class Partner:
    """A party that takes part: its number, and its sites by theirs."""

    party: str
    bpnl: str
    sites: Mapping[str, str]


async def hold(connection: Connection, pairs: Iterable[Pair]) -> None:
    """Let nobody else change anything of these relationships, or of what its partners release."""
    wanted = sorted(set(pairs))
    for bpnl in sorted({bpnl for pair in wanted for bpnl in pair}):
        await connection.execute(f"SELECT pg_advisory_xact_lock_shared({_LOCK})", bpnl)
    await _hold_pairs(connection, wanted)


async def hold_partner(connection: Connection, bpnl: str) -> list[Pair]:
    """Let nobody else change anything that concerns a partner; return its relationships."""
    await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})", bpnl)
    pairs = await pairs_between(connection, bpnl, None)
    await _hold_pairs(connection, pairs)
    return pairs


async def _hold_pairs(connection: Connection, pairs: Iterable[Pair]) -> None:
    for pair in pairs:
        await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})", "/".join(pair))


async def partners(connection: Connection, bpnls: Collection[str]) -> dict[str, Partner]:
    """Return the partners with these numbers that are registered."""
    rows = await connection.fetch(
        """
        SELECT p.party, p.bpnl,
            coalesce(json_object_agg(s.bpns, s.site) FILTER (WHERE s.bpns IS NOT NULL), '{}')::text AS sites
        FROM catenax_partners p LEFT JOIN catenax_sites s ON s.party = p.party
        WHERE p.bpnl = ANY($1::text[]) GROUP BY p.party, p.bpnl
        """,
        sorted(bpnls),
    )
    return {row["bpnl"]: Partner(row["party"], row["bpnl"], _names(row["sites"])) for row in rows}


async def held(connection: Connection, aspect: AspectType, keys: Collection[Key]) -> dict[Key, Held]:
    """Return those of the objects that are held."""
    rows = await connection.fetch(
        """
        SELECT o.supplier, o.customer, o.id, o.sender, o.changed_at, o.data::text
        FROM unnest($2::text[], $3::text[], $4::text[]) AS k(supplier, customer, id)
        JOIN catenax_objects o
            ON o.aspect = $1 AND (o.supplier, o.customer, o.id) = (k.supplier, k.customer, k.id)
        """,
        aspect.name,
        *_columns(keys),
    )
    return {_key(row): Held(row["sender"], row["changed_at"], _value(aspect, row["data"])) for row in rows}


async def subjects(connection: Connection, aspect: AspectType, keys: Collection[Key]) -> dict[Key, str]:
    """Return under which ids a supplier, a customer and a subject are held."""
    rows = await connection.fetch(
        """
        SELECT o.supplier, o.customer, o.subject, o.id
        FROM unnest($2::text[], $3::text[], $4::text[]) AS k(supplier, customer, subject)
        JOIN catenax_objects o ON o.aspect = $1
            AND (o.supplier, o.customer, o.subject) = (k.supplier, k.customer, k.subject)
        """,
        aspect.name,
        *_columns(keys),
    )
    return {(row["supplier"], row["customer"], row["subject"]): row["id"] for row in rows}


async def exchanged(connection: Connection, keys: Collection[Key]) -> frozenset[Key]:
    """Return those of the ids under which a demand or a group is held."""
    rows = await connection.fetch(
        """
        SELECT o.supplier, o.customer, o.id
        FROM unnest($2::text[], $3::text[], $4::text[]) AS k(supplier, customer, id)
        JOIN catenax_objects o ON o.aspect = ANY($1::text[])
            AND (o.supplier, o.customer, o.id) = (k.supplier, k.customer, k.id)
        """,
        [DEMAND.name, GROUP.name],
        *_columns(keys),
    )
    return frozenset(map(_key, rows))


async def counts(connection: Connection, aspect: AspectType, pairs: Iterable[Pair]) -> dict[Pair, int]:
    """Return how many objects of an aspect each relationship has."""
    wanted = sorted(pairs)
    rows = await connection.fetch(
        """
        SELECT k.supplier, k.customer, count(o.id) AS count
        FROM unnest($2::text[], $3::text[]) AS k(supplier, customer)
        LEFT JOIN catenax_objects o ON o.aspect = $1 AND (o.supplier, o.customer) = (k.supplier, k.customer)
        GROUP BY k.supplier, k.customer
        """,
        aspect.name,
        [supplier for supplier, _ in wanted],
        [customer for _, customer in wanted],
    )
    return {(row["supplier"], row["customer"]): row["count"] for row in rows}


async def save(connection: Connection, aspect: AspectType, ruled: Sequence[Ruled], now: datetime) -> None:
    """Write what is kept; of one object that stands there twice the later."""
    last = {each.key: each for each in ruled if each.key is not None and each.held is not None}
    if not last:
        return
    keys = _columns(last)
    if aspect is DEMAND:
        await _keep_versions(connection, keys, now)
    rows = [(each.subject, each.held) for each in last.values() if each.held is not None]
    # A material may move from one demand to another in one message: it is free before it is taken.
    await connection.execute(
        """
        UPDATE catenax_objects o SET subject = NULL
        FROM unnest($2::text[], $3::text[], $4::text[]) AS k(supplier, customer, id)
        WHERE o.aspect = $1 AND (o.supplier, o.customer, o.id) = (k.supplier, k.customer, k.id)
            AND o.subject IS NOT NULL
        """,
        aspect.name,
        *keys,
    )
    await connection.execute(
        """
        INSERT INTO catenax_objects
            (aspect, supplier, customer, id, subject, sender, changed_at, received_at, data)
        SELECT $1, supplier, customer, id, subject, sender, changed_at, $2, data::jsonb
        FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[])
            AS r(supplier, customer, id, subject, sender, changed_at, data)
        ON CONFLICT (aspect, supplier, customer, id) DO UPDATE SET subject = excluded.subject,
            changed_at = excluded.changed_at, received_at = excluded.received_at, data = excluded.data
        """,
        aspect.name,
        now,
        *keys,
        [subject for subject, _ in rows],
        [each.sender for _, each in rows],
        [each.changed_at for _, each in rows],
        [None if each.value is None else encode_text(each.value) for _, each in rows],
    )


async def relation(connection: Connection, pair: Pair) -> Relation:
    """Return all that a supplier and a customer have told each other."""
    rows = await connection.fetch(
        """
        SELECT aspect, id, data::text FROM catenax_objects
        WHERE aspect = ANY($1::text[]) AND supplier = $2 AND customer = $3 ORDER BY id
        """,
        [DEMAND.name, GROUP.name],
        *pair,
    )
    return Relation(_of(DEMAND, rows), _of(GROUP, rows))


async def relation_at(connection: Connection, pair: Pair, groups: Relation, at: datetime) -> Relation:
    """Return the demands of a relationship as they were held at a time, with the groups of today."""
    rows = await connection.fetch(
        """
        SELECT $1 AS aspect, id, data::text FROM catenax_objects
        WHERE aspect = $1 AND supplier = $2 AND customer = $3 AND received_at <= $4
        UNION ALL
        SELECT $1, id, data::text FROM catenax_versions
        WHERE supplier = $2 AND customer = $3 AND received_at <= $4 AND superseded_at > $4
        """,
        DEMAND.name,
        *pair,
        at,
    )
    return Relation(_of(DEMAND, rows), groups.groups)


async def foreign(connection: Connection, assets: Collection[str], bpnl: str) -> frozenset[str]:
    """Return those of the materials that demands speak of, but none in which this partner is a side."""
    rows = await connection.fetch(
        """
        SELECT lower(replace(data->>'materialGlobalAssetId', 'urn:uuid:', '')) AS asset FROM catenax_objects
        WHERE data->>'materialGlobalAssetId' IS NOT NULL
            AND lower(replace(data->>'materialGlobalAssetId', 'urn:uuid:', '')) = ANY($1::text[])
        GROUP BY 1 HAVING NOT bool_or(supplier = $2 OR customer = $2)
        """,
        sorted(assets),
        bpnl,
    )
    return frozenset(row["asset"] for row in rows)


async def pairs_between(connection: Connection, one: str, other: str | None) -> list[Pair]:
    """Return the relationships of a partner; those with another one only, where it is given."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT supplier, customer FROM catenax_objects
        WHERE (supplier = $1 AND ($2::text IS NULL OR customer = $2))
            OR (customer = $1 AND ($2::text IS NULL OR supplier = $2))
        ORDER BY supplier, customer
        """,
        one,
        other,
    )
    return [(row["supplier"], row["customer"]) for row in rows]


async def _keep_versions(connection: Connection, keys: tuple[list[str], ...], now: datetime) -> None:
    await connection.execute(
        """
        INSERT INTO catenax_versions (supplier, customer, id, received_at, superseded_at, data)
        SELECT o.supplier, o.customer, o.id, o.received_at, $2, o.data
        FROM unnest($3::text[], $4::text[], $5::text[]) AS k(supplier, customer, id)
        JOIN catenax_objects o
            ON o.aspect = $1 AND (o.supplier, o.customer, o.id) = (k.supplier, k.customer, k.id)
        """,
        DEMAND.name,
        now,
        *keys,
    )
    await connection.execute(
        """
        DELETE FROM catenax_versions v
        USING unnest($2::text[], $3::text[], $4::text[]) AS k(supplier, customer, id)
        WHERE (v.supplier, v.customer, v.id) = (k.supplier, k.customer, k.id) AND v.superseded_at < $1
        """,
        now - KEPT,
        *keys,
    )


def _of(aspect: AspectType, rows: Iterable[Row]) -> dict[str, Any]:
    return {row["id"]: _value(aspect, row["data"]) for row in rows if row["aspect"] == aspect.name}


def _value(aspect: AspectType, data: str | None) -> Any:
    return None if data is None else decode_tolerant(aspect.kind, data.encode())


def _names(data: str) -> dict[str, str]:
    return msgspec.json.decode(data, type=dict[str, str])


def _key(row: Row) -> Key:
    return row["supplier"], row["customer"], row["id"]


def _columns(keys: Iterable[Key]) -> tuple[list[str], list[str], list[str]]:
    named = list(keys)
    return [s for s, _, _ in named], [c for _, c, _ in named], [name for _, _, name in named]
