"""What somebody should look at."""

from msgspec import field

from tenon.contracts.values import Id, Instant, ItemClass, Note, Quantity, Shape


class Unmet(Shape, frozen=True, kw_only=True):
    """A demand was given up: its patience ended, or its last window did."""

    market: str
    party: Id
    demand: Id
    class_: ItemClass = field(name="class")
    unit: str
    quantity: Quantity
    at: Instant
    cause: Note


class Overloaded(Shape, frozen=True, kw_only=True):
    """More of a resource's window is drawn by what is confirmed or shipped than the resource still holds."""

    market: str
    party: Id
    resource: Id
    window: Id
    unit: str
    quantity: Quantity
    at: Instant


class Overdrawn(Shape, frozen=True, kw_only=True):
    """More of an offer's window is confirmed or shipped than the offer still holds."""

    market: str
    party: Id
    offer: Id
    window: Id
    unit: str
    quantity: Quantity
    at: Instant
