"""The state that decisions are made from, as integers.

Knows shapes and sums only; who may dock with whom, and what happens when, is decided elsewhere.
"""

from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from matcher.domain.columns import Ints, Table, Vector
from tenon.contracts.dockings import CLOSED, CauseCode, Docking
from tenon.contracts.intake import DemandPublished, OfferPublished, PolicyPublished, ResourcePublished
from tenon.contracts.log import PartyTerms, SiteState
from tenon.contracts.positions import PositionStatus, Reasons, ResourceStatus

FAR_AWAY_MS = 2**62
UNKNOWN = -1
KINDS = {"o": "offer", "d": "demand", "r": "resource"}
"""What the first letter of a name (`o:party/id`, `d:party/id`, `r:party/id`) stands for."""
GRAINS = 1_000_000
"""A resource is kept in grains, millionths of its counts: so what a unit of goods takes of it is whole."""
WindowKey = tuple[str, str]
"""An offer's or demand's key (`party/id`) and the id of one of its windows."""


@dataclass(slots=True)
class Capacity:
    """What is there between two instants, and how much of it dockings consume."""

    id: str
    from_ms: int
    until_ms: int
    quantity: int
    consumed: int = 0

    @property
    def free(self) -> int:
        """What can still be docked."""
        return max(0, self.quantity - self.consumed)

    @property
    def overdrawn(self) -> int:
        """How much more is consumed than is still there."""
        return max(0, self.consumed - self.quantity)


@dataclass(slots=True)
class ResourceWindow(Capacity):
    """What a resource holds between two instants, in grains."""


