"""What is closed for long leaves the state: of an offer or a demand only its id and last revision stay.

A docking is closed when it ended; an offer or a resource when it is withdrawn or expired; a demand when it is
withdrawn, or its patience or all of its windows are over. What is closed for `keep_closed_s` of its market's
policy, by the clock of the rounds, is forgotten; an offer or a demand not before the last of its dockings, an
offer not before the windows of a resource that it took from are over, a resource not before the last offer
that draws on it. Windows keep the sums of the dockings that were forgotten before them.
"""

from collections.abc import Mapping

from matcher.domain import timers
from matcher.domain.effects import Effects
from matcher.domain.model import KINDS, Deal, Demand, Market, Offer, Resource
from matcher.domain.placing import unplace
from matcher.domain.resources import drawing, drawn_until_ms, draws, remove, unlink
from matcher.domain.state import State
from tenon.contracts.codec import unix_ms

_MOST_STALE = 1_000


def forget(state: State, market: Market, name: str, effects: Effects) -> None:
    """Forget what a timer names, if it has been closed for long enough and nothing needs it."""
    if name[0] == "k":
        deal = market.deals.get(name[2:])
        if deal is not None and not deal.live and _is_old(market, unix_ms(deal.told.at), effects):
            _forget_deal(state, market, deal, effects)
        return
    entry = _entries(market, name).get(name[2:])
    if entry is not None and not _is_needed(market, name, entry, effects):
        _forget_entry(state, market, name, entry, effects)


def schedule(state: State, effects: Effects) -> None:
    """Set the timers at which what closed in this round is forgotten."""
    for step in effects.steps:
        market = state.markets[step.market]
        timers.wake_forgetting(
            state, market, f"k:{step.docking}", None if market.deals[step.docking].live else effects.clock_ms
        )
    for market_name, key in sorted(effects.offers):
        market = state.markets[market_name]
        timers.wake_forgetting_offer(state, market, market.offers[key])
    for market_name, key in sorted(effects.demands | effects.closing):
        market = state.markets[market_name]
        timers.wake_forgetting(state, market, f"d:{key}", market.demands[key].closed_ms)
    for market_name, key in sorted(effects.resources):
        market = state.markets[market_name]
        if (resource := market.resources.get(key)) is not None:
            timers.wake_forgetting(state, market, f"r:{key}", resource.closed_ms)
            for offer in drawing(market, key):
                timers.wake_forgetting_offer(state, market, offer)
    if len(state.timers) > state.timers_after_reset * 2 + _MOST_STALE:
        timers.reset(state)
        state.timers_after_reset = len(state.timers)


def _is_old(market: Market, closed_ms: int, effects: Effects) -> bool:
    return timers.forgotten_at_ms(market, closed_ms) <= effects.clock_ms


def _entries(market: Market, name: str) -> Mapping[str, Offer | Demand | Resource]:
    """Return the offers, demands or resources among which a name is."""
    if name[0] == "r":
        return market.resources
    return market.offers if name[0] == "o" else market.demands


def _is_needed(market: Market, name: str, entry: Offer | Demand | Resource, effects: Effects) -> bool:
    touched = {"o": effects.offers, "d": effects.demands, "r": effects.resources}[name[0]]
    if entry.closed_ms is None or name in market.held or (market.name, entry.key) in touched:
        return True
    if isinstance(entry, Resource) and entry.key in market.drawing:
        return True
    if isinstance(entry, Offer) and drawn_until_ms(entry) > effects.clock_ms:
        return True
    return not _is_old(market, entry.closed_ms, effects)


def _forget_deal(state: State, market: Market, deal: Deal, effects: Effects) -> None:
    del market.deals[deal.id]
    effects.forgotten_deals.add(deal.id)
    for name in deal.sides:
        market.held[name] -= 1
        if not market.held[name]:
            del market.held[name]
            forget(state, market, name, effects)


def _forget_entry(
    state: State, market: Market, name: str, entry: Offer | Demand | Resource, effects: Effects
) -> None:
    kind = KINDS[name[0]]
    revision = max(market.closed.get(name, 0), entry.said.revision)
    market.closed.pop(name, None)
    # Both know it by one string: what is left of it is to be small.
    market.closed[name], state.homes[name] = revision, state.homes.pop(name)
    effects.closed[kind, market.name, entry.key] = revision
    effects.forgotten.add((kind, market.name, entry.key))
    unplace(market, name)
    market.proposals.pop(name, None)
    market.dirty.discard(name)
    if isinstance(entry, Offer):
        draws(market, effects, entry)
        unlink(market, entry)
        del market.offers[entry.key]
    elif isinstance(entry, Resource):
        remove(market, entry.key)
    else:
        del market.demands[entry.key]
        state.unexplained.discard((market.name, entry.key))
