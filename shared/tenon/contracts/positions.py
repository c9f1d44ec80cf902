"""The current state of an offer, a resource or a demand, as the matcher tells it at most once per round."""

from typing import Annotated, Literal

from msgspec import Meta, field

from tenon.contracts.values import (
    Id,
    Instant,
    Item,
    ItemClass,
    Money,
    Position,
    Quantity,
    Region,
    Revision,
    Shape,
    Tier,
)

PositionStatus = Literal["open", "filled", "withdrawn", "expired"]
ResourceStatus = Literal["open", "withdrawn", "expired"]
Test = Literal[
    "class",
    "unit",
    "same_party",
    "blocked",
    "declined_before",
    "region",
    "certificates",
    "currency",
    "price",
    "readiness",
    "window",
    "least_part",
    "resource",
    "exhausted",
    "distance",
    "held_back",
    "not_worth",
    "unfinished",
]


OUTSIDE = "outside"
"""The window of a resource that holds nothing: from it draws what lies in no other window."""


class OfferWindow(Shape, frozen=True, kw_only=True):
    """`quantity` = free + consumed, unless `overdrawn` says by how much more is consumed than is left."""

    id: Id
    from_: Instant = field(name="from")
    until: Instant
    quantity: Quantity
    consumed: Quantity
    free: Quantity
    overdrawn: Quantity


class DemandWindow(Shape, frozen=True, kw_only=True):
    """asked = open + proposed + confirmed + shipped + delivered + given_up, each at least 0."""

    id: Id
    from_: Instant = field(name="from")
    until: Instant
    asked: Quantity
    open: Quantity
    proposed: Quantity
    confirmed: Quantity
    shipped: Quantity
    delivered: Quantity
    given_up: Quantity


class NearestMiss(Shape, frozen=True, kw_only=True):
    """An offer that would fit if one thing changed, in coarse steps."""

    test: Test
    change: Annotated[str, Meta(max_length=200)]
    offers: int
    quantity: Quantity


class Reasons(Shape, frozen=True, kw_only=True):
    """Why a demand is open: how many offers failed each test, as of a round."""

    as_of: Instant
    considered: int
    failed: dict[Test, int]
    nearest: list[NearestMiss] = []


class OfferPosition(Shape, frozen=True, kw_only=True):
    """An offer as Tenon sees it."""

    party: Id
    offer: Id
    revision: Revision
    status: PositionStatus
    market: str
    item: Item
    site: Id
    region: Region
    position: Position
    windows: list[OfferWindow]
    at: Instant
    price: Money | None = None


class ResourceWindow(Shape, frozen=True, kw_only=True):
    """`quantity` = free + consumed, unless `overdrawn` says by how much more is consumed than is left.

    The window `outside` holds nothing: from it draws what lies in no other window.
    """

    id: Id
    from_: Instant = field(name="from")
    until: Instant
    quantity: Quantity
    consumed: Quantity
    free: Quantity
    overdrawn: Quantity


class ResourcePosition(Shape, frozen=True, kw_only=True):
    """A resource as Tenon sees it."""

    party: Id
    resource: Id
    revision: Revision
    status: ResourceStatus
    market: str
    class_: ItemClass = field(name="class")
    site: Id
    unit: str
    windows: list[ResourceWindow]
    at: Instant


class DemandPosition(Shape, frozen=True, kw_only=True):
    """A demand as Tenon sees it; `reasons` when something of it is open."""

    party: Id
    demand: Id
    revision: Revision
    status: PositionStatus
    market: str
    item: Item
    site: Id
    region: Region
    position: Position
    tier: Tier
    windows: list[DemandWindow]
    at: Instant
    highest_price: Money | None = None
    reasons: Reasons | None = None
