"""Which proposals a change releases: all, those that no longer fit, or as many as are too much.

The latest and least urgent go first; what is confirmed is never released here.
"""

from matcher.domain import eligibility
from matcher.domain.effects import Effects
from matcher.domain.lifecycle import release
from matcher.domain.model import Cause, Deal, Demand, Market, Offer
from matcher.domain.resources import drawing


def release_proposals(market: Market, name: str, cause: Cause, effects: Effects) -> None:
    """Release every proposal of an offer or demand (`o:party/id`, `d:party/id`)."""
    for deal in market.proposals_at(name):
        release(market, deal, "cancelled", cause, effects)


def release_unfit(market: Market, name: str, cause: Cause, effects: Effects) -> None:
    """Release the proposals of an offer or demand whose two sides are no longer eligible for each other."""
    for deal in market.proposals_at(name):
        if not _still_fits(market, deal, effects.clock_ms):
            release(market, deal, "cancelled", cause, effects)


def _still_fits(market: Market, deal: Deal, now_ms: int) -> bool:
    offer, demand = market.offers[deal.offer[0]], market.demands[deal.demand[0]]
    failed = set(eligibility.failures(market, offer, demand, now_ms)) - {"declined_before"}
    have = next(window for window in offer.windows if window.id == deal.offer[1])
    want = next(window for window in demand.windows if window.id == deal.demand[1])
    return not failed and eligibility.fits(offer, have, want, now_ms)


def release_overdrawn(market: Market, offer: Offer, cause: Cause, effects: Effects) -> None:
    """Release proposals, latest and least urgent first, until nothing is overdrawn or none is left."""
    for window in offer.windows:
        for deal in _latest_and_least_urgent(market, f"o:{offer.key}"):
            if not window.overdrawn:
                break
            if deal.offer[1] == window.id:
                release(market, deal, "cancelled", cause, effects)


def release_overloaded(market: Market, key: str, cause: Cause, effects: Effects) -> None:
    """Release proposals on a resource, latest and least urgent first, until none of it is overdrawn or none
    is left.

    Where the resource is not known nothing may be promised of it.
    """
    drawn = {
        (offer.key, window.id): window.drawn for offer in drawing(market, key) for window in offer.windows
    }
    deals = [deal for offer in drawing(market, key) for deal in market.proposals_at(f"o:{offer.key}")]
    for deal in _in_order_of_release(deals):
        window = drawn[deal.offer]
        if window is not None and window.overdrawn:
            release(market, deal, "cancelled", cause, effects)


def release_excess(market: Market, demand: Demand, effects: Effects) -> None:
    """Release proposals until no more is docked than is required, or none is left."""
    for window in demand.windows:
        for deal in _latest_and_least_urgent(market, f"d:{demand.key}"):
            if window.docked <= window.said:
                break
            if deal.demand[1] == window.id:
                release(market, deal, "cancelled", Cause("demand_revised"), effects)


def _latest_and_least_urgent(market: Market, name: str) -> list[Deal]:
    return _in_order_of_release(market.proposals_at(name))


def _in_order_of_release(deals: list[Deal]) -> list[Deal]:
    return sorted(deals, key=lambda deal: (deal.told.tier, deal.made), reverse=True)
