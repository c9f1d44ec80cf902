"""One market's decision in a round: the best division of what is open, then the reservations.

Where a further docking has its price, what a unit costs depends on what else docks. So a round solves, keeps
what completes a demand window or uses up an offer window (these were priced on what is still true), and
solves the rest again at its new prices, until nothing worth taking is left.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from matcher.domain.allocation import NOTHING, Arcs, Left, Needs
from matcher.domain.columns import Column, Ints
from matcher.domain.dividing import divide
from matcher.domain.effects import Effects
from matcher.domain.lifecycle import Proposal, propose
from matcher.domain.model import Demand, DemandRef, DemandWindow, Market, OfferRef
from matcher.domain.pairs import NEAREST, Pairs, Side, pairs_of
from matcher.domain.placing import place_demand, place_offer
from matcher.domain.prices import NO_POOL, Draws
from matcher.domain.pricing import Pair, best_values, further_cost, tranches_of
from matcher.domain.resources import sharing
from matcher.domain.state import State
from tenon.contracts.intake import PolicyPublished

Solution = list[tuple[Proposal, int]]
"""What docks, and what a unit of it costs but for a further docking."""


def solve(state: State, market: Market, effects: Effects, nearest: int = NEAREST) -> None:
    """Dock what is worth docking among the dirty nodes and their open neighbours, and clear them.

    `nearest`: so many pairs of each node are looked at first; it changes how long that takes, not its worth.
    """
    while market.dirty:
        dirty, market.dirty = market.dirty, set()
        while solution := _solution(market, dirty, effects.clock_ms, nearest):
            for proposal, _ in solution:
                propose(state, market, proposal, effects)
            further = bool(market.policy.weights.further_docking)
            # Less is open of these now, so a pair that was not worth taking, or too small a part, may do.
            again = {f"d:{key}" for key in _may_take_others(solution, further=further)}
            if not (further or again):
                break
            for offer in sharing(market, (proposal.offer for proposal, _ in solution)):
                place_offer(market, offer)
            for proposal, _ in solution:
                place_demand(market, proposal.demand)
            market.dirty |= again
            if not further:
                break


def _may_take_others(solution: Solution, *, further: bool) -> Iterator[str]:
    """Yield the demands that may dock with what they could not dock with before this solution."""
    for proposal, _ in solution:
        window = proposal.demand_window
        if further:
            if proposal.demand.open:
                yield proposal.demand.key
        elif window.least_part and 0 < window.open < window.least_part:
            yield proposal.demand.key


def worth_taking(policy: PolicyPublished, pairs: Iterable[Pair], now_ms: int) -> list[tuple[Pair, int]]:
    """Return the pairs of which the next unit is worth more than it costs now, each with its cost.

    The rule; a round asks it of whole columns (`_worth`), which are tested against it.
    """
    worth = []
    for pair in pairs:
        if not pair.offer_window.available:
            continue
        cost = pair.cost + further_cost(policy, pair)
        if cost < _next_value(policy, pair.demand, pair.demand_window, now_ms):
            worth.append((pair, cost))
    return worth


def _next_value(policy: PolicyPublished, demand: Demand, window: DemandWindow, now_ms: int) -> int:
    """Return what the next unit of a demand window is worth, 0 where nothing is open."""
    parts = tranches_of(policy, demand, window, now_ms)
    return parts[0][1] if parts else 0


def _solution(market: Market, dirty: Iterable[str], now_ms: int, nearest: int) -> Solution:
    """Return the part of the best division that was priced on what is still true once it docks."""
    for most in (nearest, 8 * nearest, 64 * nearest, None):
        solution = _flow(market, pairs_of(market, dirty, now_ms, most), now_ms)
        if solution is not None:
            break
    assert solution is not None
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
    return completes or proposal.quantity == proposal.offer_window.available


def _first_alone(solution: Solution) -> Solution:
    """Return the most urgent and then cheapest part of a division: every pass must leave less to decide."""
    return sorted(solution, key=lambda part: (part[0].demand.said.tier, part[1]))[:1]


def _flow(market: Market, pairs: Pairs, now_ms: int) -> Solution | None:
    """Return the pairs that dock, and how much, as the minimum-cost flow says; None: more pairs are needed.

    Of divisions of equal worth the one that the order in the log prefers is taken.
    """
    places, costs = _worth(market.policy, pairs, now_ms) if len(pairs.cost) else (pairs.cost, pairs.cost)
    if not len(places):
        return [] if pairs.left is NOTHING else None
    left, end = pairs.left, len(places)
    offers, supply = _in_order(pairs.offers, np.concatenate((pairs.supply[places], left.supplies)))
    demands, need = _in_order(pairs.demands, np.concatenate((pairs.need[places], left.needs)))
    if left is not NOTHING:
        left = Left(need[end:], left.costs, supply[end:], left.losses)
    amounts = divide(
        pairs.offers.ints(Column.QUANTITY, offers),
        _needs(market.policy, pairs.demands, demands, now_ms),
        Arcs(supply[:end], need[:end], costs),
        left,
        _draws(pairs.offers, offers) if market.drawing else None,
        pairs.demands.ints(Column.LEAST, demands),
    )
    if amounts is None:
        return None
    docked = np.flatnonzero(amounts)
    docked = docked[np.lexsort((supply[docked], need[docked]))]
    found = zip(pairs.at(places[docked]), amounts[docked].tolist(), strict=True)
    return [(_proposal(pair, amount), pair.cost) for pair, amount in found]


def _proposal(pair: Pair, amount: int) -> Proposal:
    return Proposal(pair.offer, pair.offer_window, pair.demand, pair.demand_window, amount, pair.distance_m)


def _in_order(side: Side[Any], rows: Ints) -> tuple[Ints, Ints]:
    """Return the rows that occur, each once, in the order of the log, and where among these each one is."""
    occurs = np.zeros(side.height, dtype=np.bool_)
    occurs[rows] = True
    occurring = np.flatnonzero(occurs)
    occurring = occurring[np.argsort(side.ints(Column.ORDER, occurring))]
    places = np.empty(side.height, dtype=np.int64)
    places[occurring] = np.arange(len(occurring))
    return occurring, places[rows]


def _draws(offers: Side[OfferRef], rows: Ints) -> Draws:
    """Return what some rows draw on."""
    pools: dict[int, int] = {}
    room: list[int] = []
    drawn: list[tuple[int, int]] = []
    for row in rows.tolist():
        window = offers.ref(row)[1]
        if window.drawn is None:
            drawn.append((NO_POOL, 1))
            continue
        if id(window.drawn) not in pools:
            pools[id(window.drawn)] = len(room)
            room.append(window.drawn.free)
        drawn.append((pools[id(window.drawn)], window.load))
    pool, load = np.array(drawn, dtype=np.int64).reshape(-1, 2).T
    return Draws(pool, load, room)


def _needs(policy: PolicyPublished, demands: Side[DemandRef], rows: Ints, now_ms: int) -> Needs:
    """Return what is open of some rows, by tranches."""
    tiers = demands.ints(Column.TIER, rows)
    if len(policy.tranches) == 1:
        values = best_values(policy, demands.ints(Column.SINCE_MS, rows), now_ms)
        return Needs(tiers, np.arange(len(rows)), demands.ints(Column.QUANTITY, rows), values)
    parts = [
        (at, *part)
        for at, row in enumerate(rows.tolist())
        for part in tranches_of(policy, *demands.ref(row), now_ms)
    ]
    return Needs(tiers, *np.array(parts, dtype=np.int64).reshape(-1, 3).T)


def _worth(policy: PolicyPublished, pairs: Pairs, now_ms: int) -> tuple[Ints, Ints]:
    """Return which pairs are worth taking now, and what a unit of each costs."""
    values = _next_values(policy, pairs, now_ms)
    places = np.flatnonzero(pairs.cost < values)
    costs = pairs.cost[places]
    if policy.weights.further_docking and len(places):
        opens = pairs.demands.ints(Column.QUANTITY, pairs.need[places])
        short = np.flatnonzero(opens > pairs.offers.ints(Column.QUANTITY, pairs.supply[places]))
        further = [further_cost(policy, pair) for pair in pairs.at(places[short])]
        costs[short] += np.array(further, dtype=np.int64)
        worth = costs < values[places]
        places, costs = places[worth], costs[worth]
    return places, costs


def _next_values(policy: PolicyPublished, pairs: Pairs, now_ms: int) -> Ints:
    """Return what the next unit of each pair's demand window is worth."""
    rows, need = _in_order(pairs.demands, pairs.need)
    needs = _needs(policy, pairs.demands, rows, now_ms)
    values = np.zeros(len(rows), dtype=np.int64)
    np.maximum.at(values, needs.of, needs.value)
    return values[need]
