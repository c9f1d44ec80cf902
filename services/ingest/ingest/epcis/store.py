"""EPCIS in PostgreSQL: events, the stock they come to, what they ship and receive, capture jobs.

Decides how rows are locked: whoever changes anything of a party's holds it, until its transaction ends.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from ingest.epcis.job import CaptureJob
from ingest.formats.epcis.ledger import Spot, Stock
from ingest.formats.epcis.reading import Event
from tenon.contracts.codec import decode_tolerant, encode_text
from tenon.db import Connection, Database, Row


async def hold(connection: Connection, party: str) -> None:
    """Let nobody else change anything of this party's."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('tenon epcis ' || $1, 0))", party)


async def is_registered(connection: Connection, party: str) -> bool:
    """Tell whether there is such a party."""
    return await connection.fetchval("SELECT 1 FROM parties WHERE party = $1", party) is not None


async def held(connection: Connection, party: str, names: Collection[str]) -> dict[str, Event]:
    """Return those of the events that are held."""
    rows = await connection.fetch(
        "SELECT event, data::text FROM epcis_events WHERE party = $1 AND event = ANY($2::text[])",
        party,
        sorted(names),
    )
    return {row["event"]: decode_tolerant(Event, row["data"].encode()) for row in rows}


async def save(connection: Connection, party: str, events: Sequence[Event], now: datetime) -> None:
    """Write events as they are now, and what those that hold ship and receive."""
    await connection.execute(
        """
        INSERT INTO epcis_events (party, event, received_at, data)
        SELECT $1, event, $2, data::jsonb FROM unnest($3::text[], $4::text[]) AS r(event, data)
        ON CONFLICT (party, event) DO UPDATE SET data = excluded.data
        """,
        party,
        now,
        [event.id for event in events],
        [encode_text(event) for event in events],
    )
    await _ship(connection, party, events)


async def _ship(connection: Connection, party: str, events: Sequence[Event]) -> None:
    gone = [event.id for event in events if event.declared]
    await connection.execute(
        "DELETE FROM epcis_shipments WHERE party = $1 AND event = ANY($2::text[])", party, gone
    )
    shipped = [(event, each) for event in events if not event.declared for each in event.shipments]
    await connection.executemany(
        "INSERT INTO epcis_shipments (party, event, unit, orders, shipped, received)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        [
            (party, event.id, each.unit, list(event.orders), each.shipped, each.received)
            for event, each in shipped
        ],
    )


async def move(connection: Connection, party: str, changed: Mapping[Spot, Stock], now: datetime) -> None:
    """Add what has changed to the stock; a row that comes to nothing goes."""
    await connection.execute(
        """
        INSERT INTO epcis_stock AS s (party, item, place, unit, quantity, produced, changed_at)
        SELECT $1, item, place, unit, quantity, produced, $2
        FROM unnest($3::text[], $4::text[], $5::text[], $6::numeric[], $7::numeric[])
            AS r(item, place, unit, quantity, produced)
        ON CONFLICT (party, item, place, unit) DO UPDATE SET quantity = s.quantity + excluded.quantity,
            produced = s.produced + excluded.produced, changed_at = excluded.changed_at
        """,
        party,
        now,
        [item for item, _, _ in changed],
        [place for _, place, _ in changed],
        [unit for _, _, unit in changed],
        [each.quantity for each in changed.values()],
        [each.produced for each in changed.values()],
    )
    await connection.execute(
        """
        DELETE FROM epcis_stock s USING unnest($2::text[], $3::text[], $4::text[]) AS k(item, place, unit)
        WHERE s.party = $1 AND (s.item, s.place, s.unit) = (k.item, k.place, k.unit)
            AND s.quantity = 0 AND s.produced = 0
        """,
        party,
        [item for item, _, _ in changed],
        [place for _, place, _ in changed],
        [unit for _, _, unit in changed],
    )


async def stock(database: Database, party: str, after: Spot, limit: int) -> list[Row]:
    """Return rows of a party's stock behind one, in order."""
    return await database.fetch(
        """
        SELECT item, place, unit, quantity, produced, changed_at FROM epcis_stock
        WHERE party = $1 AND (item, place, unit) > ($2, $3, $4) ORDER BY item, place, unit LIMIT $5
        """,
        party,
        *after,
        limit,
    )


async def keep(connection: Connection, party: str, job: CaptureJob) -> None:
    """Store what became of a document."""
    await connection.execute(
        "INSERT INTO epcis_captures (capture, party, created_at, data) VALUES ($1, $2, $3, $4::text::jsonb)",
        job.capture_id,
        party,
        job.created_at,
        encode_text(job),
    )


async def find(database: Database, capture: UUID) -> tuple[str, CaptureJob] | None:
    """Return whose a job is, and the job; None when there is none."""
    row = await database.fetchrow("SELECT party, data::text FROM epcis_captures WHERE capture = $1", capture)
    return None if row is None else (row["party"], decode_tolerant(CaptureJob, row["data"].encode()))
