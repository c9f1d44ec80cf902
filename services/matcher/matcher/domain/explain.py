"""Why a demand is open: how many offers fail each test first, and the nearest misses.

A miss fails one test only; it says what would have to change, in coarse steps, so that nobody's exact
price or place can be read from it.
"""

from collections.abc import Iterator

from matcher.domain.distance import distance_m
from matcher.domain.eligibility import failures
from matcher.domain.model import Demand, Market, Offer
from matcher.domain.pairs import offers_of_class, pairs_of
from matcher.domain.pricing import DAY_MS, reach_m
from tenon.contracts.codec import instant
from tenon.contracts.positions import NearestMiss, Reasons, Test
from tenon.contracts.units import from_counts

MOST_MISSES = 5
_STEP_KM = 50
_MICROS = 1_000_000


def explain(market: Market, demand: Demand, now_ms: int) -> Reasons:
    """Return why what is open of a demand is open, as of now."""
    candidates = [market.offers[name] for name in sorted(offers_of_class(market, demand))]
    failed: dict[Test, int] = {}
    misses: dict[tuple[Test, str], tuple[int, int, int]] = {}
    for offer in candidates:
        faults = list(_faults(market, offer, demand, now_ms))
        if not faults:
            continue
        failed[faults[0]] = failed.get(faults[0], 0) + 1
        if len(faults) == 1 and offer.free:
            size, change = _change(market, offer, demand, faults[0], now_ms)
            seen = misses.get((faults[0], change), (size, 0, 0))
            misses[faults[0], change] = (size, seen[1] + 1, seen[2] + offer.free)
    others = len(market.offers) - len(candidates)
    if others:
        failed["class"] = others
    return Reasons(
        as_of=instant(now_ms),
        considered=len(market.offers),
        failed=failed,
        nearest=_nearest(misses, demand.unit),
    )


def _faults(market: Market, offer: Offer, demand: Demand, now_ms: int) -> Iterator[Test]:
    """Yield what keeps this offer from being docked: tests of eligibility, then of the policy."""
    if not offer.free:
        yield "exhausted"
        return
    eligibility = list(failures(market, offer, demand, now_ms))
    yield from eligibility
    metres = distance_m(market, offer.site_key, demand.site_key)
    furthest = market.policy.reach[-1].distance_m
    if furthest is not None and metres > furthest:
        yield "distance"
    elif (reach := reach_m(market.policy, offer, now_ms)) is not None and metres > reach:
        yield "held_back"
    elif not eligibility:
        pairs = list(pairs_of(market, offer, demand, now_ms))
        yield "unfinished" if pairs else "not_worth"


def _change(market: Market, offer: Offer, demand: Demand, test: Test, now_ms: int) -> tuple[int, str]:
    """Return how large the change is (to sort by) and how to say it."""
    if test == "price" and demand.ceiling_micros is not None:
        percent = -(-(offer.price_micros - demand.ceiling_micros) * 100 // max(1, demand.ceiling_micros))
        return percent, f"pay {_coarse(percent, 5)} % more"
    if test == "distance":
        km = distance_m(market, offer.site_key, demand.site_key) // 1000
        return km, f"accept supply from {_coarse(km, _STEP_KM)} km away"
    if test == "window":
        days = _days_apart(offer, demand, now_ms)
        return days, f"accept {days} days later" if days >= 0 else f"accept {-days} days earlier"
    return 0, _ADVICE.get(test, f"pass the test {test}")


_ADVICE: dict[Test, str] = {
    "region": "ask the supplier to serve your region",
    "certificates": "accept other certificates",
    "currency": "give a highest price in the offer's currency",
    "readiness": "wait until the supplier's site is ready",
    "blocked": "lift the block between the two parties",
    "declined_before": "publish the demand again under a new id: this pair was declined before",
    "held_back": "wait: the offer is kept for nearer demands for now",
    "not_worth": "the policy's value of a unit is below its cost",
    "unfinished": "ask for less: the offer cannot finish what is open",
}


def _nearest(misses: dict[tuple[Test, str], tuple[int, int, int]], unit: str) -> list[NearestMiss]:
    order = sorted(misses.items(), key=lambda entry: (-entry[1][1], abs(entry[1][0]), entry[0]))
    return [
        NearestMiss(test=test, change=change, offers=offers, quantity=from_counts(quantity, unit))
        for (test, change), (_, offers, quantity) in order[:MOST_MISSES]
    ]


def _days_apart(offer: Offer, demand: Demand, now_ms: int) -> int:
    """Return by how many whole days the demand is too early (positive) or too late (negative)."""
    lead_ms = offer.said.lead_time_s * 1000
    earliest = min(max(window.from_ms, now_ms) + lead_ms for window in offer.windows)
    latest = max(window.until_ms + lead_ms for window in offer.windows)
    wanted_until = max(window.until_ms for window in demand.windows)
    if earliest >= wanted_until:
        return (earliest - wanted_until) // DAY_MS + 1
    return -((min(window.from_ms for window in demand.windows) - latest) // DAY_MS + 1)


def _coarse(amount: int, step: int) -> int:
    return -(-amount // step) * step
