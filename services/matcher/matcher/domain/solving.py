"""One market's decision in a round: the best division of what is open, then the reservations.

Where a further docking has its price, what a unit costs depends on what else docks. So a round solves, keeps
what completes a demand window or uses up an offer window (these were priced on what is still true), and
solves the rest again at its new prices, until nothing worth taking is left.
"""

from collections.abc import Iterable, Sequence

from matcher.domain.allocation import Arc, Need, allocate
from matcher.domain.effects import Effects
from matcher.domain.lifecycle import Proposal, propose
from matcher.domain.model import Market
from matcher.domain.pairs import dirty_pairs, place_demand, place_offer
from matcher.domain.pricing import Pair, further_cost, tranches_of
from matcher.domain.state import State
from tenon.contracts.intake import PolicyPublished

Solution = list[tuple[Pair, int]]


def solve(state: State, market: Market, effects: Effects) -> None:
    """Dock what is worth docking among the dirty nodes and their open neighbours, and clear them."""
    while market.dirty:
        pairs = dirty_pairs(market, effects.clock_ms)
        market.dirty.clear()
        while solution := _solution(market, pairs, effects.clock_ms):
            _dock(state, market, solution, effects)
            for pair, _ in solution:
                place_offer(market, pair.offer)
                place_demand(market, pair.demand)
            if not market.policy.weights.further_docking:
                break
            # What is open of these is less, so a pair that was not worth taking may be now.
            market.dirty |= {f"d:{pair.demand.key}" for pair, _ in solution if pair.demand.open}


def worth_taking(policy: PolicyPublished, pairs: Iterable[Pair], now_ms: int) -> list[tuple[Pair, int]]:
    """Return the pairs of which the next unit is worth more than it costs now, each with its cost."""
    worth = []
    values: dict[int, int] = {}
    for pair in pairs:
        want = pair.demand_window
        value = values.get(id(want))
        if value is None:
            value = values[id(want)] = _next_value(policy, pair, now_ms)
        if pair.cost < value and pair.offer_window.free:
            cost = pair.cost + further_cost(policy, pair)
            if cost < value:
                worth.append((pair, cost))
    return worth


def _next_value(policy: PolicyPublished, pair: Pair, now_ms: int) -> int:
    """Return what the next unit of a demand window is worth, 0 where nothing is open."""
    parts = tranches_of(policy, pair.demand, pair.demand_window, now_ms)
    return parts[0][1] if parts else 0


def _solution(market: Market, pairs: Sequence[Pair], now_ms: int) -> Solution:
    """Return the part of the best division that was priced on what is still true once it docks."""
    worth = worth_taking(market.policy, pairs, now_ms)
    solution = _flow(market, worth, now_ms)
    if not market.policy.weights.further_docking:
        return solution
    filled: dict[int, int] = {}
    for pair, amount in solution:
        filled[id(pair.demand_window)] = filled.get(id(pair.demand_window), 0) + amount
    kept = [
        (pair, amount)
        for pair, amount in solution
        if filled[id(pair.demand_window)] == pair.demand_window.open or amount == pair.offer_window.free
    ]
    return kept or _first_alone(solution)


def _first_alone(solution: Solution) -> Solution:
    """Return the most urgent and then cheapest part of a division: every pass must leave less to decide."""
    return sorted(solution, key=lambda part: (part[0].demand.said.tier, part[0].cost))[:1]


def _dock(state: State, market: Market, solution: Solution, effects: Effects) -> None:
    for pair, amount in solution:
        proposal = Proposal(
            pair.offer, pair.offer_window, pair.demand, pair.demand_window, amount, pair.distance_m
        )
        propose(state, market, proposal, effects)


def _flow(market: Market, worth: Sequence[tuple[Pair, int]], now_ms: int) -> Solution:
    """Return the pairs that dock, and how much, as the minimum-cost flow says."""
    supplies: dict[int, int] = {}
    needs: dict[int, int] = {}
    frees: list[int] = []
    wants: list[Need] = []
    arcs = []
    for pair, cost in worth:
        supply = supplies.setdefault(id(pair.offer_window), len(supplies))
        if supply == len(frees):
            frees.append(pair.offer_window.free)
        need = needs.setdefault(id(pair.demand_window), len(needs))
        if need == len(wants):
            tranches = tranches_of(market.policy, pair.demand, pair.demand_window, now_ms)
            wants.append(Need(pair.demand.said.tier, tuple(tranches)))
        arcs.append(Arc(supply, need, cost))
    amounts = allocate(frees, wants, arcs)
    return [(pair, amount) for (pair, _), amount in zip(worth, amounts, strict=True) if amount]
