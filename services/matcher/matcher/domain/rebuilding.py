"""The state from its rows: a rebuilt state decides exactly as the one that lived."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from matcher.domain import said, timers
from matcher.domain.applying import set_policy, set_routes
from matcher.domain.distance import site_of
from matcher.domain.lifecycle import enter, note_proposal
from matcher.domain.model import Deal, Demand, DemandWindow, Market, Offer, OfferWindow, Resource
from matcher.domain.placing import place_demand, place_offer
from matcher.domain.resources import link
from matcher.domain.rows import (
    ClosedRow,
    DealRow,
    DemandMeta,
    EntityRow,
    MarketMeta,
    OfferMeta,
    PolicyMeta,
    ResourceMeta,
    Rows,
    RunMeta,
)
from matcher.domain.state import State
from tenon.contracts.codec import decode_tolerant
from tenon.contracts.dockings import Docking
from tenon.contracts.intake import PolicyPublished, ResourcePublished, RoutesPublished
from tenon.contracts.log import DemandListed, OfferListed, PartyTerms, SiteState
from tenon.contracts.units import to_counts


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
    for ended in rows.closed:
        _load_closed(state, ended)
    for docked in rows.deals:
        _load_deal(state.market(docked.market), _deal(docked))
    for market in state.markets.values():
        _resume(state, market)
    timers.reset(state)  # What is due by now fired in rounds before.
    state.timers_after_reset = len(state.timers)
    return state


def _load_run(state: State, row: EntityRow) -> None:
    state.unusable_run = decode_tolerant(RunMeta, row.meta).length


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
    offer = said.offer_from(decode_tolerant(OfferListed, _body(row)), meta.since_ms, meta.offset)
    offer.status, offer.closed_ms = meta.status, meta.closed_ms
    state.market(row.market).offers[row.key] = offer
    state.homes[f"o:{row.key}"] = row.market


def _load_demand(state: State, row: EntityRow) -> None:
    meta = decode_tolerant(DemandMeta, row.meta)
    demand = said.demand_from(decode_tolerant(DemandListed, _body(row)), meta.since_ms, meta.offset)
    demand.status, demand.barred, demand.reasons = meta.status, frozenset(meta.barred), meta.reasons
    demand.closed_ms = meta.closed_ms
    state.market(row.market).demands[row.key] = demand
    state.homes[f"d:{row.key}"] = row.market


def _load_resource(state: State, row: EntityRow) -> None:
    meta = decode_tolerant(ResourceMeta, row.meta)
    resource = said.resource_from(decode_tolerant(ResourcePublished, _body(row)))
    resource.withdrawn, resource.closed_ms = meta.status == "withdrawn", meta.closed_ms
    if resource.withdrawn:
        for window in resource.windows:
            window.quantity = 0
    state.market(row.market).resources[row.key] = resource
    state.homes[f"r:{row.key}"] = row.market


def _load_closed(state: State, row: ClosedRow) -> None:
    market, name = state.market(row.market), f"{row.kind[0]}:{row.key}"
    kept: Mapping[str, Mapping[str, Offer | Demand | Resource]]
    kept = {"offer": market.offers, "demand": market.demands, "resource": market.resources}
    present = kept[row.kind].get(row.key)
    if present is None or present.said.revision <= row.revision:
        market.closed[name] = row.revision
    if row.listed:
        state.homes[name] = market.name


def _load_deal(market: Market, deal: Deal) -> None:
    """Enter a docking; the windows were stored with what it consumes."""
    enter(market, deal)
    if deal.told.status == "proposed":
        note_proposal(market, deal, 1)


_LOADERS: dict[str, Callable[[State, EntityRow], None]] = {
    "run": _load_run,
    "policy": _load_policy,
    "market": _load_market,
    "site": _load_site,
    "terms": _load_terms,
    "routes": _load_routes,
    "resource": _load_resource,
    "offer": _load_offer,
    "demand": _load_demand,
}


def _load_windows(state: State, rows: Rows) -> None:
    """Take windows as stored: they may hold less than was said, or be gone from it."""
    kept: dict[str, list[OfferWindow]] = {}
    asked: dict[str, list[DemandWindow]] = {}
    for have in rows.offer_windows:
        kept.setdefault(have.key, []).append(
            OfferWindow(have.window, have.from_ms, have.until_ms, have.quantity, have.consumed)
        )
    for want in rows.demand_windows:
        window = DemandWindow(
            want.window,
            want.from_ms,
            want.until_ms,
            want.said,
            want.proposed,
            want.confirmed,
            want.shipped,
            want.delivered,
            want.given_up,
            want.from_ms,
        )
        asked.setdefault(want.key, []).append(window)
    for market in state.markets.values():
        for offer in market.offers.values():
            offer.windows = _in_order(offer.windows, kept[offer.key])
        for demand in market.demands.values():
            terms = {window.id: window for window in demand.windows}
            stored = [_with_terms(window, terms) for window in asked[demand.key]]
            demand.windows = _in_order(demand.windows, stored)


def _with_terms(stored: DemandWindow, said: Mapping[str, DemandWindow]) -> DemandWindow:
    """Let a stored window be due, and take parts, as was said; one that is gone from it has no such terms."""
    if (window := said.get(stored.id)) is not None:
        stored.due_ms, stored.least_part = window.due_ms, window.least_part
    return stored


W = TypeVar("W", OfferWindow, DemandWindow)


def _in_order(said: Iterable[W], stored: Iterable[W]) -> list[W]:
    """Order stored windows as they were said; those gone from it follow, by id."""
    order = {window.id: index for index, window in enumerate(said)}
    return sorted(stored, key=lambda window: (order.get(window.id, len(order)), window.id))


def _resume(state: State, market: Market) -> None:
    """Find again what has to be looked at."""
    for offer in market.offers.values():
        link(market, offer)
    for offer in market.offers.values():
        place_offer(market, offer)
    for demand in market.demands.values():
        place_demand(market, demand)
        if demand.open and demand.reasons is None:
            state.unexplained.add((market.name, demand.key))
    market.dirty.clear()
    if market.held_until_ms is not None:
        market.dirty |= {f"o:{key}" for key in market.offers} | {f"d:{key}" for key in market.demands}


def _deal(row: DealRow) -> Deal:
    told = decode_tolerant(Docking, row.body)
    counts = (to_counts(part, told.unit) for part in (told.shipped, told.delivered, told.failed))
    return Deal(told, (row.offer, row.offer_window), (row.demand, row.demand_window), row.quantity, *counts)


def _body(row: EntityRow) -> bytes:
    if row.body is None:
        raise ValueError(f"{row.kind} {row.key} was stored without what was said")
    return row.body
