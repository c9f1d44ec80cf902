"""One market's decision in a round: the best division of what is open, then the reservations.

Where a further docking has its price, what a unit costs depends on what else docks. So a round solves, keeps
what completes a demand window or uses up an offer window (these were priced on what is still true), and
solves the rest again at its new prices, until nothing worth taking is left.
"""

from collections.abc import Iterable

import numpy as np

from matcher.domain.allocation import Arcs, Need, allocate
from matcher.domain.columns import Ints
from matcher.domain.effects import Effects
from matcher.domain.lifecycle import Proposal, propose
from matcher.domain.model import Demand, DemandWindow, Market
from matcher.domain.pairs import Pairs, dirty_pairs, used
from matcher.domain.placing import place_demand, place_offer
from matcher.domain.pricing import Pair, further_cost, tranches_of
from matcher.domain.state import State
from tenon.contracts.intake import PolicyPublished

Solution = list[tuple[Proposal, int]]
"""What docks, and what a unit of it costs but for a further docking."""


def solve(state: State, market: Market, effects: Effects) -> None:
    """Dock what is worth docking among the dirty nodes and their open neighbours, and clear them."""
    while market.dirty:
        pairs = dirty_pairs(market, effects.clock_ms)
        market.dirty.clear()
        while solution := _solution(market, pairs, effects.clock_ms):
            for proposal, _ in solution:
                propose(state, market, proposal, effects)
            for proposal, _ in solution:
                place_offer(market, proposal.offer)
                place_demand(market, proposal.demand)
            if not market.policy.weights.further_docking:
                break
            # What is open of these is less, so a pair that was not worth taking may be now.
            market.dirty |= {f"d:{proposal.demand.key}" for proposal, _ in solution if proposal.demand.open}


def worth_taking(policy: PolicyPublished, pairs: Iterable[Pair], now_ms: int) -> list[tuple[Pair, int]]:
    """Return the pairs of which the next unit is worth more than it costs now, each with its cost.

    The rule; a round asks it of whole columns (`_worth`), which are tested against it.
    """
    worth = []
    for pair in pairs:
        if not pair.offer_window.free:
            continue
        cost = pair.cost + further_cost(policy, pair)
        if cost < _next_value(policy, pair.demand, pair.demand_window, now_ms):
            worth.append((pair, cost))
    return worth


def _next_value(policy: PolicyPublished, demand: Demand, window: DemandWindow, now_ms: int) -> int:
    """Return what the next unit of a demand window is worth, 0 where nothing is open."""
    parts = tranches_of(policy, demand, window, now_ms)
    return parts[0][1] if parts else 0


def _solution(market: Market, pairs: Pairs, now_ms: int) -> Solution:
    """Return the part of the best division that was priced on what is still true once it docks."""
    solution = _flow(market, pairs, now_ms)
    if not market.policy.weights.further_docking:
        return solution
    filled: dict[int, int] = {}
    for proposal, _ in solution:
        window = id(proposal.demand_window)
        filled[window] = filled.get(window, 0) + proposal.quantity
    kept = [part for part in solution if _is_final(part[0], filled)]
    return kept or _first_alone(solution)


def _is_final(proposal: Proposal, filled: dict[int, int]) -> bool:
    """True when it completes its demand window, with what else docks with it, or uses up its offer window."""
    completes = filled[id(proposal.demand_window)] == proposal.demand_window.open
    return completes or proposal.quantity == proposal.offer_window.free


def _first_alone(solution: Solution) -> Solution:
    """Return the most urgent and then cheapest part of a division: every pass must leave less to decide."""
    return sorted(solution, key=lambda part: (part[0].demand.said.tier, part[1]))[:1]


def _flow(market: Market, pairs: Pairs, now_ms: int) -> Solution:
    """Return the pairs that dock, and how much, as the minimum-cost flow says."""
    rows, costs = _worth(market.policy, pairs, now_ms)
    if not len(rows):
        return []
    offers, supply = used(pairs.supply[rows], len(pairs.offers))
    demands, need = used(pairs.need[rows], len(pairs.demands))
    frees = [pairs.offers[at][1].free for at in offers]
    wants = [_need(market.policy, *pairs.demands[at], now_ms) for at in demands]
    amounts = allocate(frees, wants, Arcs(supply, need, costs))
    moved = np.flatnonzero(amounts)
    docking = zip(pairs.at(rows[moved]), amounts[moved].tolist(), strict=True)
    return [(_proposal(pair, amount), pair.cost) for pair, amount in docking]


def _proposal(pair: Pair, amount: int) -> Proposal:
    return Proposal(pair.offer, pair.offer_window, pair.demand, pair.demand_window, amount, pair.distance_m)


def _need(policy: PolicyPublished, demand: Demand, window: DemandWindow, now_ms: int) -> Need:
    return Need(demand.said.tier, tuple(tranches_of(policy, demand, window, now_ms)))


def _worth(policy: PolicyPublished, pairs: Pairs, now_ms: int) -> tuple[Ints, Ints]:
    """Return which pairs are worth taking now, and what a unit of each costs."""
    values = np.array(
        [_next_value(policy, demand, window, now_ms) for demand, window in pairs.demands], dtype=np.int64
    )
    frees = np.array([window.free for _, window in pairs.offers], dtype=np.int64)
    rows = np.flatnonzero((pairs.cost < values[pairs.need]) & (frees[pairs.supply] > 0))
    costs = pairs.cost[rows]
    if policy.weights.further_docking and len(rows):
        opens = np.array([window.open for _, window in pairs.demands], dtype=np.int64)
        short = np.flatnonzero(opens[pairs.need[rows]] > frees[pairs.supply[rows]])
        costs[short] += np.array(
            [further_cost(policy, pair) for pair in pairs.at(rows[short])], dtype=np.int64
        )
        worth = costs < values[pairs.need[rows]]
        rows, costs = rows[worth], costs[worth]
    return rows, costs
