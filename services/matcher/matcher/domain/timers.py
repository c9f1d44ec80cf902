"""When something has to be looked at again though nothing is said: the timers."""

from matcher.domain.model import FAR_AWAY_MS, Deal, Demand, Market, Offer, Resource
from matcher.domain.pricing import DAY_MS
from matcher.domain.resources import drawn_until_ms
from matcher.domain.state import State
from tenon.contracts.codec import unix_ms
from tenon.contracts.intake import PolicyPublished


def wake_offer(state: State, market: Market, offer: Offer) -> None:
    """Set the timers of an offer: its end, each step of its reach, and when it is forgotten."""
    last = max(window.until_ms for window in offer.windows)
    state.wake(min(last, offer.valid_until_ms), "offer", market.name, offer.key)
    for at_ms in reach_times_ms(market, offer):
        state.wake(at_ms, "reach", market.name, offer.key)
    wake_forgetting_offer(state, market, offer)


def reach_times_ms(market: Market, offer: Offer) -> list[int]:
    """Return when the offer's reach grows."""
    return [offer.since_ms + step.waiting_s * 1000 for step in market.policy.reach if step.waiting_s]


def wake_demand(state: State, market: Market, demand: Demand) -> None:
    """Set the timers of a demand: the end of each window, of its patience, and when it is forgotten."""
    for at_ms in {window.until_ms for window in demand.windows} | {patience_until_ms(market.policy, demand)}:
        if at_ms < FAR_AWAY_MS:
            state.wake(at_ms, "demand", market.name, demand.key)
    wake_rise(state, market, demand)
    wake_forgetting(state, market, f"d:{demand.key}", demand.closed_ms)


def wake_resource(state: State, market: Market, resource: Resource) -> None:
    """Set the timers of a resource: the end of its last window, and when it is forgotten."""
    state.wake(max(window.until_ms for window in resource.windows), "resource", market.name, resource.key)
    wake_forgetting(state, market, f"r:{resource.key}", resource.closed_ms)


def wake_deal(state: State, market: Market, deal: Deal) -> None:
    """Set the timer of a docking: when a proposal lapses, when one that ended is forgotten."""
    if deal.told.respond_by is not None:
        state.wake(unix_ms(deal.told.respond_by), "lapse", market.name, deal.id)
    wake_forgetting(state, market, f"k:{deal.id}", None if deal.live else unix_ms(deal.told.at))


def wake_forgetting(state: State, market: Market, name: str, closed_ms: int | None) -> None:
    """Set the timer at which something that is closed (`o:`, `d:`, `r:`, `k:` and its key) is forgotten."""
    if closed_ms is not None:
        state.wake(forgotten_at_ms(market, closed_ms), "forget", market.name, name)


def wake_forgetting_offer(state: State, market: Market, offer: Offer) -> None:
    """Set the timer at which a closed offer is forgotten: not before the windows it took from are over.

    Where these have become shorter that may be at once, which is the next time that the clock moves.
    """
    if offer.said.resource is None:
        wake_forgetting(state, market, f"o:{offer.key}", offer.closed_ms)
    elif offer.closed_ms is not None:
        at_ms = max(forgotten_at_ms(market, offer.closed_ms), drawn_until_ms(offer), state.clock_ms + 1)
        state.wake(at_ms, "forget", market.name, f"o:{offer.key}")


def forgotten_at_ms(market: Market, closed_ms: int) -> int:
    """Return when something that closed at a time is forgotten."""
    return closed_ms + market.policy.keep_closed_s * 1000


def reset(state: State) -> None:
    """Set every timer that is still to come, and no other: what is over or gone has none."""
    state.timers.clear()
    for market in state.markets.values():
        for offer in market.offers.values():
            wake_offer(state, market, offer)
        for demand in market.demands.values():
            wake_demand(state, market, demand)
        for resource in market.resources.values():
            wake_resource(state, market, resource)
        for deal in market.deals.values():
            wake_deal(state, market, deal)
        if market.held_until_ms is not None:
            state.wake(market.held_until_ms, "hold", market.name, "")
    state.due(state.clock_ms)


def wake_rise(state: State, market: Market, demand: Demand) -> None:
    """Set the timer of the next day on which a unit is worth more, as long as one can be docked."""
    last = max(window.until_ms for window in demand.windows)
    if market.policy.weights.waiting and last > state.clock_ms:
        days = (state.clock_ms - demand.since_ms) // DAY_MS + 1
        state.wake(demand.since_ms + days * DAY_MS, "rise", market.name, demand.key)


def patience_until_ms(policy: PolicyPublished, demand: Demand) -> int:
    """Return until when a demand waits: its own word, else the policy's patience, else for ever."""
    if demand.said.patience_until is not None:
        return unix_ms(demand.said.patience_until)
    if policy.patience_s is not None:
        return demand.since_ms + policy.patience_s * 1000
    return FAR_AWAY_MS
