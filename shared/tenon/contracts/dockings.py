"""The steps of a docking, as the matcher tells them."""

from typing import Literal

from msgspec import field

from tenon.contracts.values import (
    Distance,
    ExternalReference,
    Id,
    Instant,
    ItemClass,
    Money,
    Note,
    Position,
    Quantity,
    Region,
    Revision,
    Shape,
    Tier,
)

DockingStatus = Literal[
    "proposed", "confirmed", "shipped", "delivered", "declined", "lapsed", "cancelled", "failed"
]
CONSUMING: frozenset[str] = frozenset({"proposed", "confirmed", "shipped", "delivered"})
CLOSED: frozenset[str] = frozenset({"delivered", "declined", "lapsed", "cancelled", "failed"})

CauseCode = Literal[
    "matched",
    "accepted",
    "automatic",
    "progress",
    "declined",
    "no_answer",
    "offer_withdrawn",
    "offer_revised",
    "resource_revised",
    "resource_withdrawn",
    "demand_withdrawn",
    "demand_revised",
    "expired",
    "failed",
]


class Side(Shape, frozen=True, kw_only=True):
    """One side of a docking: whose, what, where."""

    party: Id
    id: Id
    window: Id
    site: Id
    region: Region
    position: Position
    accepted: bool = False
    external_references: list[ExternalReference] = []


class Cause(Shape, frozen=True, kw_only=True):
    """Why this step happened."""

    code: CauseCode
    note: Note = ""


class Docking(Shape, frozen=True, kw_only=True):
    """The full state of a docking after a step. `revision` counts its steps from 1.

    `quantity` is what was docked; it consumes both windows while the status is proposed, confirmed,
    shipped or delivered; in the other four only `shipped` stays consumed.
    """

    docking: Id
    revision: Revision
    status: DockingStatus
    market: str
    class_: ItemClass = field(name="class")
    unit: str
    quantity: Quantity
    supply: Side
    demand: Side
    tier: Tier
    distance_m: Distance
    proposed_at: Instant
    at: Instant
    cause: Cause
    price: Money | None = None
    respond_by: Instant | None = None
    shipped: Quantity
    delivered: Quantity
    failed: Quantity
    offered_since: Instant
    required_since: Instant
