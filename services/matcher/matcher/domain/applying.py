"""What each entry of the log does to the state."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from matcher.domain import lifecycle, listing, timers
from matcher.domain.effects import Effects
from matcher.domain.model import Demand, Market, Offer, Resource, Routes
from matcher.domain.reading import Entry, Unusable
from matcher.domain.settling import settle_demand
from matcher.domain.state import EVERY_MARKET, State
from tenon.contracts import intake, log
from tenon.contracts.codec import instant
from tenon.contracts.markets import normalise_code
from tenon.contracts.rejections import EventSuperseded
from tenon.contracts.values import ItemClass, Shape

_ENTITIES: dict[type, Callable[[Any], str]] = {
    log.OfferListed: lambda data: f"o:{data.offer.party}/{data.offer.offer}",
    log.DemandListed: lambda data: f"d:{data.demand.party}/{data.demand.demand}",
    intake.ResourcePublished: lambda data: f"r:{data.party}/{data.resource}",
    intake.ResourceWithdrawn: lambda data: f"r:{data.party}/{data.resource}",
    intake.OfferWithdrawn: lambda data: f"o:{data.party}/{data.offer}",
    intake.DemandWithdrawn: lambda data: f"d:{data.party}/{data.demand}",
}


def apply(state: State, entry: Entry | Unusable, effects: Effects) -> None:
    """Apply one record of the log, or note why it can't be used."""
    effects.records += 1
    _count_run(state, effects, unusable=isinstance(entry, Unusable))
    if isinstance(entry, Unusable):
        effects.unusable.append(entry)
        return
    moved = _moved(state, entry)
    if moved is not None:
        effects.unusable.append(Unusable(entry.offset, "market_moved", moved, entry.record))
        return
    HANDLERS[type(entry.data)](state, entry, effects)


def _count_run(state: State, effects: Effects, *, unusable: bool) -> None:
    """Keep how many records in a row came last that could not be used."""
    run = state.unusable_run + 1 if unusable else 0
    effects.run_changed |= run != state.unusable_run
    state.unusable_run = run


def set_policy(state: State, policy: intake.PolicyPublished) -> None:
    """Put a policy in force and let every market that it concerns decide again."""
    state.published.pop(policy.policy, None)
    state.published[policy.policy] = policy
    state.policies = {each.market or EVERY_MARKET: each for each in state.published.values()}
    for market in state.markets.values():
        in_force = state.policy_of(market.name)
        if in_force is not market.policy:
            market.policy = in_force
            market.dirty |= {f"o:{key}" for key in market.offers} | {f"d:{key}" for key in market.demands}
            for offer in market.offers.values():
                timers.wake_offer(state, market, offer)
            for demand in market.demands.values():
                timers.wake_demand(state, market, demand)
            for resource in market.resources.values():
                timers.wake_resource(state, market, resource)
            for deal in market.deals.values():
                timers.wake_deal(state, market, deal)


def set_routes(market: Market, said: intake.RoutesPublished) -> None:
    """Keep the known distances of a site for one class."""
    market.routes.setdefault(f"{said.party}/{said.site}", {})[_class_key(said.class_)] = _distances(
        market, said
    )


def _distances(market: Market, said: intake.RoutesPublished) -> Routes:
    known = sorted((market.number(target), metres) for target, metres in said.distances_m.items())
    sites, metres = np.array(known, dtype=np.int64).reshape(-1, 2).T
    return Routes(said.revision, said.class_.scheme, normalise_code(said.class_), sites, metres)


def _class_key(item_class: ItemClass) -> str:
    return f"{item_class.scheme}:{normalise_code(item_class)}"


def _moved(state: State, entry: Entry) -> str | None:
    """Say why this would make another thing of an offer or demand: its market, kind and unit are for life."""
    name = _ENTITIES.get(type(entry.data))
    key = name(entry.data) if name else ""
    home = state.homes.get(key)
    if home is None:
        return None
    if home != entry.market:
        return f"it is in market {home}: withdraw it there and publish it under a new id"
    return _remade(state.markets[home], key[2:], entry.data)


def _remade(market: Market, key: str, data: Shape) -> str | None:
    if isinstance(data, intake.ResourcePublished):
        return _recounted(market.resources.get(key), data)
    old: Offer | Demand | None
    if isinstance(data, log.OfferListed):
        old, new = market.offers.get(key), data.offer.item
    elif isinstance(data, log.DemandListed):
        old, new = market.demands.get(key), data.demand.item
    else:
        return None
    if old is None:
        return None  # It is forgotten: what is published under its id begins anew.
    was = old.said.item
    if (was.kind, was.unit) == (new.kind, new.unit):
        return None
    return f"it is a {was.kind} counted in {was.unit}: withdraw it and publish under a new id"


