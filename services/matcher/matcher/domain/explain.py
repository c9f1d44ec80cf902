"""Why a demand is open: how many offers fail each test first, and the nearest misses.

A miss fails one test only, and would dock if what it says changed (`relief` makes that change and looks).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from matcher.domain.distance import distances_m
from matcher.domain.eligibility import class_fits, failures
from matcher.domain.model import Demand, Market, Offer
from matcher.domain.pairs import offers_of_class, open_offers
from matcher.domain.pricing import reach_m
from matcher.domain.relief import Case, relief
from matcher.domain.resources import drawing
from tenon.contracts.codec import instant
from tenon.contracts.positions import NearestMiss, Reasons, Test
from tenon.contracts.units import from_counts

MOST_MISSES = 5


@dataclass(slots=True)
class _Miss:
    """Offers that fail the same test and would dock after the same change."""

    size: int
    offers: int = 0
    quantity: int = 0


def explain(market: Market, demand: Demand, now_ms: int, most_misses: int | None = MOST_MISSES) -> Reasons:
    """Return why what is open of a demand is open, as of now; `most_misses` None: every miss."""
    candidates = [*open_offers(market, demand), *_waiting(market, demand)]
    of_class = offers_of_class(market, demand)
    failed: dict[Test, int] = {
        "class": len(market.offers) - of_class,
        "exhausted": of_class - len(candidates),
    }
    misses: dict[tuple[Test, str], _Miss] = {}
    for offer, metres in zip(candidates, distances_m(market, candidates, demand), strict=True):
        case = Case(market.policy, offer, demand, metres, now_ms, market.held_until_ms)
        faults = list(_faults(market, case))
        failed[faults[0]] = failed.get(faults[0], 0) + 1
        change = relief(case, faults[0]) if len(faults) == 1 else None
        if change is not None:
            miss = misses.setdefault((faults[0], change.text), _Miss(change.size))
            miss.offers += 1
            miss.quantity += offer.free
    return Reasons(
        as_of=instant(now_ms),
        considered=len(market.offers),
        failed={test: count for test, count in failed.items() if count},
        nearest=_nearest(misses, demand.unit)[:most_misses],
    )


def _waiting(market: Market, demand: Demand) -> list[Offer]:
    """Return the offers of a demand's class of which something is free that no resource bears."""
    found = [offer for key in sorted(market.drawing) for offer in drawing(market, key)]
    return [
        offer
        for offer in found
        if offer.status == "open"
        and offer.free
        and not any(window.available for window in offer.windows)
        and class_fits(offer, demand)
    ]


def _faults(market: Market, case: Case) -> Iterator[Test]:
    """Yield what keeps this offer from being docked: tests of eligibility, then of the policy."""
    eligibility = list(failures(market, case.offer, case.demand, case.now_ms))
    yield from eligibility
    furthest = case.policy.reach[-1].distance_m
    reach = reach_m(case.policy, case.offer, case.now_ms)
    if furthest is not None and case.distance_m > furthest:
        yield "distance"
    elif reach is not None and case.distance_m > reach:
        yield "held_back"
    elif not eligibility:
        yield _unworthy(case)


def _unworthy(case: Case) -> Test:
    """Say why an eligible pair within reach is not docked."""
    if case.docks():
        return "held_back"
    if case.finished().docks():
        return "unfinished"
    if case.borne().docks():
        return "resource"
    return "least_part" if case.in_any_part().docks() else "not_worth"


def _nearest(misses: dict[tuple[Test, str], _Miss], unit: str) -> list[NearestMiss]:
    order = sorted(misses.items(), key=lambda entry: (-entry[1].offers, entry[1].size, entry[0]))
    return [
        NearestMiss(test=test, change=change, offers=miss.offers, quantity=from_counts(miss.quantity, unit))
        for (test, change), miss in order
    ]
