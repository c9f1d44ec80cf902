"""Which open pairs a round has to look at: those of what is dirty, found through an index by class.

After a round no open pair is left that is eligible, worth taking and not held back; so a pair of two nodes
that have not changed since need no second look, and the pairs of dirty nodes are the round's whole problem.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from matcher.domain.distance import distance_m
from matcher.domain.eligibility import eligible, fits
from matcher.domain.model import Demand, DemandWindow, Market, Offer, OfferWindow
from matcher.domain.pricing import Pair, best_value, reach_m, unit_cost
from tenon.contracts.intake import PolicyPublished
from tenon.contracts.markets import covers

Index = dict[str, set[str]]
W = TypeVar("W", OfferWindow, DemandWindow)


def place_offer(market: Market, offer: Offer) -> None:
    """Bring the index up to date for an offer."""
    code = _moved_to(market, f"o:{offer.key}", offer, (market.all_offers, market.open_offers))
    _keep(market.all_offers, code, offer.key, True)
    _keep(market.open_offers, code, offer.key, offer.status == "open" and offer.free > 0)


def place_demand(market: Market, demand: Demand) -> None:
    """Bring the index up to date for a demand."""
    code = _moved_to(market, f"d:{demand.key}", demand, (market.open_demands,))
    _keep(market.open_demands, code, demand.key, demand.open > 0)


def dirty_pairs(market: Market, now_ms: int) -> list[Pair]:
    """Return every pair that touches a dirty node and may dock, by (demand, offer, windows)."""
    found: dict[str, set[str]] = {}
    for key in market.dirty:
        name = key[2:]
        if key[0] == "d" and market.demands[name].open:
            found.setdefault(name, set()).update(_covered(market.open_offers, market.demands[name]))
        elif key[0] == "o" and market.offers[name].free:
            for demand in _demands_for(market, market.offers[name]):
                found.setdefault(demand, set()).add(name)
    return [
        pair
        for demand in sorted(found)
        for offer in sorted(found[demand])
        for pair in pairs_of(market, market.offers[offer], market.demands[demand], now_ms)
    ]


def pairs_of(market: Market, offer: Offer, demand: Demand, now_ms: int) -> Iterator[Pair]:
    """Yield the pairs of open windows of an offer and a demand that may dock now, if the price is right."""
    metres = distance_m(market, offer, demand)
    reach = reach_m(market.policy, offer, now_ms)
    best = best_value(market.policy, demand, now_ms)
    # The cheapest test first: most pairs of a large market are too far apart.
    if (reach is not None and metres > reach) or market.policy.weights.freight * metres // 1000 >= best:
        return
    if eligible(market, offer, demand, now_ms):
        yield from priced(market.policy, offer, demand, metres, now_ms)


def priced(
    policy: PolicyPublished, offer: Offer, demand: Demand, distance_m: int, now_ms: int
) -> Iterator[Pair]:
    """Yield the pairs of open windows that fit in time and cost less than a unit can be worth."""
    best = best_value(policy, demand, now_ms)
    for want in _by_id(demand.windows):
        for have in _by_id(offer.windows):
            if have.free and want.open and fits(offer, have, want, now_ms):
                cost = unit_cost(policy, offer, have, want, distance_m, now_ms)
                if cost < best:
                    yield Pair(offer, have, demand, want, distance_m, cost)


def _by_id(windows: list[W]) -> list[W]:
    return windows if len(windows) == 1 else sorted(windows, key=lambda window: window.id)


def all_pairs(market: Market, now_ms: int) -> list[Pair]:
    """Return every open pair that may dock: the rule that `dirty_pairs` is tested against."""
    return [
        pair
        for demand in sorted(market.demands)
        for offer in sorted(market.offers)
        for pair in pairs_of(market, market.offers[offer], market.demands[demand], now_ms)
    ]


def _moved_to(market: Market, key: str, entry: Offer | Demand, indexes: Iterable[Index]) -> str:
    """Return the class under which an entry is found, and take it out from under the one before."""
    code = f"{entry.said.item.class_.scheme}:{entry.code}"
    before = market.placed.setdefault(key, code)
    if before != code:
        market.placed[key] = code
        for names in indexes:
            names[before].discard(entry.key)
    return code


def _keep(names: Index, code: str, name: str, wanted: bool) -> None:
    kept = names.setdefault(code, set())
    (kept.add if wanted else kept.discard)(name)


def open_offers(market: Market, demand: Demand) -> list[Offer]:
    """Return the open offers of the classes that a demand covers, by key."""
    return [market.offers[name] for name in sorted(_covered(market.open_offers, demand))]


def offers_of_class(market: Market, demand: Demand) -> int:
    """Return how many offers, open or not, are of a class that a demand covers."""
    return sum(1 for _ in _covered(market.all_offers, demand))


def _covered(offers: Mapping[str, set[str]], demand: Demand) -> Iterator[str]:
    scheme = demand.said.item.class_.scheme
    for code, names in offers.items():
        have, _, offered = code.partition(":")
        if have == scheme and covers(demand.code, offered, scheme):
            yield from names


def _demands_for(market: Market, offer: Offer) -> Iterator[str]:
    scheme = offer.said.item.class_.scheme
    for code, names in market.open_demands.items():
        want, _, demanded = code.partition(":")
        if want == scheme and covers(demanded, offer.code, scheme):
            yield from names
