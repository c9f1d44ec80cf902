"""What happens when an offer, a resource or a demand is listed, revised or withdrawn.

A revision replaces the state; what dockings hold is kept. Proposals that no longer fit are released, the
latest and least urgent first; what is confirmed stays, and shows as overdrawn where it no longer fits.
"""

from collections.abc import Iterable

from matcher.domain.distance import site_of
from matcher.domain.effects import Effects
from matcher.domain.model import KINDS, Cause, Demand, DemandWindow, Market, Offer, OfferWindow
from matcher.domain.placing import place_demand, place_offer
from matcher.domain.releasing import (
    release_excess,
    release_overdrawn,
    release_overloaded,
    release_proposals,
    release_unfit,
)
from matcher.domain.resources import drawing, link, put, resource_key, unlink
from matcher.domain.said import demand_from, offer_from, resource_from, site_key
from matcher.domain.state import State
from matcher.domain.timers import wake_demand, wake_offer, wake_resource
from tenon.contracts.codec import instant
from tenon.contracts.intake import (
    DemandPublished,
    DemandWithdrawn,
    OfferPublished,
    OfferWithdrawn,
    ResourcePublished,
    ResourceWithdrawn,
)
from tenon.contracts.log import DemandListed, OfferListed, PartyTerms, SiteState
from tenon.contracts.rejections import EventSuperseded


def list_offer(state: State, market: Market, listed: OfferListed, offset: int, effects: Effects) -> None:
    """Enter a new offer, or revise the one in force."""
    learn_site(market, listed.site, effects)
    learn_terms(market, listed.terms, effects)
    new = offer_from(listed, effects.clock_ms, offset)
    old = market.offers.get(new.key)
    if _is_stale(state, market, f"o:{new.key}", listed.offer, old.said if old else None, effects):
        return
    if old is not None:
        new.since_ms, new.offset = old.since_ms, old.offset
        _touch_resource(market, resource_key(old), effects)
        unlink(market, old)
        new.windows = _kept_offer_windows(old, new.windows, effects)
    market.offers[new.key] = new
    link(market, new)
    market.closed.pop(f"o:{new.key}", None)
    state.homes[f"o:{new.key}"] = market.name
    effects.listed["offer", market.name, new.key] = listed
    touch_offer(market, new, effects)
    wake_offer(state, market, new)
    release_unfit(market, f"o:{new.key}", Cause("offer_revised"), effects)
    release_overdrawn(market, new, Cause("offer_revised"), effects)
    if (resource := resource_key(new)) is not None:
        _touch_resource(market, resource, effects)
        release_overloaded(market, resource, Cause("offer_revised"), effects)


def list_demand(state: State, market: Market, listed: DemandListed, offset: int, effects: Effects) -> None:
    """Enter a new demand, or revise the one in force."""
    learn_site(market, listed.site, effects)
    learn_terms(market, listed.terms, effects)
    new = demand_from(listed, effects.clock_ms, offset)
    old = market.demands.get(new.key)
    if _is_stale(state, market, f"d:{new.key}", listed.demand, old.said if old else None, effects):
        return
    if old is not None:
        new.since_ms, new.offset, new.barred = old.since_ms, old.offset, old.barred
        new.windows = _kept_demand_windows(old, new.windows, effects)
    market.demands[new.key] = new
    market.closed.pop(f"d:{new.key}", None)
    state.homes[f"d:{new.key}"] = market.name
    effects.listed["demand", market.name, new.key] = listed
    touch_demand(market, new, effects)
    wake_demand(state, market, new)
    release_unfit(market, f"d:{new.key}", Cause("demand_revised"), effects)
    release_excess(market, new, effects)


def list_resource(state: State, market: Market, said: ResourcePublished, effects: Effects) -> None:
    """Enter a new resource, or revise the one in force; what draws on it is decided again."""
    new = resource_from(said)
    old = market.resources.get(new.key)
    if _is_stale(state, market, f"r:{new.key}", said, old.said if old else None, effects):
        return
    put(market, new)
    market.closed.pop(f"r:{new.key}", None)
    state.homes[f"r:{new.key}"] = market.name
    effects.listed["resource", market.name, new.key] = said
    _touch_resource(market, new.key, effects)
    wake_resource(state, market, new)
    release_overloaded(market, new.key, Cause("resource_revised"), effects)


def withdraw_resource(market: Market, said: ResourceWithdrawn, effects: Effects) -> None:
    """End a resource: proposals that draw on it are cancelled, what is confirmed stays."""
    key = f"{said.party}/{said.resource}"
    resource = market.resources.get(key)
    present = resource.said.revision if resource else None
    if _is_old_end(market, "resource", key, said.revision, present, effects):
        return
    market.closed[f"r:{key}"] = effects.closed["resource", market.name, key] = said.revision
    if resource is None:
        return
    resource.withdrawn = True
    for window in resource.windows:
        window.quantity = 0
    _touch_resource(market, key, effects)
    release_overloaded(market, key, Cause("resource_withdrawn", said.reason), effects)


def withdraw_offer(market: Market, said: OfferWithdrawn, effects: Effects) -> None:
    """End an offer: proposals are cancelled, what is confirmed stays."""
    key = f"{said.party}/{said.offer}"
    offer = market.offers.get(key)
    if _is_old_end(market, "offer", key, said.revision, offer.said.revision if offer else None, effects):
        return
    market.closed[f"o:{key}"] = effects.closed["offer", market.name, key] = said.revision
    if offer is None:
        return
    offer.status = "withdrawn"
    for window in offer.windows:
        window.quantity = 0
    touch_offer(market, offer, effects)
    release_proposals(market, f"o:{key}", Cause("offer_withdrawn", said.reason), effects)


