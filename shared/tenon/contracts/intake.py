"""What parties say to Tenon: the data of every event that ingest accepts.

Each event is a full state with a revision, not a change: the same revision with the same content
has no second effect, a higher one replaces it. `party` names whose statement it is.
"""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, field

from tenon.contracts.values import (
    Basis,
    Calendar,
    Certificate,
    ChangeOver,
    Distance,
    ExternalReference,
    Id,
    Instant,
    Item,
    ItemClass,
    Label,
    Money,
    Note,
    Position,
    Quantity,
    Ratio,
    Readiness,
    Ref,
    Region,
    ResourceDraw,
    Revision,
    Shape,
    Tier,
    UnitCode,
    Window,
)

Confirmation = Literal["manual", "automatic"]
Windows = Annotated[list[Window], Meta(max_length=500)]
DueWindows = Annotated[list[Window], Meta(min_length=1, max_length=500)]
Parties = Annotated[list[Id], Meta(max_length=1000)]
References = Annotated[list[ExternalReference], Meta(max_length=50)]


class PartyRegistered(Shape, frozen=True, kw_only=True):
    """An organisation, and how its proposals are confirmed: by an answer, or at once."""

    party: Id
    revision: Revision
    name: Label
    supply_confirmation: Confirmation = "manual"
    demand_confirmation: Confirmation = "manual"


class SitePublished(Shape, frozen=True, kw_only=True):
    """A place of a party."""

    party: Id
    site: Id
    revision: Revision
    position: Position
    region: Region
    name: Label | None = None
    readiness: Readiness = Readiness()


class RoutesPublished(Shape, frozen=True, kw_only=True):
    """Known distances from one site to others, for one class of goods; they override the great circle.

    At most 10,000 distances in one event; a revision replaces the whole set of (site, class).
    """

    party: Id
    site: Id
    revision: Revision
    class_: ItemClass = field(name="class")
    distances_m: Annotated[dict[Ref, Distance], Meta(max_length=10_000)]


class OfferPublished(Shape, frozen=True, kw_only=True):
    """What a party can supply from a site.

    It says `windows`, or a `calendar` of which ingest makes them. Quantities are gross (what is docked
    already is part of them) unless `basis` is `net`; then `as_of` is the last docking sequence that the
    sender had counted. `flexible`: capacity beyond what is agreed, which costs what the policy says
    (`flexible`). Stored, not yet acted on: `minimum_order`, `lot`, `change_over`, `reconfirm_every_s`, and
    `basis: net` is refused until it is.
    """

    party: Id
    offer: Id
    revision: Revision
    site: Id
    item: Item
    windows: Windows = []
    calendar: Calendar | None = None
    flexible: bool = False
    basis: Basis = "gross"
    as_of: Annotated[str, Meta(pattern=r"^[0-9]{20}$(?!\n)")] | None = None
    price: Money | None = None
    minimum_order: Quantity = Decimal(0)
    lot: Quantity = Decimal(0)
    lead_time_s: Annotated[int, Meta(ge=0, le=5 * 366 * 86_400)] = 0
    regions_served: Annotated[list[Region], Meta(max_length=500)] = []
    certificates: Annotated[list[Certificate], Meta(max_length=100)] = []
    valid_until: Instant | None = None
    blocked: Parties = []
    resource: ResourceDraw | None = None
    change_over: Annotated[list[ChangeOver], Meta(max_length=50)] = []
    reconfirm_every_s: Annotated[int, Meta(ge=60, le=366 * 86_400)] | None = None
    external_references: References = []


class OfferWithdrawn(Shape, frozen=True, kw_only=True):
    """An offer ends: proposals are released, what is confirmed stays until it is reported."""

    party: Id
    offer: Id
    revision: Revision
    class_: ItemClass = field(name="class")
    reason: Note = ""


class ResourcePublished(Shape, frozen=True, kw_only=True):
    """A capacity that several offers of the same party and market share: a mould, a line, a crew.

    Counted in its own unit (hours, cycles); it says `windows`, or a `calendar` of which ingest makes them.
    The class names its market. An offer's window draws on the window of the resource in which it lies whole.
    """

    party: Id
    resource: Id
    revision: Revision
    site: Id
    class_: ItemClass = field(name="class")
    unit: UnitCode
    windows: Windows = []
    calendar: Calendar | None = None


class ResourceWithdrawn(Shape, frozen=True, kw_only=True):
    """A resource ends: what draws on it has no capacity; what is confirmed stays, and shows as overdrawn."""

    party: Id
    resource: Id
    revision: Revision
    class_: ItemClass = field(name="class")
    reason: Note = ""


