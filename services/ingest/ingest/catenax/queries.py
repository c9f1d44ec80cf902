"""What is asked of the objects that are kept, beside taking messages: pages, and what may be sent again."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from ingest.formats.catenax.aspects import DEMAND, AspectType
from ingest.formats.catenax.ruling import Key, Pair
from tenon.db import Connection


async def changed(connection: Connection, aspect: AspectType, pair: Pair) -> list[tuple[str, datetime, int]]:
    """Return id, time of change and size of each object of a relationship."""
    rows = await connection.fetch(
        """
        SELECT id, changed_at, length(data::text) AS size FROM catenax_objects
        WHERE aspect = $1 AND supplier = $2 AND customer = $3 AND data IS NOT NULL ORDER BY id
        """,
        aspect.name,
        *pair,
    )
    return [(row["id"], row["changed_at"], row["size"]) for row in rows]


async def documents(
    connection: Connection, aspect: AspectType, pair: Pair, ids: Collection[str]
) -> list[str]:
    """Return objects of a relationship as JSON."""
    rows = await connection.fetch(
        """
        SELECT data::text FROM catenax_objects
        WHERE aspect = $1 AND supplier = $2 AND customer = $3 AND id = ANY($4::text[]) AND data IS NOT NULL
        ORDER BY id
        """,
        aspect.name,
        *pair,
        sorted(ids),
    )
    return [row["data"] for row in rows]


async def materials(connection: Connection, party: str) -> dict[str, str]:
    """Return the material of each demand of a party, by the demand's id."""
    rows = await connection.fetch(
        """
        SELECT o.id, o.subject FROM catenax_partners p
        JOIN catenax_objects o ON o.customer = p.bpnl AND o.aspect = $2
        WHERE p.party = $1
        """,
        party,
        DEMAND.name,
    )
    return {row["id"]: row["subject"] for row in rows}


@dataclass(frozen=True, slots=True)
class Shown:
    """An object as a partner reads it: whose it is, when it came, what it says (JSON)."""

    supplier: str
    customer: str
    id: str
    sender: str
    received_at: datetime
    data: str


async def page(
    connection: Connection, aspect: AspectType, sides: tuple[str, str | None], after: Key, limit: int
) -> list[Shown]:
    """Return objects of a partner (first of `sides`), with the second only where it is given, in order."""
    own, other = sides
    rows = await connection.fetch(
        """
        SELECT supplier, customer, id, sender, received_at, data::text FROM catenax_objects
        WHERE aspect = $1 AND data IS NOT NULL AND (supplier = $2 OR customer = $2)
            AND ($3::text IS NULL OR supplier = $3 OR customer = $3)
            AND (supplier, customer, id) > ($4, $5, $6)
        ORDER BY supplier, customer, id LIMIT $7
        """,
        aspect.name,
        own,
        other,
        *after,
        limit,
    )
    return [Shown(*row) for row in rows]
