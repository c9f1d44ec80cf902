"""The state as rows: what a round stores, and what the next owner of the partition loads (`rebuilding`).

Window counts are stored beside the dockings that they follow from, so that the database can check them.
"""

from dataclasses import dataclass, field

from matcher.domain.effects import Effects
from matcher.domain.model import Deal, Market, Resource
from matcher.domain.state import State
from tenon.contracts.codec import encode
from tenon.contracts.positions import PositionStatus, Reasons, ResourceStatus
from tenon.contracts.values import Shape


class OfferMeta(Shape, frozen=True, kw_only=True):
    """What Tenon knows of an offer beside what was said."""

    since_ms: int
    offset: int
    status: PositionStatus
    closed_ms: int | None = None


class DemandMeta(Shape, frozen=True, kw_only=True):
    """What Tenon knows of a demand beside what was said."""

    since_ms: int
    offset: int
    status: PositionStatus
    barred: list[str] = []
    reasons: Reasons | None = None
    closed_ms: int | None = None


class ResourceMeta(Shape, frozen=True, kw_only=True):
    """What Tenon knows of a resource beside what was said."""

    status: ResourceStatus
    closed_ms: int | None = None


class PolicyMeta(Shape, frozen=True, kw_only=True):
    """Where in the log a policy was published: of two for the same markets the later one holds."""

    offset: int


class MarketMeta(Shape, frozen=True, kw_only=True):
    """What is under way in a market."""

    held_until_ms: int | None = None


class RunMeta(Shape, frozen=True, kw_only=True):
    """How many records in a row came last that could not be used."""

    length: int


@dataclass(frozen=True, slots=True)
class EntityRow:
    """Anything that is named: `body` is what was said (None: unchanged), `meta` what Tenon adds."""

    kind: str
    market: str
    key: str
    revision: int
    body: bytes | None
    meta: bytes


@dataclass(frozen=True, slots=True)
class OfferWindowRow:
    """quantity + overdrawn = free + consumed, each at least 0."""

    key: str
    window: str
    from_ms: int
    until_ms: int
    quantity: int
    consumed: int
    free: int
    overdrawn: int


@dataclass(frozen=True, slots=True)
class ResourceWindowRow:
    """quantity + overdrawn = free + consumed, each at least 0, in grains."""

    key: str
    window: str
    from_ms: int
    until_ms: int
    quantity: int
    consumed: int
    free: int
    overdrawn: int


@dataclass(frozen=True, slots=True)
class DemandWindowRow:
    """asked = open + proposed + confirmed + shipped + delivered + given_up, each at least 0."""

    key: str
    window: str
    from_ms: int
    until_ms: int
    said: int
    asked: int
    open: int
    proposed: int
    confirmed: int
    shipped: int
    delivered: int
    given_up: int


@dataclass(frozen=True, slots=True)
class DealRow:
    """A docking: `body` is its last published state."""

    docking: str
    market: str
    offer: str
    offer_window: str
    demand: str
    demand_window: str
    status: str
    quantity: int
    consumed: int
    body: bytes


@dataclass(frozen=True, slots=True)
class ClosedRow:
    """The highest revision of an id that ended. `listed`: there was an offer or demand of that id here."""

    kind: str
    market: str
    key: str
    revision: int
    listed: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """Everything that a round changed, or everything there is.

    `forgotten` (kind, market, key) and `forgotten_deals` are to be removed, with what belongs to them. Of a
    resource either all windows are there, which replace those before, or none; nobody needs them to rebuild
    it.
    """

    entities: list[EntityRow] = field(default_factory=list)
    offer_windows: list[OfferWindowRow] = field(default_factory=list)
    demand_windows: list[DemandWindowRow] = field(default_factory=list)
    deals: list[DealRow] = field(default_factory=list)
    dropped_windows: list[tuple[str, str]] = field(default_factory=list)
    closed: list[ClosedRow] = field(default_factory=list)
    forgotten: list[tuple[str, str, str]] = field(default_factory=list)
    forgotten_deals: list[str] = field(default_factory=list)
    resource_windows: list[ResourceWindowRow] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """True when nothing changed."""
        return not any(getattr(self, name) for name in self.__slots__)


