"""One market's decision in a round: the best division of what is open, then the reservations.

`partial_fills` of the policy says what becomes of a demand window that a round cannot finish: `always`
docks what there is, `last` only after everything that can be finished, `never` keeps the supply for a
demand that it can finish.
"""

from collections.abc import Sequence

from matcher.domain.allocation import Arc, Need, allocate
from matcher.domain.effects import Effects
from matcher.domain.lifecycle import Proposal, propose
from matcher.domain.model import DemandWindow, Market
from matcher.domain.pairs import dirty_pairs, index
from matcher.domain.pricing import Pair, tranches_of
from matcher.domain.state import State

Solution = list[tuple[Pair, int]]


def solve(state: State, market: Market, effects: Effects) -> None:
    """Dock what is worth docking among the dirty nodes and their open neighbours, and clear them."""
    index(market, sorted(market.dirty))
    pairs = dirty_pairs(market, effects.clock_ms)
    market.dirty.clear()
    mode = market.policy.partial_fills
    if mode != "always":
        while solution := _finishing(market, _still_open(pairs), effects.clock_ms):
            _dock(state, market, solution, effects)
    if mode != "never":
        _dock(state, market, _flow(market, _still_open(pairs), effects.clock_ms), effects)
    index(market, [f"o:{key}" for name, key in effects.offers if name == market.name])
    index(market, [f"d:{key}" for name, key in effects.demands if name == market.name])


def _dock(state: State, market: Market, solution: Solution, effects: Effects) -> None:
    for pair, amount in solution:
        proposal = Proposal(
            pair.offer, pair.offer_window, pair.demand, pair.demand_window, amount, pair.distance_m
        )
        propose(state, market, proposal, effects)


def _still_open(pairs: Sequence[Pair]) -> list[Pair]:
    return [pair for pair in pairs if pair.offer_window.free and pair.demand_window.open]


def _finishing(market: Market, pairs: list[Pair], now_ms: int) -> Solution:
    """Leave out the least filled demand window until every one that gets something is finished."""
    pairs = _finishable(pairs)
    candidates = pairs
    while pairs:
        solution = _flow(market, pairs, now_ms)
        left_out = _least_filled(solution)
        if left_out is None and solution:
            return solution
        pairs = [pair for pair in pairs if pair.demand_window is not left_out] if left_out is not None else []
    return _one_that_finishes(market, candidates, now_ms)


def _one_that_finishes(market: Market, pairs: list[Pair], now_ms: int) -> Solution:
    """Return the cheapest pair that finishes its demand window alone: none may be left after a round."""
    finishing = [pair for pair in pairs if finishes(market, pair, now_ms)]
    cheapest = min(finishing, key=lambda pair: pair.cost, default=None)
    return [] if cheapest is None else [(cheapest, cheapest.demand_window.open)]


def finishes(market: Market, pair: Pair, now_ms: int) -> bool:
    """True when the offer's window covers all that is open, and the last unit too is worth its cost."""
    last_value = tranches_of(market.policy, pair.demand, pair.demand_window, now_ms)[-1][1]
    return pair.offer_window.free >= pair.demand_window.open and last_value > pair.cost


def _finishable(pairs: list[Pair]) -> list[Pair]:
    """Drop demand windows that all of their offers together could not finish."""
    within_reach: dict[int, int] = {}
    for pair in pairs:
        window = id(pair.demand_window)
        within_reach[window] = within_reach.get(window, 0) + pair.offer_window.free
    return [pair for pair in pairs if within_reach[id(pair.demand_window)] >= pair.demand_window.open]


def _least_filled(solution: Solution) -> DemandWindow | None:
    """Return the unfinished window with the lowest share filled (the first such pair's), None if none is."""
    filled: dict[int, int] = {}
    for pair, amount in solution:
        filled[id(pair.demand_window)] = filled.get(id(pair.demand_window), 0) + amount
    unfinished = [
        pair.demand_window for pair, _ in solution if filled[id(pair.demand_window)] < pair.demand_window.open
    ]
    # Shares are compared in millionths, as integers: no float may decide a tie.
    return min(unfinished, key=lambda window: filled[id(window)] * 1_000_000 // window.open, default=None)


def _flow(market: Market, pairs: Sequence[Pair], now_ms: int) -> Solution:
    """Return the pairs that dock, and how much, as the minimum-cost flow says."""
    supplies: dict[int, int] = {}
    needs: dict[int, int] = {}
    frees: list[int] = []
    wants: list[Need] = []
    arcs = []
    for pair in pairs:
        supply = supplies.setdefault(id(pair.offer_window), len(supplies))
        if supply == len(frees):
            frees.append(pair.offer_window.free)
        need = needs.setdefault(id(pair.demand_window), len(needs))
        if need == len(wants):
            tranches = tranches_of(market.policy, pair.demand, pair.demand_window, now_ms)
            wants.append(Need(pair.demand.said.tier, tuple(tranches)))
        arcs.append(Arc(supply, need, pair.cost))
    amounts = allocate(frees, wants, arcs)
    return [(pair, amount) for pair, amount in zip(pairs, amounts, strict=True) if amount]
