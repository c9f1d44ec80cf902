"""Which open pairs a round has to look at: those of what is dirty, found through an index by class.

After a round no open pair is left that is eligible, worth taking and not held back; so a pair of two nodes
that have not changed since need no second look, and the pairs of dirty nodes are the round's whole problem.
"""

from collections.abc import Iterable, Iterator, Mapping

from matcher.domain.distance import distance_m
from matcher.domain.eligibility import eligible, fits
from matcher.domain.model import Demand, Market, Offer
from matcher.domain.pricing import Pair, best_value, reach_m, unit_cost
from tenon.contracts.markets import covers


def index(market: Market, keys: Iterable[str]) -> None:
    """Bring the index of open offers and demands up to date for these keys."""
    for key in keys:
        kind, name = key[0], key[2:]
        if kind == "o":
            offer = market.offers.get(name)
            _place(market.open_offers, market.all_offers, name, offer, bool(offer and offer.free))
        else:
            demand = market.demands.get(name)
            _place(market.open_demands, market.all_demands, name, demand, bool(demand and demand.open))


def dirty_pairs(market: Market, now_ms: int) -> list[Pair]:
    """Return every pair that touches a dirty node and may dock, by (demand, offer, windows)."""
    found: dict[tuple[str, str], None] = {}
    for key in sorted(market.dirty):
        name = key[2:]
        if key[0] == "d" and name in market.demands and market.demands[name].open:
            found.update(
                ((name, other), None) for other in _covered(market.open_offers, market.demands[name])
            )
        elif key[0] == "o" and name in market.offers and market.offers[name].free:
            found.update(((other, name), None) for other in _demands_for(market, market.offers[name]))
    return [
        pair
        for demand, offer in sorted(found)
        for pair in pairs_of(market, market.offers[offer], market.demands[demand], now_ms)
    ]


def pairs_of(market: Market, offer: Offer, demand: Demand, now_ms: int) -> Iterator[Pair]:
    """Yield the pairs of open windows of an offer and a demand that may dock now, if the price is right."""
    metres = distance_m(market, offer.site_key, demand.site_key)
    reach = reach_m(market.policy, offer, now_ms)
    best = best_value(market.policy, demand, now_ms)
    # The cheapest test first: most pairs of a large market are too far apart.
    if (reach is not None and metres > reach) or market.policy.weights.freight * metres // 1000 >= best:
        return
    if not eligible(market, offer, demand, now_ms):
        return
    for want in sorted(demand.windows, key=lambda window: window.id):
        for have in sorted(offer.windows, key=lambda window: window.id):
            if have.free and want.open and fits(offer, have, want, now_ms):
                cost = unit_cost(market, offer, have, want, metres, now_ms)
                if cost < best:
                    yield Pair(offer, have, demand, want, metres, cost)


def all_pairs(market: Market, now_ms: int) -> list[Pair]:
    """Return every open pair that may dock: the rule that `dirty_pairs` is tested against."""
    return [
        pair
        for demand in sorted(market.demands)
        for offer in sorted(market.offers)
        for pair in pairs_of(market, market.offers[offer], market.demands[demand], now_ms)
    ]


def _place(
    opened: dict[str, set[str]],
    every: dict[str, set[str]],
    name: str,
    entry: Offer | Demand | None,
    is_open: bool,
) -> None:
    if entry is None:
        for names in (*opened.values(), *every.values()):
            names.discard(name)
        return
    code = f"{entry.said.item.class_.scheme}:{entry.code}"
    every.setdefault(code, set()).add(name)
    names = opened.setdefault(code, set())
    (names.add if is_open else names.discard)(name)


def offers_of_class(market: Market, demand: Demand) -> Iterator[str]:
    """Yield every offer, open or not, of a class that the demand covers."""
    yield from _covered(market.all_offers, demand)


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