def _recounted(old: Resource | None, new: intake.ResourcePublished) -> str | None:
    if old is None or old.said.unit == new.unit:
        return None
    return f"it is counted in {old.said.unit}: withdraw it and publish under a new id"


def _list_offer(state: State, entry: Entry, effects: Effects) -> None:
    assert isinstance(entry.data, log.OfferListed)
    listing.list_offer(state, state.market(entry.market), entry.data, entry.offset, effects)


def _list_demand(state: State, entry: Entry, effects: Effects) -> None:
    assert isinstance(entry.data, log.DemandListed)
    listing.list_demand(state, state.market(entry.market), entry.data, entry.offset, effects)


def _withdraw_offer(state: State, entry: Entry, effects: Effects) -> None:
    assert isinstance(entry.data, intake.OfferWithdrawn)
    listing.withdraw_offer(state.market(entry.market), entry.data, effects)


def _withdraw_demand(state: State, entry: Entry, effects: Effects) -> None:
    assert isinstance(entry.data, intake.DemandWithdrawn)
    listing.withdraw_demand(state.market(entry.market), entry.data, effects)


def _list_resource(state: State, entry: Entry, effects: Effects) -> None:
    assert isinstance(entry.data, intake.ResourcePublished)
    listing.list_resource(state, state.market(entry.market), entry.data, effects)


def _withdraw_resource(state: State, entry: Entry, effects: Effects) -> None:
    assert isinstance(entry.data, intake.ResourceWithdrawn)
    listing.withdraw_resource(state.market(entry.market), entry.data, effects)


def _change_site(state: State, entry: Entry, effects: Effects) -> None:
    assert isinstance(entry.data, log.SiteChanged)
    listing.learn_site(state.market(entry.market), entry.data.site, effects)


def _change_party(state: State, entry: Entry, effects: Effects) -> None:
    assert isinstance(entry.data, log.PartyChanged)
    listing.learn_terms(state.market(entry.market), entry.data.terms, effects)


def _routes(state: State, entry: Entry, effects: Effects) -> None:
    said = entry.data
    assert isinstance(said, intake.RoutesPublished)
    market = state.market(entry.market)
    site, code = f"{said.party}/{said.site}", _class_key(said.class_)
    known = market.routes.get(site, {}).get(code)
    if known is not None and said.revision <= known.revision:
        if said.revision < known.revision or not known.says_the_same(_distances(market, said)):
            older = _older("routes", said.party, said.site, said.revision, known.revision, effects)
            effects.told.append(older)
        return
    set_routes(market, said)
    effects.stored["routes", market.name, f"{site}/{code}"] = said
    market.dirty |= set(listing.at_site(market, site))


def _answer(state: State, entry: Entry, effects: Effects) -> None:
    assert isinstance(entry.data, intake.DockingAnswered)
    lifecycle.answer(state.market(entry.market), entry.data, effects)


def _progress(state: State, entry: Entry, effects: Effects) -> None:
    assert isinstance(entry.data, intake.DockingProgressed)
    lifecycle.progress(state.market(entry.market), entry.data, effects)


def _policy(state: State, entry: Entry, effects: Effects) -> None:
    said = entry.data
    assert isinstance(said, intake.PolicyPublished)
    known = state.published.get(said.policy)
    if known is not None and said.revision <= known.revision:
        if said != known:
            older = _older("policy", "administrator", said.policy, said.revision, known.revision, effects)
            effects.told.append(older)
        return
    set_policy(state, said)
    effects.policies[said.policy] = entry.offset
    for market in state.markets.values():
        for demand in market.demands.values():
            if demand.closed_ms is not None:
                settle_demand(market, demand, effects)  # Its patience may have become longer.


def _older(
    kind: Literal["policy", "routes"], party: str, name: str, revision: int, present: int, effects: Effects
) -> EventSuperseded:
    return EventSuperseded(
        kind=kind,
        party=party,
        id=name,
        revision=revision,
        present_revision=present,
        same_revision_other_content=revision == present,
        at=instant(effects.clock_ms),
    )


def _tick(state: State, entry: Entry, effects: Effects) -> None:
    """A tick's time is taken when the round begins; it changes nothing else."""


HANDLERS: dict[type, Callable[[State, Entry, Effects], None]] = {
    log.OfferListed: _list_offer,
    log.DemandListed: _list_demand,
    log.SiteChanged: _change_site,
    log.PartyChanged: _change_party,
    intake.OfferWithdrawn: _withdraw_offer,
    intake.DemandWithdrawn: _withdraw_demand,
    intake.ResourcePublished: _list_resource,
    intake.ResourceWithdrawn: _withdraw_resource,
    intake.RoutesPublished: _routes,
    intake.DockingAnswered: _answer,
    intake.DockingProgressed: _progress,
    intake.PolicyPublished: _policy,
    intake.ClockTicked: _tick,
}
