"""Which order of a party is which docking, and how far that is: told to the market as it changes.

Ingest knows no dockings; the party says which purchase order or despatch advice stands for which. What was
shipped or received before that counts from then on. Called with the party held (`store.hold`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from msgspec import field

from ingest.domain.admit import Sender, admit
from ingest.domain.faults import Fault, Refused, invalid
from ingest.domain.records import SOURCE, market_record
from ingest.domain.route import Router
from ingest.formats.epcis.effects import Shipment
from ingest.formats.epcis.progress import Uncountable, progress
from tenon import outbox
from tenon.contracts.cloudevents import CloudEvent
from tenon.contracts.codec import encode
from tenon.contracts.values import Id, ItemClass, Shape
from tenon.db import Connection, Row
from tenon.records import OutRecord

_PROGRESSED = "tenon.docking.progressed.v1"


class Order(Shape, frozen=True, kw_only=True):
    """The docking that an order stands for, with its class and the unit in which it is counted."""

    docking: Id
    class_: ItemClass = field(name="class")
    unit: str


class OrderShown(Shape, frozen=True, kw_only=True):
    """An order with what all orders of its docking come to, in base units; `problem`: why it is not told."""

    docking: Id
    class_: ItemClass = field(name="class")
    unit: str
    shipped: Decimal
    received: Decimal
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Orders:
    """Keeps what orders stand for, and tells how far they are."""

    router: Router

    async def put(self, connection: Connection, party: str, reference: str, order: Order) -> int:
        """Say what an order stands for; return how many records were told. Raise `Refused`."""
        _check(party, order)
        before = await connection.fetchval(
            "SELECT docking FROM epcis_orders WHERE party = $1 AND reference = $2", party, reference
        )
        await connection.execute(
            """
            INSERT INTO epcis_dockings (party, docking, class_scheme, class_code, unit)
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (party, docking) DO UPDATE
            SET class_scheme = excluded.class_scheme, class_code = excluded.class_code, unit = excluded.unit
            """,
            party,
            order.docking,
            order.class_.scheme,
            order.class_.code,
            order.unit,
        )
        await connection.execute(
            "INSERT INTO epcis_orders (party, reference, docking) VALUES ($1, $2, $3)"
            " ON CONFLICT (party, reference) DO UPDATE SET docking = excluded.docking",
            party,
            reference,
            order.docking,
        )
        return await self._tell(connection, party, {order.docking, *([before] if before else [])})

    async def refresh(self, connection: Connection, party: str, references: Collection[str]) -> int:
        """Tell how far the dockings of these orders are, where that has changed; return how many records."""
        rows = await connection.fetch(
            "SELECT DISTINCT docking FROM epcis_orders WHERE party = $1 AND reference = ANY($2::text[])",
            party,
            sorted(references),
        )
        return await self._tell(connection, party, {row["docking"] for row in rows})

    async def _tell(self, connection: Connection, party: str, dockings: Collection[str]) -> int:
        records: list[OutRecord] = []
        for docking in sorted(dockings):
            records += await self._progress(connection, party, docking)
        await outbox.append(connection, records)
        return len(records)

    async def _progress(self, connection: Connection, party: str, docking: str) -> list[OutRecord]:
        row = await connection.fetchrow(
            "SELECT * FROM epcis_dockings WHERE party = $1 AND docking = $2", party, docking
        )
        assert row is not None
        told, problem, records = (row["shipped"], row["received"]), None, []
        try:
            sums = progress(await _shipped(connection, party, docking), row["unit"])
            if sums != told:
                records = self._records(row, *sums)
            told = sums
        except Uncountable as error:
            problem = str(error)
        except Refused as refused:
            problem = refused.refusal.detail
        await connection.execute(
            "UPDATE epcis_dockings SET shipped = $3, received = $4, problem = $5, revision = revision + $6"
            " WHERE party = $1 AND docking = $2",
            party,
            docking,
            *told,
            problem,
            len(records),
        )
        return records

    def _records(self, row: Row, shipped: Decimal, received: Decimal) -> list[OutRecord]:
        """Return what the market is told: nothing where nothing is left; raise `Refused`."""
        revision = row["revision"] + 1
        # More received than shipped is all that is known of either.
        sums = {"shipped": shipped if shipped >= received else Decimal(0), "delivered": received}
        told = {name: amount for name, amount in sums.items() if amount}
        if not told:
            return []
        item_class = ItemClass(scheme=row["class_scheme"], code=row["class_code"])
        event = _event(row["party"], Order(docking=row["docking"], class_=item_class, unit=row["unit"]))
        data = {**event, "revision": revision, **told}
        # With the sums: a restored backup counts revisions again.
        event_id = f"{row['party']}/{row['docking']}/epcis/{revision}/{shipped}/{received}"
        statement = _statement(row["party"], event_id, data)
        return [market_record(statement, statement.data, self.router.place(item_class))]


async def of(connection: Connection, party: str, reference: str) -> OrderShown | None:
    """Return what an order stands for and how far that is, None when nobody has said it."""
    row = await connection.fetchrow(
        """
        SELECT d.* FROM epcis_orders o JOIN epcis_dockings d USING (party, docking)
        WHERE party = $1 AND reference = $2
        """,
        party,
        reference,
    )
    if row is None:
        return None
    return OrderShown(
        docking=row["docking"],
        class_=ItemClass(scheme=row["class_scheme"], code=row["class_code"]),
        unit=row["unit"],
        shipped=row["shipped"],
        received=row["received"],
        problem=row["problem"],
    )


async def _shipped(connection: Connection, party: str, docking: str) -> list[Shipment]:
    """Sum what events ship and receive of a docking; one that names two of its orders counts once."""
    rows = await connection.fetch(
        """
        SELECT unit, sum(shipped) AS shipped, sum(received) AS received FROM epcis_shipments
        WHERE party = $1 AND orders && (
            SELECT array_agg(reference) FROM epcis_orders WHERE party = $1 AND docking = $2
        )
        GROUP BY unit ORDER BY unit
        """,
        party,
        docking,
    )
    return [Shipment(row["unit"], row["shipped"], row["received"]) for row in rows]


def _event(party: str, order: Order) -> dict[str, Any]:
    return {
        "party": party,
        "docking": order.docking,
        "revision": 1,
        "class": order.class_,
        "unit": order.unit,
    }


def _statement(party: str, event_id: str, data: dict[str, Any]) -> Any:
    event = CloudEvent(event_id, SOURCE, _PROGRESSED, encode(data))
    return admit(event, Sender("epcis", party), "wall")


def _check(party: str, order: Order) -> None:
    """Raise `Refused` where no progress of such a docking could be told."""
    try:
        _statement(party, "check", {**_event(party, order), "shipped": 0})
    except Refused as refused:
        faults = [
            Fault(each.pointer.removeprefix("/data"), each.reason, each.expected)
            for each in refused.refusal.faults
        ]
        raise Refused(invalid(faults)) from None
