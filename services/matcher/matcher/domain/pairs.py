"""Which open pairs a round has to look at: those of what is dirty, found through an index by class.

After a round no open pair is left that is eligible, worth taking and not held back; so a pair of two nodes
that have not changed since need no second look, and the pairs of dirty nodes are the round's whole problem.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from matcher.domain.distance import distance_m
from matcher.domain.eligibility import compatible, fits
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


def unplace(market: Market, name: str) -> None:
    """Take an offer or demand (`o:party/id`, `d:party/id`) out of the index."""
    code = market.placed.pop(name, None)
    for names in (market.all_offers, market.open_offers) if name[0] == "o" else (market.open_demands,):
        if code in names:
            names[code].discard(name[2:])


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
    return _pairs(market, {demand: sorted(found[demand]) for demand in sorted(found)}, now_ms)


def all_pairs(market: Market, now_ms: int) -> list[Pair]:
    """Return every open pair that may dock: the rule that `dirty_pairs` is tested against."""
    everything = sorted(market.offers)
    return _pairs(market, dict.fromkeys(sorted(market.demands), everything), now_ms)


def priced(
    policy: PolicyPublished, offer: Offer, demand: Demand, distance_m: int, now_ms: int
) -> Iterator[Pair]:
    """Yield the pairs of open windows that fit in time and cost less than a unit can be worth."""
    have, want = _Have.of(policy, offer, now_ms), _Want.of(policy, demand, now_ms)
    return _priced(policy, have, want, distance_m, now_ms)


@dataclass(frozen=True, slots=True)
class _Have:
    """What a round has to know of an offer, once for all of its pairs."""

    offer: Offer
    windows: list[OfferWindow]
    reach_m: int | None

    @classmethod
    def of(cls, policy: PolicyPublished, offer: Offer, now_ms: int) -> "_Have":
        open_windows = [window for window in _by_id(offer.windows) if window.free]
        return cls(offer, open_windows, reach_m(policy, offer, now_ms))


@dataclass(frozen=True, slots=True)
class _Want:
    """What a round has to know of a demand, once for all of its pairs; `best` is what a unit can be worth."""

    demand: Demand
    windows: list[DemandWindow]
    best: int

    @classmethod
    def of(cls, policy: PolicyPublished, demand: Demand, now_ms: int) -> "_Want":
        open_windows = [window for window in _by_id(demand.windows) if window.open]
        return cls(demand, open_windows, best_value(policy, demand, now_ms))


def _pairs(market: Market, candidates: Mapping[str, Sequence[str]], now_ms: int) -> list[Pair]:
    policy = market.policy
    names = {name for names in candidates.values() for name in names}
    haves = {name: _Have.of(policy, market.offers[name], now_ms) for name in names}
    pairs: list[Pair] = []
    for demand, offers in candidates.items():
        want = _Want.of(policy, market.demands[demand], now_ms)
        for offer in offers:
            pairs.extend(_between(market, haves[offer], want, now_ms))
    return pairs


def _between(market: Market, have: _Have, want: _Want, now_ms: int) -> Iterable[Pair]:
    metres = distance_m(market, have.offer, want.demand)
    # The cheapest test first: most pairs of a large market are too far apart.
    if have.reach_m is not None and metres > have.reach_m:
        return ()
    if market.policy.weights.freight * metres // 1000 >= want.best:
        return ()
    if not compatible(market, have.offer, want.demand, now_ms):
        return ()
    return _priced(market.policy, have, want, metres, now_ms)


def _priced(
    policy: PolicyPublished, have: _Have, want: _Want, distance_m: int, now_ms: int
) -> Iterator[Pair]:
    for demanded in want.windows:
        for offered in have.windows:
            if fits(have.offer, offered, demanded, now_ms):
                cost = unit_cost(policy, have.offer, offered, demanded, distance_m, now_ms)
                if cost < want.best:
                    yield Pair(have.offer, offered, want.demand, demanded, distance_m, cost)


def _by_id(windows: list[W]) -> list[W]:
    return windows if len(windows) == 1 else sorted(windows, key=lambda window: window.id)


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