def withdraw_demand(market: Market, said: DemandWithdrawn, effects: Effects) -> None:
    """End a demand: proposals are cancelled, what is confirmed stays, the rest is given up."""
    key = f"{said.party}/{said.demand}"
    demand = market.demands.get(key)
    if _is_old_end(market, "demand", key, said.revision, demand.said.revision if demand else None, effects):
        return
    market.closed[f"d:{key}"] = effects.closed["demand", market.name, key] = said.revision
    if demand is None:
        return
    demand.status = "withdrawn"
    release_proposals(market, f"d:{key}", Cause("demand_withdrawn", said.reason), effects)
    touch_demand(market, demand, effects)


def learn_site(market: Market, site: SiteState, effects: Effects) -> None:
    """Keep a site if it is newer; what is listed there is decided again."""
    key = site_key(site)
    known = market.sites.get(key)
    if known is not None and site.revision <= known.state.revision:
        return
    market.sites[key] = site_of(site)
    effects.stored["site", market.name, key] = site
    if known is not None:
        _placed_anew(market, key)


def _placed_anew(market: Market, site: str) -> None:
    """Let what is listed at a site be found where the site is now, and decided again."""
    for name in list(at_site(market, site)):
        market.dirty.add(name)
        if name[0] == "o":
            place_offer(market, market.offers[name[2:]])
        else:
            place_demand(market, market.demands[name[2:]])


def learn_terms(market: Market, terms: PartyTerms, effects: Effects) -> None:
    """Keep a party's terms if they are newer."""
    known = market.terms.get(terms.party)
    if known is None or terms.revision > known.revision:
        market.terms[terms.party] = terms
        effects.stored["terms", market.name, terms.party] = terms


def touch_offer(market: Market, offer: Offer, effects: Effects) -> None:
    """Note that an offer changed: it is told, stored and decided again."""
    effects.offers.add((market.name, offer.key))
    market.dirty.add(f"o:{offer.key}")


def _touch_resource(market: Market, key: str | None, effects: Effects) -> None:
    """Note that a resource changed: it is told and stored, and what draws on it is decided again."""
    if key is not None:
        effects.resources.add((market.name, key))
        market.dirty |= {f"o:{offer.key}" for offer in drawing(market, key)}


def touch_demand(market: Market, demand: Demand, effects: Effects) -> None:
    """Note that a demand changed: it is told, stored and decided again."""
    effects.demands.add((market.name, demand.key))
    market.dirty.add(f"d:{demand.key}")


def _is_stale(
    state: State,
    market: Market,
    name: str,
    new: OfferPublished | DemandPublished | ResourcePublished,
    old: OfferPublished | DemandPublished | ResourcePublished | None,
    effects: Effects,
) -> bool:
    present = market.closed.get(name) or (old.revision if old is not None else 0)
    if new.revision > present:
        return False
    forgotten = old is None and name in state.homes
    if forgotten and new.revision == present:
        return True  # What it said is forgotten: most likely the same, once more.
    if old is None or new != old:
        _supersede(KINDS[name[0]], name[2:], new.revision, present, effects)
    return True


def _is_old_end(
    market: Market, kind: str, key: str, revision: int, present: int | None, effects: Effects
) -> bool:
    closed = market.closed.get(f"{kind[0]}:{key}")
    if closed is not None and revision <= closed:
        if revision < closed:
            _supersede(kind, key, revision, closed, effects)
        return True
    if present is not None and revision < present:
        _supersede(kind, key, revision, present, effects)
        return True
    return False


def _supersede(kind: str, key: str, revision: int, present: int, effects: Effects) -> None:
    party, _, entity = key.partition("/")
    effects.told.append(
        EventSuperseded(
            kind=kind,  # type: ignore[arg-type]
            party=party,
            id=entity,
            revision=revision,
            present_revision=present,
            same_revision_other_content=revision == present,
            at=instant(effects.clock_ms),
        )
    )


def _kept_offer_windows(old: Offer, new: list[OfferWindow], effects: Effects) -> list[OfferWindow]:
    """Carry over what is consumed; a window that vanished stays, empty, as long as it is consumed."""
    before = {window.id: window for window in old.windows}
    for window in new:
        if window.id in before:
            window.consumed = before.pop(window.id).consumed
    gone = [before[name] for name in sorted(before) if before[name].consumed]
    for window in gone:
        window.quantity = 0
    effects.dropped_windows |= {(f"o:{old.key}", name) for name in before if not before[name].consumed}
    return [*new, *gone]


def _kept_demand_windows(old: Demand, new: list[DemandWindow], effects: Effects) -> list[DemandWindow]:
    before = {window.id: window for window in old.windows}
    for window in new:
        if window.id in before:
            _carry(before.pop(window.id), window)
    gone = [before[name] for name in sorted(before) if before[name].docked]
    for window in gone:
        window.said = window.given_up = window.least_part = 0
        window.due_ms = window.from_ms
    effects.dropped_windows |= {(f"d:{old.key}", name) for name in before if not before[name].docked}
    return [*new, *gone]


def _carry(old: DemandWindow, new: DemandWindow) -> None:
    new.proposed, new.confirmed = old.proposed, old.confirmed
    new.shipped, new.delivered = old.shipped, old.delivered


def at_site(market: Market, key: str) -> Iterable[str]:
    """Yield what is listed at a site."""
    yield from (f"o:{offer.key}" for offer in market.offers.values() if offer.site_key == key)
    yield from (f"d:{demand.key}" for demand in market.demands.values() if demand.site_key == key)