class DemandPublished(Shape, frozen=True, kw_only=True):
    """What a party requires at a site.

    Stored, not yet acted on: `all_or_nothing`, `at_most_suppliers`, `preferred`, `kit`.
    """

    party: Id
    demand: Id
    revision: Revision
    site: Id
    item: Item
    windows: DueWindows
    tier: Tier = 5
    highest_price: Money | None = None
    required_certificates: Annotated[list[Id], Meta(max_length=100)] = []
    patience_until: Instant | None = None
    blocked: Parties = []
    preferred: Parties = []
    all_or_nothing: bool = False
    at_most_suppliers: Annotated[int, Meta(ge=1, le=1000)] | None = None
    kit: Id | None = None
    external_references: References = []


class DemandWithdrawn(Shape, frozen=True, kw_only=True):
    """A demand ends: proposals are released, what is confirmed stays."""

    party: Id
    demand: Id
    revision: Revision
    class_: ItemClass = field(name="class")
    reason: Note = ""


class DockingAnswered(Shape, frozen=True, kw_only=True):
    """A side's answer to a proposal, naming the revision of the docking that it saw."""

    party: Id
    docking: Id
    docking_revision: Revision
    class_: ItemClass = field(name="class")
    answer: Literal["accept", "decline"]
    reason: Note = ""


class DockingProgressed(Shape, frozen=True, kw_only=True):
    """How far a confirmed docking is. Quantities are cumulative, in `unit`.

    The supplier reports what it shipped and what failed (with a cause); either side what was delivered.
    """

    party: Id
    docking: Id
    revision: Revision
    class_: ItemClass = field(name="class")
    unit: str
    shipped: Quantity | None = None
    delivered: Quantity | None = None
    failed: Quantity | None = None
    cause: Note = ""


class ReachStep(Shape, frozen=True, kw_only=True):
    """From this waiting time on an offer may travel this far (`distance_m` absent: any distance)."""

    waiting_s: Annotated[int, Meta(ge=0)]
    distance_m: Distance | None = None


class Tranche(Shape, frozen=True, kw_only=True):
    """Up to this share of a demand window, one base unit is worth this much."""

    up_to_share: Ratio
    value: Annotated[int, Meta(ge=0, le=10**9)]


class Weights(Shape, frozen=True, kw_only=True):
    """What a docking costs, in the policy's own integer points.

    A unit is worth docking while its tranche's value exceeds what it costs: price, freight, lateness, what
    flexible capacity costs, and its part of the further docking that becomes necessary where the offer can't
    finish what is open.
    """

    price: Annotated[int, Meta(ge=0, le=10**6, description="Points per currency unit.")] = 0
    freight: Annotated[int, Meta(ge=0, le=10**6, description="Points per unit and kilometre.")] = 1
    lateness: Annotated[
        int, Meta(ge=0, le=10**6, description="Points per unit and day after it is due (or may come).")
    ] = 0
    flexible: Annotated[
        int, Meta(ge=0, le=10**9, description="Points more per unit of an offer that is `flexible`.")
    ] = 0
    waiting: Annotated[
        int, Meta(ge=0, le=10**6, description="Points by which a unit's value rises per day of waiting.")
    ] = 0
    further_docking: Annotated[
        int,
        Meta(
            ge=0,
            le=10**9,
            description="Points that one more docking costs. Charged to a docking that leaves its demand"
            " window unfinished, by the share left open and spread over the units that move.",
        ),
    ] = 0


class PolicyPublished(Shape, frozen=True, kw_only=True):
    """How a market decides; without `market`, for every market that has no policy of its own."""

    policy: Id
    revision: Revision
    market: Annotated[str, Meta(max_length=128)] | None = None
    weights: Weights = Weights()
    tranches: Annotated[tuple[Tranche, ...], Meta(min_length=1, max_length=10)] = (
        Tranche(up_to_share=1, value=100_000),
    )
    reach: Annotated[tuple[ReachStep, ...], Meta(min_length=1, max_length=10)] = (ReachStep(waiting_s=0),)
    readiness_threshold: Ratio = 0.5
    respond_within_s: Annotated[int, Meta(ge=1, le=366 * 86_400)] = 86_400
    patience_s: Annotated[int, Meta(ge=1, le=3660 * 86_400)] | None = None
    hold_s: Annotated[int, Meta(ge=0, le=30 * 86_400, description="How long a market gathers.")] = 0
    confirmation: Literal["by_party", "automatic"] = "by_party"
    keep_closed_s: Annotated[
        int,
        Meta(
            ge=1,
            le=3660 * 86_400,
            description="What is closed for so long is forgotten: of an offer or a demand only id and"
            " revision stay, so that no late message raises it; a newer revision begins anew.",
        ),
    ] = 30 * 86_400


class ClockTicked(Shape, frozen=True, kw_only=True):
    """The simulated time. Accepted only where the clock is the log's (`TENON_CLOCK=log`)."""

    now: Instant
