"""The state as rows, and back: what a round stores is what the next owner of the partition loads.

Window counts are stored beside the dockings that they follow from, so that the database can check them;
a rebuilt state decides exactly as the one that lived.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from matcher.domain import listing
from matcher.domain.applying import set_policy, set_routes
from matcher.domain.distance import site_of
from matcher.domain.effects import Effects
from matcher.domain.lifecycle import hold
from matcher.domain.model import Deal, DemandWindow, Market, OfferWindow
from matcher.domain.pairs import place_demand, place_offer
from matcher.domain.state import State
from tenon.contracts.codec import decode_tolerant, encode, unix_ms
from tenon.contracts.dockings import Docking
from tenon.contracts.intake import PolicyPublished, RoutesPublished
from tenon.contracts.log import DemandListed, OfferListed, PartyTerms, SiteState
from tenon.contracts.positions import PositionStatus, Reasons
from tenon.contracts.units import to_counts
from tenon.contracts.values import Shape


class OfferMeta(Shape, frozen=True, kw_only=True):
    """What Tenon knows of an offer beside what was said."""

    since_ms: int
    offset: int
    status: PositionStatus


class DemandMeta(Shape, frozen=True, kw_only=True):
    """What Tenon knows of a demand beside what was said."""

    since_ms: int
    offset: int
    status: PositionStatus
    barred: list[str] = []
    reasons: Reasons | None = None


class PolicyMeta(Shape, frozen=True, kw_only=True):
    """Where in the log a policy was published: of two for the same markets the later one holds."""

    offset: int


class MarketMeta(Shape, frozen=True, kw_only=True):
    """What is under way in a market."""

    held_until_ms: int | None = None


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
class Rows:
    """Everything that a round changed, or everything there is."""

    entities: list[EntityRow] = field(default_factory=list)
    offer_windows: list[OfferWindowRow] = field(default_factory=list)
    demand_windows: list[DemandWindowRow] = field(default_factory=list)
    deals: list[DealRow] = field(default_factory=list)
    dropped_windows: list[tuple[str, str]] = field(default_factory=list)


def rows_of(state: State, effects: Effects) -> Rows:
    """Return the rows that a round changed."""
    rows = Rows()
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
        rows.entities.append(EntityRow(f"closed-{kind}", market, key, revision, b"{}", b"{}"))
    for market_name, key in sorted(effects.offers):
        _add_offer(rows, state.markets[market_name], key, effects)
    for market_name, key in sorted(effects.demands):
        _add_demand(rows, state.markets[market_name], key, effects)
    rows.dropped_windows.extend(sorted(effects.dropped_windows - _kept_windows(rows)))
    changed = {step.docking: step.market for step in effects.steps}
    rows.deals.extend(_deal_row(state.markets[market].deals[docking]) for docking, market in changed.items())
    return rows


def rebuild(state: State, rows: Rows) -> State:
    """Fill an empty state (its position given) from all rows of its partition."""
    by_kind: dict[str, list[EntityRow]] = {}
    for row in rows.entities:
        by_kind.setdefault(row.kind, []).append(row)
    by_kind.get("policy", []).sort(key=lambda row: decode_tolerant(PolicyMeta, row.meta).offset)
    for kind, load in _LOADERS.items():
        for row in by_kind.get(kind, ()):
            load(state, row)
    _load_windows(state, rows)
    for deal in rows.deals:
        hold(state.market(deal.market), _deal(deal))
    for market in state.markets.values():
        _resume(state, market)
    state.due(state.clock_ms)  # These fired in rounds before.
    return state


def _kept_windows(rows: Rows) -> set[tuple[str, str]]:
    """Return the windows that are written; one that was dropped and said again in one round is kept."""
    have = {(f"o:{row.key}", row.window) for row in rows.offer_windows}
    return have | {(f"d:{row.key}", row.window) for row in rows.demand_windows}


def _add_offer(rows: Rows, market: Market, key: str, effects: Effects) -> None:
    offer = market.offers[key]
    meta = OfferMeta(since_ms=offer.since_ms, offset=offer.offset, status=offer.status)
    rows.entities.append(_entity("offer", market, key, offer.said.revision, effects, meta))
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
    )
    rows.entities.append(_entity("demand", market, key, demand.said.revision, effects, meta))
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


def _entity(
    kind: str, market: Market, key: str, revision: int, effects: Effects, meta: OfferMeta | DemandMeta
) -> EntityRow:
    listed = effects.listed.get((kind, market.name, key))
    body = None if listed is None else encode(listed)
    return EntityRow(kind, market.name, key, revision, body, encode(meta))


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


def _load_policy(state: State, row: EntityRow) -> None:
    set_policy(state, decode_tolerant(PolicyPublished, _body(row)))


def _load_market(state: State, row: EntityRow) -> None:
    state.market(row.key).held_until_ms = decode_tolerant(MarketMeta, row.meta).held_until_ms


def _load_site(state: State, row: EntityRow) -> None:
    state.market(row.market).sites[row.key] = site_of(decode_tolerant(SiteState, _body(row)))


def _load_terms(state: State, row: EntityRow) -> None:
    state.market(row.market).terms[row.key] = decode_tolerant(PartyTerms, _body(row))


def _load_routes(state: State, row: EntityRow) -> None:
    set_routes(state.market(row.market), decode_tolerant(RoutesPublished, _body(row)))


def _load_offer(state: State, row: EntityRow) -> None:
    meta = decode_tolerant(OfferMeta, row.meta)
    offer = listing.offer_from(decode_tolerant(OfferListed, _body(row)), meta.since_ms, meta.offset)
    offer.status = meta.status
    state.market(row.market).offers[row.key] = offer
    state.homes[f"o:{row.key}"] = row.market


def _load_demand(state: State, row: EntityRow) -> None:
    meta = decode_tolerant(DemandMeta, row.meta)
    demand = listing.demand_from(decode_tolerant(DemandListed, _body(row)), meta.since_ms, meta.offset)
    demand.status, demand.barred, demand.reasons = meta.status, frozenset(meta.barred), meta.reasons
    state.market(row.market).demands[row.key] = demand
    state.homes[f"d:{row.key}"] = row.market


def _load_closed(state: State, row: EntityRow) -> None:
    kind = row.kind.removeprefix("closed-")
    market = state.market(row.market)
    present = market.offers.get(row.key) if kind == "offer" else market.demands.get(row.key)
    if present is None or present.said.revision <= row.revision:
        market.closed[kind, row.key] = row.revision


_LOADERS: dict[str, Callable[[State, EntityRow], None]] = {
    "policy": _load_policy,
    "market": _load_market,
    "site": _load_site,
    "terms": _load_terms,
    "routes": _load_routes,
    "offer": _load_offer,
    "demand": _load_demand,
    "closed-offer": _load_closed,
    "closed-demand": _load_closed,
}


def _load_windows(state: State, rows: Rows) -> None:
    """Take windows as stored: they may hold less than was said, or be gone from it."""
    kept: dict[str, list[OfferWindow]] = {}
    asked: dict[str, list[DemandWindow]] = {}
    for have in rows.offer_windows:
        kept.setdefault(have.key, []).append(
            OfferWindow(have.window, have.from_ms, have.until_ms, have.quantity)
        )
    for want in rows.demand_windows:
        window = DemandWindow(want.window, want.from_ms, want.until_ms, want.said, given_up=want.given_up)
        asked.setdefault(want.key, []).append(window)
    for market in state.markets.values():
        for offer in market.offers.values():
            offer.windows = _in_order(offer.windows, kept[offer.key])
        for demand in market.demands.values():
            demand.windows = _in_order(demand.windows, asked[demand.key])


W = TypeVar("W", OfferWindow, DemandWindow)


def _in_order(said: Iterable[W], stored: Iterable[W]) -> list[W]:
    """Order stored windows as they were said; those gone from it follow, by id."""
    order = {window.id: index for index, window in enumerate(said)}
    return sorted(stored, key=lambda window: (order.get(window.id, len(order)), window.id))


def _resume(state: State, market: Market) -> None:
    """Set the timers that are still to come, and what has to be looked at again."""
    for offer in market.offers.values():
        place_offer(market, offer)
        listing.wake_offer(state, market, offer)
    for demand in market.demands.values():
        place_demand(market, demand)
        listing.wake_demand(state, market, demand)
        if demand.open and demand.reasons is None:
            state.unexplained.add((market.name, demand.key))
    for deal in market.deals.values():
        if deal.told.respond_by is not None:
            state.wake(unix_ms(deal.told.respond_by), "lapse", market.name, deal.id)
    market.dirty.clear()
    if market.held_until_ms is not None:
        market.dirty |= {f"o:{key}" for key in market.offers} | {f"d:{key}" for key in market.demands}
        state.wake(market.held_until_ms, "hold", market.name, "")


def _deal(row: DealRow) -> Deal:
    told = decode_tolerant(Docking, row.body)
    counts = (to_counts(part, told.unit) for part in (told.shipped, told.delivered, told.failed))
    return Deal(told, (row.offer, row.offer_window), (row.demand, row.demand_window), row.quantity, *counts)


def _body(row: EntityRow) -> bytes:
    if row.body is None:
        raise ValueError(f"{row.kind} {row.key} was stored without what was said")
    return row.body