def rows_of(state: State, effects: Effects) -> Rows:
    """Return the rows that a round changed."""
    rows = Rows()
    if effects.run_changed:
        run = RunMeta(length=state.unusable_run)
        rows.entities.append(EntityRow("run", "*", "*", 0, b"{}", encode(run)))
    for (kind, market, key), said in sorted(effects.stored.items(), key=lambda entry: entry[0]):
        rows.entities.append(EntityRow(kind, market, key, _revision(said), encode(said), b"{}"))
    for name, offset in sorted(effects.policies.items()):
        said = state.published[name]
        meta = encode(PolicyMeta(offset=offset))
        rows.entities.append(EntityRow("policy", "*", name, said.revision, encode(said), meta))
    for name in sorted(effects.markets):
        held = MarketMeta(held_until_ms=state.markets[name].held_until_ms)
        rows.entities.append(EntityRow("market", name, name, 0, b"{}", encode(held)))
    for (kind, market, key), revision in sorted(effects.closed.items()):
        listed = state.homes.get(f"{kind[0]}:{key}") == market
        rows.closed.append(ClosedRow(kind, market, key, revision, listed))
    for market_name, key in sorted(effects.offers):
        _add_offer(rows, state.markets[market_name], key, effects)
    for market_name, key in sorted(effects.demands | effects.closing):
        _add_demand(rows, state.markets[market_name], key, effects)
    for market_name, key in sorted(effects.resources):
        if (resource := state.markets[market_name].resources.get(key)) is not None:
            _add_resource(rows, market_name, resource, effects)
    rows.dropped_windows.extend(sorted(effects.dropped_windows - _kept_windows(rows)))
    changed = {step.docking: step.market for step in effects.steps}
    rows.deals.extend(_deal_row(state.markets[market].deals[docking]) for docking, market in changed.items())
    rows.forgotten.extend(sorted(effects.forgotten))
    rows.forgotten_deals.extend(sorted(effects.forgotten_deals))
    return rows


def _kept_windows(rows: Rows) -> set[tuple[str, str]]:
    """Return the windows that are written; one that was dropped and said again in one round is kept."""
    have = {(f"o:{row.key}", row.window) for row in rows.offer_windows}
    return have | {(f"d:{row.key}", row.window) for row in rows.demand_windows}


def _add_offer(rows: Rows, market: Market, key: str, effects: Effects) -> None:
    offer = market.offers[key]
    meta = OfferMeta(
        since_ms=offer.since_ms, offset=offer.offset, status=offer.status, closed_ms=offer.closed_ms
    )
    rows.entities.append(_entity("offer", market.name, key, offer.said.revision, effects, meta))
    for window in offer.windows:
        rows.offer_windows.append(
            OfferWindowRow(
                key,
                window.id,
                window.from_ms,
                window.until_ms,
                window.quantity,
                window.consumed,
                window.free,
                window.overdrawn,
            )
        )


def _add_demand(rows: Rows, market: Market, key: str, effects: Effects) -> None:
    demand = market.demands[key]
    meta = DemandMeta(
        since_ms=demand.since_ms,
        offset=demand.offset,
        status=demand.status,
        barred=sorted(demand.barred),
        reasons=demand.reasons,
        closed_ms=demand.closed_ms,
    )
    rows.entities.append(_entity("demand", market.name, key, demand.said.revision, effects, meta))
    for window in demand.windows:
        rows.demand_windows.append(
            DemandWindowRow(
                key,
                window.id,
                window.from_ms,
                window.until_ms,
                window.said,
                window.asked,
                window.open,
                window.proposed,
                window.confirmed,
                window.shipped,
                window.delivered,
                window.given_up,
            )
        )


def _add_resource(rows: Rows, market: str, resource: Resource, effects: Effects) -> None:
    meta = ResourceMeta(status=resource.status(effects.clock_ms), closed_ms=resource.closed_ms)
    rows.entities.append(_entity("resource", market, resource.key, resource.said.revision, effects, meta))
    for window in resource.windows:
        rows.resource_windows.append(
            ResourceWindowRow(
                resource.key,
                window.id,
                window.from_ms,
                window.until_ms,
                window.quantity,
                window.consumed,
                window.free,
                window.overdrawn,
            )
        )


def _entity(
    kind: str,
    market: str,
    key: str,
    revision: int,
    effects: Effects,
    meta: OfferMeta | DemandMeta | ResourceMeta,
) -> EntityRow:
    listed = effects.listed.get((kind, market, key))
    body = None if listed is None else encode(listed)
    return EntityRow(kind, market, key, revision, body, encode(meta))


def _deal_row(deal: Deal) -> DealRow:
    return DealRow(
        deal.id,
        deal.told.market,
        *deal.offer,
        *deal.demand,
        deal.told.status,
        deal.quantity,
        deal.consumed,
        encode(deal.told),
    )


def _revision(said: Shape) -> int:
    revision: int = getattr(said, "revision")  # noqa: B009  every stored statement has one
    return revision
