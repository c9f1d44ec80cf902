"""What a pair costs and when it is worth taking, in the policy's integer points per base unit.

No unit is worth more than `MAX_POINTS`, however long it waited. So a cost is cut off there too: what costs
that much is never worth taking, and the solver never meets a larger number.
"""

from dataclasses import dataclass

import numpy as np

from matcher.domain.allocation import MAX_COST
from matcher.domain.columns import Ints
from matcher.domain.eligibility import ready_ms
from matcher.domain.model import Demand, DemandWindow, Offer, OfferWindow
from tenon.contracts.intake import PolicyPublished, Tranche
from tenon.contracts.units import unit

DAY_MS = 86_400_000
MAX_POINTS = MAX_COST
MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Pair:
    """Two open windows that may dock: how far apart, and what a unit costs but for a further docking."""

    offer: Offer
    offer_window: OfferWindow
    demand: Demand
    demand_window: DemandWindow
    distance_m: int
    cost: int


def unit_cost(
    policy: PolicyPublished,
    offer: Offer,
    have: OfferWindow,
    want: DemandWindow,
    distance_m: int,
    now_ms: int,
) -> int:
    """Return the points that one base unit costs on this pair: price, freight, lateness, flexibility."""
    weights = policy.weights
    late_days = max(0, ready_ms(offer, have, want, now_ms) - want.due_ms) // DAY_MS
    points = (
        weights.price * offer.price_micros // MICROS
        + weights.freight * distance_m // 1000
        + weights.lateness * late_days
        + weights.flexible * offer.said.flexible
    )
    return min(MAX_POINTS, points)


def further_cost(policy: PolicyPublished, pair: Pair) -> int:
    """Return a unit's part of the cost of the further docking that this one would make necessary.

    The policy's points, times the share of the demand window that the offer window can't fill, spread over
    what it holds, in base units; 0 where it can finish what is open.
    """
    points, have = policy.weights.further_docking, pair.offer_window.available
    short = pair.demand_window.open - have
    if not points or short <= 0:
        return 0
    scale = unit(pair.offer.unit).dimension.scale
    return min(MAX_POINTS, -(-points * short * scale // (pair.demand_window.asked * have)))


def best_value(policy: PolicyPublished, demand: Demand, now_ms: int) -> int:
    """Return the most that a unit of a demand can be worth now."""
    return _worth(policy, policy.tranches[0], demand, now_ms)


def best_values(policy: PolicyPublished, since_ms: Ints, now_ms: int) -> Ints:
    """Return `best_value` of demands that wait since these instants."""
    waited_days = np.maximum(now_ms - since_ms, 0) // DAY_MS
    best: Ints = np.minimum(policy.tranches[0].value + policy.weights.waiting * waited_days, MAX_POINTS)
    return best


def tranches_of(
    policy: PolicyPublished, demand: Demand, window: DemandWindow, now_ms: int
) -> list[tuple[int, int]]:
    """Return what is open of a window as (amount, value), the worth of a unit falling as it fills."""
    filled, rest, below = window.docked + window.given_up, window.open, 0
    parts = []
    for tranche in policy.tranches:
        upper = round(tranche.up_to_share * 1_000_000) * window.asked // 1_000_000
        amount = min(rest, max(0, upper - max(filled, below)))
        if amount:
            parts.append((amount, _worth(policy, tranche, demand, now_ms)))
        rest, below = rest - amount, upper
    return parts


def reach_m(policy: PolicyPublished, offer: Offer, now_ms: int) -> int | None:
    """Return how far an offer may travel by now, None when there is no limit."""
    waited_ms = now_ms - offer.since_ms
    steps = [step for step in policy.reach if step.waiting_s * 1000 <= waited_ms]
    return steps[-1].distance_m if steps else 0


def _worth(policy: PolicyPublished, tranche: Tranche, demand: Demand, now_ms: int) -> int:
    """Return what a unit of a tranche is worth: more with each whole day that the demand waited."""
    waited_days = max(0, now_ms - demand.since_ms) // DAY_MS
    return min(MAX_POINTS, tranche.value + policy.weights.waiting * waited_days)
