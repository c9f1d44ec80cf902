"""What each supply may give where supplies share pools: by prices on the pools.

A supply may draw on a pool, and a unit of it takes so much of the pool as its load says. Where loads differ
that is no network flow any more. But once a price is set on each pool it is one again: each unit costs what
it takes, at that price. So the prices are found by Dantzig and Wolfe's decomposition: a flow for some prices
is a column of a small linear program (a row for each pool), whose duals are the next prices, until no flow is
worth more than the mixture that there is. The mixture says how much of its pool each supply may take.

Dantzig, Wolfe, Decomposition Principle for Linear Programs (1960); Wentges, Weighted Dantzig-Wolfe
Decomposition (1997); Ahuja, Magnanti, Orlin, Network Flows (1993), §15.
"""

from dataclasses import dataclass

import numpy as np

from matcher.domain.allocation import MAX_COST, Arcs, Needs, allocate
from matcher.domain.columns import Floats, Ints
from matcher.domain.simplex import ENOUGH, Program

NO_POOL = -1
_FLOWS = (20, 200)
_MOST_ARCS = 2_000_000
"""Prices are tried between so many times, as long as all flows have no more arcs: about a second.

The mixture of the flows is one that fits, however many there were.
"""
_FINEST = 1_000


@dataclass(frozen=True, slots=True)
class Draws:
    """Of each supply its pool (or `NO_POOL`) and what a unit takes of it; of each pool what is there."""

    pool: Ints
    load: Ints
    room: list[int]

    def fits(self, amounts: Ints, arcs: Arcs) -> bool:
        """True when no pool gives more than it has."""
        return min(self.left(of_supplies(len(self.pool), arcs, amounts)), default=0) >= 0

    def left(self, supplied: list[int]) -> list[int]:
        """Return what is left of each pool."""
        left = list(self.room)
        for amount, pool, load in zip(supplied, self.pool.tolist(), self.load.tolist(), strict=True):
            if pool != NO_POOL:
                left[pool] -= amount * load
        return left


