"""The values that events are made of.

Decides the shape and the range of single values; what several values mean together
(a window that ends before it starts) is decided where an event is accepted.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$(?!\n)"
REF_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}/[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$(?!\n)"
DECIMAL_PATTERN = r"^[0-9]{1,12}(\.[0-9]{1,6})?$(?!\n)"

Id = Annotated[
    str,
    Meta(
        pattern=ID_PATTERN,
        min_length=1,
        max_length=64,
        description="Letters, digits and . _ : - ; starts with a letter or digit.",
    ),
]
Ref = Annotated[
    str, Meta(pattern=REF_PATTERN, max_length=129, description="PARTY/ID: a site of any party, for example.")
]
Revision = Annotated[
    int,
    Meta(ge=1, le=2**53 - 1, description="The sender's own counter for this id; the higher one is newer."),
]
Instant = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset.")]
Quantity = Annotated[
    Decimal,
    Meta(
        description="A decimal number of at least 0, as a JSON number or a string, in the item's unit.",
        extra_json_schema={"minimum": 0, "pattern": r"^[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"},
    ),
]
Ratio = Annotated[float, Meta(ge=0, le=1)]
UnitCode = Annotated[
    str, Meta(pattern=r"^[A-Z0-9]{2,3}$(?!\n)", description="UN/ECE Recommendation 20 code, C62 = one piece.")
]
Region = Annotated[
    str,
    Meta(
        pattern=r"^[A-Z0-9]{2,3}(-[A-Z0-9]{1,8}){0,3}$(?!\n)",
        description="ISO 3166 code, finer parts after a hyphen: CN, CN-SD, US-TX.",
    ),
]
Scheme = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,31}$(?!\n)")]
Label = Annotated[str, Meta(min_length=1, max_length=200)]
Note = Annotated[str, Meta(max_length=1000)]
Tier = Annotated[int, Meta(ge=1, le=9, description="Urgency: 1 is served first.")]
Distance = Annotated[int, Meta(ge=0, le=40_100_000, description="Metres along the way that goods travel.")]

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
TimeOfDay = Annotated[
    str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)", description="HH:MM, 00:00 to 23:59.")
]
Kind = Literal["product", "capacity", "service", "research", "talent", "finance", "space", "logistics"]
Basis = Literal["gross", "net"]


class Shape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Base of everything on the wire: immutable, by keyword, unknown fields refused, defaults left out.

    What is decoded from JSON holds no cycle, so the collector of cycles has nothing to look for in it.
    """


class ItemClass(Shape, frozen=True, kw_only=True):
    """What kind of thing it is, in an open list of classifications (hs, isic, unspsc, eclass, cpv, own …)."""

    scheme: Scheme
    code: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)")]


class AttributeConstraint(Shape, frozen=True, kw_only=True):
    """A demand's condition on an attribute. Accepted and stored; not yet acted on."""

    attribute: Id
    equal: str | float | None = None
    minimum: float | None = None
    maximum: float | None = None
    one_of: Annotated[list[str], Meta(max_length=50)] | None = None


class Item(Shape, frozen=True, kw_only=True):
    """What is traded."""

    class_: ItemClass = field(name="class")
    unit: UnitCode
    kind: Kind = "product"
    attributes: Annotated[dict[str, str | float], Meta(max_length=50)] = {}
    constraints: Annotated[list[AttributeConstraint], Meta(max_length=50)] = []


class Money(Shape, frozen=True, kw_only=True):
    """An exact amount of money: decimal string and ISO 4217 code."""

    amount: Annotated[str, Meta(pattern=DECIMAL_PATTERN)]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)")]


class Position(Shape, frozen=True, kw_only=True):
    """A place on Earth in WGS 84 degrees."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class Evidence(Shape, frozen=True, kw_only=True):
    """How ready one factor is, and since when that is known."""

    ratio: Ratio
    at: Instant | None = None


class Readiness(Shape, frozen=True, kw_only=True):
    """Can the site work: the five factors 4M1E. A site is as ready as the least of them."""

    man: Evidence = Evidence(ratio=1.0)
    machine: Evidence = Evidence(ratio=1.0)
    material: Evidence = Evidence(ratio=1.0)
    method: Evidence = Evidence(ratio=1.0)
    environment: Evidence = Evidence(ratio=1.0)

    @property
    def ratio(self) -> float:
        """The least of the five factors, 0..1."""
        factors = (self.man, self.machine, self.material, self.method, self.environment)
        return min(factor.ratio for factor in factors)


class Window(Shape, frozen=True, kw_only=True):
    """A quantity available or required between two instants (`until` is exclusive).

    What is required is delivered not before `from` and not after `until`. Only there: from `due` on each day
    is late, at the price that the policy sets (without it from `from` on); and no docking moves less than
    `least_part`, unless it completes what is open. With the whole quantity as least part it takes no parts.
    """

    id: Id
    from_: Instant = field(name="from")
    until: Instant
    quantity: Quantity
    due: Instant | None = None
    least_part: Quantity = Decimal(0)


class Hours(Shape, frozen=True, kw_only=True):
    """Working hours of one day; hours that end before they begin end on the next day."""

    from_: TimeOfDay = field(name="from")
    until: TimeOfDay


class Shift(Hours, frozen=True, kw_only=True):
    """Working hours on some days of the week."""

    days: Annotated[list[Weekday], Meta(min_length=1, max_length=7)]


class ExceptionalDay(Shape, frozen=True, kw_only=True):
    """A date on which other hours hold than its weekday's: none (a holiday), or these."""

    date: Annotated[date, Meta(description="A date in the calendar's zone.")]
    hours: Annotated[list[Hours], Meta(max_length=10)] = []


class Calendar(Shape, frozen=True, kw_only=True):
    """A rate per working hour instead of windows: weekly shifts in a time zone, and exceptions.

    Ingest makes windows of it, one for each day, week (from Monday) or shift in which somebody works between
    two dates (`until` is exclusive), at most 500, named by their first date. A week holds the sum of its
    hours.
    """

    zone: Annotated[str, Meta(max_length=64, description="An IANA time zone: Europe/Berlin, Asia/Shanghai.")]
    from_: Annotated[date, Meta(description="The first date.")] = field(name="from")
    until: Annotated[date, Meta(description="The date after the last.")]
    per_hour: Quantity
    shifts: Annotated[list[Shift], Meta(min_length=1, max_length=50)]
    exceptions: Annotated[list[ExceptionalDay], Meta(max_length=500)] = []
    windows_per: Literal["day", "week", "shift"] = "day"


class Certificate(Shape, frozen=True, kw_only=True):
    """A certificate that a supplier holds."""

    scheme: Id
    valid_until: Instant | None = None


class ResourceDraw(Shape, frozen=True, kw_only=True):
    """The resource of the same party and market that an offer draws on.

    One unit of the offer's item takes `load_factor` of the resource, in `unit`; without it in the base unit
    of what the resource is counted in (seconds, pieces).
    """

    id: Id
    load_factor: Quantity = Decimal(1)
    unit: UnitCode | None = None


class ChangeOver(Shape, frozen=True, kw_only=True):
    """A class that the line could be changed over to. Accepted and stored; not yet acted on."""

    class_: ItemClass = field(name="class")
    days: Annotated[int, Meta(ge=0, le=3650)]
    yield_: Annotated[float, Meta(gt=0, le=1000)] = field(name="yield", default=1.0)


class ExternalReference(Shape, frozen=True, kw_only=True):
    """The sender's own document that this belongs to, for example its purchase order."""

    type: Id
    id: Label