@dataclass(slots=True)
class OfferWindow(Capacity):
    """What an offer holds between two instants. A unit takes `load` grains of what it is `drawn` from."""

    drawn: ResourceWindow | None = None
    load: int = 0

    @property
    def available(self) -> int:
        """What can be docked now: what is free, as far as its resource bears it."""
        free = max(0, self.quantity - self.consumed)
        return free if self.drawn is None else min(free, self.drawn.free // self.load)


@dataclass(slots=True)
class DemandWindow:
    """asked = open + proposed + confirmed + shipped + delivered + given_up. From `due_ms` on it is late."""

    id: str
    from_ms: int
    until_ms: int
    said: int
    proposed: int = 0
    confirmed: int = 0
    shipped: int = 0
    delivered: int = 0
    given_up: int = 0
    due_ms: int = 0
    least_part: int = 0

    @property
    def docked(self) -> int:
        """What dockings hold of it, in every state that consumes."""
        return self.proposed + self.confirmed + self.shipped + self.delivered

    @property
    def asked(self) -> int:
        """What is required: never less than what is docked already."""
        return max(self.said, self.docked)

    @property
    def open(self) -> int:
        """What is still to be docked."""
        return max(0, self.said - self.docked - self.given_up)

    @property
    def least(self) -> int:
        """What the next docking moves at least: a least part, or what completes the window."""
        return min(self.least_part, self.open)


@dataclass(slots=True)
class Site:
    """A site. `place`: its position, quantised to 1e-5 degrees, as a vector of length 1."""

    state: SiteState
    place: Vector
    readiness_ppm: int


@dataclass(slots=True)
class Offer:
    """An offer. `since_ms` is when it was first listed, `closed_ms` when it last changed, if it is closed."""

    key: str
    said: OfferPublished
    site_key: str
    code: str
    unit: str
    windows: list[OfferWindow]
    since_ms: int
    offset: int
    price_micros: int = 0
    currency: str | None = None
    status: PositionStatus = "open"
    blocked: frozenset[str] = frozenset()
    valid_until_ms: int = FAR_AWAY_MS
    certificates: tuple[tuple[str, int], ...] = ()
    closed_ms: int | None = None

    def certified(self, now_ms: int) -> frozenset[str]:
        """Return the certificates that are valid now."""
        return frozenset(scheme for scheme, until_ms in self.certificates if until_ms > now_ms)

    @property
    def free(self) -> int:
        """What can still be docked, over all windows."""
        return sum(window.free for window in self.windows)


@dataclass(slots=True)
class Resource:
    """A resource. `windows` in order of time, last the one that is `OUTSIDE` of all."""

    key: str
    said: ResourcePublished
    windows: list[ResourceWindow]
    withdrawn: bool = False
    closed_ms: int | None = None

    def status(self, now_ms: int) -> ResourceStatus:
        """Return whether it can be drawn on, or was withdrawn, or all of its windows are over."""
        if self.withdrawn:
            return "withdrawn"
        return "expired" if all(window.until_ms <= now_ms for window in self.windows) else "open"

    def holding(self, from_ms: int, until_ms: int) -> ResourceWindow:
        """Return the window in which such a time lies whole."""
        *windows, outside = self.windows
        after = bisect_right(windows, from_ms, key=lambda window: window.from_ms)
        window = windows[after - 1] if after else outside
        return window if until_ms <= window.until_ms else outside


@dataclass(slots=True)
class Demand:
    """A demand. `barred` are offers that it will not be docked with again; `closed_ms` is as an offer's."""

    key: str
    said: DemandPublished
    site_key: str
    code: str
    unit: str
    windows: list[DemandWindow]
    since_ms: int
    offset: int
    ceiling_micros: int | None = None
    currency: str | None = None
    status: PositionStatus = "open"
    blocked: frozenset[str] = frozenset()
    barred: frozenset[str] = frozenset()
    reasons: Reasons | None = None
    closed_ms: int | None = None

    @property
    def open(self) -> int:
        """What is still to be docked, over all windows."""
        return sum(window.open for window in self.windows)


OfferRef = tuple[Offer, OfferWindow]
DemandRef = tuple[Demand, DemandWindow]


@dataclass(slots=True)
class Deal:
    """A docking in force, in counts. `told` is its last published state."""

    told: Docking
    offer: WindowKey
    demand: WindowKey
    quantity: int
    shipped: int = 0
    delivered: int = 0
    failed: int = 0

    @property
    def id(self) -> str:
        """The docking's id."""
        return self.told.docking

    @property
    def made(self) -> tuple[int, ...]:
        """When it was proposed: partition, round, number within the round."""
        return tuple(int(part) for part in self.id.split("-"))

    @property
    def sides(self) -> tuple[str, str]:
        """The names of its offer and its demand: `o:party/id`, `d:party/id`."""
        return f"o:{self.offer[0]}", f"d:{self.demand[0]}"

    @property
    def live(self) -> bool:
        """True while a party can still answer or report on it."""
        return self.told.status not in CLOSED

    def shares(self) -> tuple[int, int, int, int]:
        """Return what it holds as (proposed, confirmed, shipped, delivered) counts."""
        under_way = self.shipped - self.delivered
        if self.told.status in ("declined", "lapsed", "cancelled", "failed"):
            return 0, 0, under_way, self.delivered
        rest = self.quantity - self.shipped - self.failed
        if self.told.status == "proposed":
            return rest, 0, under_way, self.delivered
        return 0, rest, under_way, self.delivered

    @property
    def consumed(self) -> int:
        """What it takes from both of its windows."""
        return sum(self.shares())


@dataclass(slots=True, eq=False)
class Routes:
    """Known distances from one site for a class of goods (its code normalised), by site number, ascending."""

    revision: int
    scheme: str
    code: str
    sites: Ints
    metres: Ints

    def metres_to(self, sites: Ints) -> Ints:
        """Return the known distance to each site, `UNKNOWN` where it is not known."""
        if not len(self.sites):
            return np.full(len(sites), UNKNOWN)
        at = np.minimum(np.searchsorted(self.sites, sites), len(self.sites) - 1)
        return np.where(self.sites[at] == sites, self.metres[at], UNKNOWN)

    def says_the_same(self, other: "Routes") -> bool:
        """True when the other one knows the same distances."""
        same = np.array_equal(self.sites, other.sites) and np.array_equal(self.metres, other.metres)
        return same and self.revision == other.revision


@dataclass(slots=True)
class Market:
    """Everything that can compete: the unit of decision.

    `closed` holds the last revision of each name that ended, `held` how many dockings there are of each,
    `drawing` the offers that name a resource, known or not.
    """

    name: str
    policy: PolicyPublished
    offers: dict[str, Offer] = field(default_factory=dict)
    demands: dict[str, Demand] = field(default_factory=dict)
    deals: dict[str, Deal] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    drawing: dict[str, set[str]] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    terms: dict[str, PartyTerms] = field(default_factory=dict)
    routes: dict[str, dict[str, Routes]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    closed: dict[str, int] = field(default_factory=dict)
    open_offers: dict[str, Table[OfferRef]] = field(default_factory=dict)
    open_demands: dict[str, Table[DemandRef]] = field(default_factory=dict)
    all_offers: dict[str, set[str]] = field(default_factory=dict)
    placed: dict[str, str] = field(default_factory=dict)
    proposals: dict[str, set[str]] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    dirty: set[str] = field(default_factory=set)
    held_until_ms: int | None = None

    def number(self, name: str) -> int:
        """Return the small number that stands for a name (a site, a party, a unit) in this market."""
        return self.numbers.setdefault(name, len(self.numbers))

    def proposals_at(self, key: str) -> list[Deal]:
        """Return what is proposed of an offer or demand (`o:party/id`, `d:party/id`), earliest first."""
        return sorted((self.deals[name] for name in self.proposals.get(key, ())), key=lambda deal: deal.made)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a docking takes a step."""

    code: CauseCode
    note: str = ""