class Prices:
    """The program of a tier: a row for each pool in use and one for the mixture, a column for each flow."""

    def __init__(self, supplies: Ints, needs: Needs, arcs: Arcs, draws: Draws, room: list[int]) -> None:
        self._needs, self._arcs, self._room = needs, arcs, room
        drawn = draws.pool != NO_POOL
        loads, rooms = np.where(drawn, draws.load, 1), np.array([*room, 0], dtype=np.int64)[draws.pool]
        self._supplies = np.where(drawn, np.minimum(supplies, rooms // loads), supplies)
        self._draws = draws
        self._pools = sorted({int(draws.pool[supply]) for supply in np.unique(arcs.supply)} - {NO_POOL})
        self._pools = [pool for pool in self._pools if room[pool] > 0]
        row = {pool: at for at, pool in enumerate(self._pools)}
        self._row = np.array([row.get(pool, NO_POOL) for pool in draws.pool.tolist()], dtype=np.int64)
        whole = np.array([room[pool] for pool in self._pools] + [1], dtype=np.float64)
        self._part = np.where(self._row == NO_POOL, 0.0, loads / whole[self._row])
        highest = max(int(np.abs(arcs.cost).max(initial=1)), int(needs.value.max(initial=1)), 1)
        self._fineness = max(1, min(_FINEST, MAX_COST // highest))
        self._unit = 1.0
        self._unit = float(max(1, sum(worth(needs, arcs, self._amounts(np.zeros(len(self._pools) + 1))))))

    def caps(self) -> Ints:
        """Return how much each supply may give, so that no pool gives more than it has.

        Prices are drawn half-way to the best known ones, those that bound the worth of all most closely: so
        they need not swing from one extreme to the other before they settle.
        """
        program = Program(len(self._pools) + 1)
        best, bound = program.duals, np.inf
        flows: list[list[int]] = []
        most = min(_FLOWS[1], max(_FLOWS[0], _MOST_ARCS // max(1, len(self._arcs.cost))))
        while len(flows) < most and bound > program.value + ENOUGH:
            for prices in ((best + program.duals) / 2, program.duals):
                supplied, column, worth = self._flow(prices)
                upper = worth
                for price, taken in zip(prices[:-1].tolist(), column[:-1].tolist(), strict=True):
                    upper += price * (1.0 - taken)
                if upper < bound:
                    best, bound = prices, upper
                if program.add(column, worth):
                    flows.append(supplied)
                    break
            else:
                break
        return self._rounded(flows, program.mixture(len(flows)))

    def _flow(self, prices: Floats) -> tuple[list[int], Floats, float]:
        """Return the best flow at these prices of whole pools: by supplies, by pools, and its worth."""
        amounts = self._amounts(prices * self._unit)
        supplied = of_supplies(len(self._supplies), self._arcs, amounts)
        column = np.zeros(len(self._pools) + 1)
        for row, amount, part in zip(self._row.tolist(), supplied, self._part.tolist(), strict=True):
            if row != NO_POOL:
                column[row] += amount * part
        column[-1] = 1.0
        return supplied, column, sum(worth(self._needs, self._arcs, amounts)) / self._unit

    def _amounts(self, prices: Floats) -> Ints:
        """Return the amounts on arcs that are best at these prices, in points."""
        extra = np.append(prices[:-1], 0.0)[self._row] * self._part * self._fineness
        cost = (
            self._arcs.cost * self._fineness
            + np.minimum(np.rint(extra), 2.0 * MAX_COST).astype(np.int64)[self._arcs.supply]
        )
        kept = np.flatnonzero(cost < self._best()[self._arcs.need])
        amounts = np.zeros(len(cost), dtype=np.int64)
        if len(kept):
            needs = Needs(
                self._needs.tier, self._needs.of, self._needs.amount, self._needs.value * self._fineness
            )
            arcs = Arcs(self._arcs.supply[kept], self._arcs.need[kept], cost[kept])
            amounts[kept] = flow(self._supplies, needs, arcs)
        return amounts

    def _best(self) -> Ints:
        best = np.zeros(len(self._needs.tier), dtype=np.int64)
        np.maximum.at(best, self._needs.of, self._needs.value * self._fineness)
        return best

    def _rounded(self, flows: list[list[int]], shares: list[float]) -> Ints:
        """Return what each supply gives in the mixture, in whole units, of which the largest rests get one
        more.
        """
        caps, room = self._supplies.tolist(), list(self._room)
        pools, loads = self._draws.pool.tolist(), self._draws.load.tolist()
        rests: list[tuple[float, int]] = []
        for supply in np.flatnonzero(self._draws.pool != NO_POOL).tolist():
            mixed = _mixed(supply, flows, shares)
            whole = min(int(mixed + 1e-6), caps[supply], room[pools[supply]] // loads[supply])
            if whole < min(mixed, caps[supply]):
                rests.append((whole - mixed, supply))
            caps[supply] = whole
            room[pools[supply]] -= whole * loads[supply]
        for _, supply in sorted(rests):
            if room[pools[supply]] >= loads[supply]:
                caps[supply] += 1
                room[pools[supply]] -= loads[supply]
        return np.array(caps, dtype=np.int64)


def _mixed(supply: int, flows: list[list[int]], shares: list[float]) -> float:
    mixed = 0.0
    for flow, part in zip(flows, shares, strict=True):
        mixed += flow[supply] * part
    return mixed


def worth(needs: Needs, arcs: Arcs, amounts: Ints) -> tuple[int, ...]:
    """Return what each tier gains by these amounts, value less cost, the first tier first."""
    tiers = needs.tier.tolist()
    filled, gained = [0] * len(tiers), dict.fromkeys(sorted(set(tiers)), 0)
    for arc in np.flatnonzero(amounts).tolist():
        need, amount = int(arcs.need[arc]), int(amounts[arc])
        filled[need] += amount
        gained[tiers[need]] -= amount * int(arcs.cost[arc])
    parts = (needs.of.tolist(), needs.amount.tolist(), needs.value.tolist())
    for of, amount, value in zip(*parts, strict=True):
        taken = min(amount, filled[of])
        filled[of] -= taken
        gained[tiers[of]] += taken * value
    return tuple(gained.values())


def flow(supplies: Ints, needs: Needs, arcs: Arcs) -> Ints:
    """Return the best flow of all arcs there are."""
    amounts = allocate(supplies, needs, arcs)
    assert amounts is not None, "nothing was left out"
    return amounts


def of_supplies(supplies: int, arcs: Arcs, amounts: Ints) -> list[int]:
    """Return what each supply gives."""
    given = np.zeros(supplies, dtype=np.int64)
    np.add.at(given, arcs.supply, amounts)
    result: list[int] = given.tolist()
    return result
