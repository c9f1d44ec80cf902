"""When an offer or a demand has to be looked at again though nothing is said: its timers."""

from matcher.domain.model import FAR_AWAY_MS, Demand, Market, Offer
from matcher.domain.pricing import DAY_MS
from matcher.domain.state import State
from tenon.contracts.codec import unix_ms
from tenon.contracts.intake import PolicyPublished


def wake_offer(state: State, market: Market, offer: Offer) -> None:
    """Set the timers of an offer: its end, and each step of its reach."""
    last = max(window.until_ms for window in offer.windows)
    state.wake(min(last, offer.valid_until_ms), "offer", market.name, offer.key)
    for at_ms in reach_times_ms(market, offer):
        state.wake(at_ms, "reach", market.name, offer.key)


def reach_times_ms(market: Market, offer: Offer) -> list[int]:
    """Return when the offer's reach grows."""
    return [offer.since_ms + step.waiting_s * 1000 for step in market.policy.reach if step.waiting_s]


def wake_demand(state: State, market: Market, demand: Demand) -> None:
    """Set the timers of a demand: the end of each window and of its patience."""
    for at_ms in {window.until_ms for window in demand.windows} | {patience_until_ms(market.policy, demand)}:
        if at_ms < FAR_AWAY_MS:
            state.wake(at_ms, "demand", market.name, demand.key)
    wake_rise(state, market, demand)


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
