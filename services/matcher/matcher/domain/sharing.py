"""The division where supplies share pools: a generalised flow, by prices on the pools.

A supply may draw on a pool, and a unit of it takes so much of the pool as its load says. Where loads differ
that is no network flow any more. But once a price is set on each pool it is one again: each unit costs what
it takes, at that price. So the prices are found by Dantzig and Wolfe's decomposition: a flow for some prices
is a column of a small linear program (one row for each pool), whose duals are the next prices, until no flow
is worth more than the mixture that there is. The mixture says how much of its pool each supply may take;
rounded down, that bounds a flow in integers, and what is left over is given out unit by unit, the best first.

Tiers are divided one after another, and a later one gets what earlier ones left. The linear program uses
doubles, by + - × ÷ alone, which are the same on every machine (ADR 18); amounts, loads and checks are Python
integers.

Dantzig, Wolfe, Decomposition Principle for Linear Programs (1960); Ahuja, Magnanti, Orlin, Network Flows,
§15.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from matcher.domain.allocation import MAX_COST, Arcs, Needs, allocate
from matcher.domain.columns import Floats, Ints

NO_POOL = -1
_FLOWS = (20, 200)
_MOST_ARCS = 2_000_000
"""Prices are tried, between so many times, as long as the arcs of all flows are not more than these: about a
second.

The mixture of the flows is one that fits, however many there were.
"""
_ENOUGH = 1e-7
"""Of the whole worth: what no further flow adds to it is not looked for."""
_FINEST = 1_000


@dataclass(frozen=True, slots=True)
class Draws:
    """Of each supply its pool (or `NO_POOL`) and what a unit takes of it; of each pool what is there."""

    pool: Ints
    load: Ints
    room: list[int]

    def fits(self, amounts: Ints, arcs: Arcs) -> bool:
        """True when no pool gives more than it has."""
        return min(self.left(_of_supplies(len(self.pool), arcs, amounts)), default=0) >= 0

    def left(self, supplied: list[int]) -> list[int]:
        """Return what is left of each pool."""
        left = list(self.room)
        for amount, pool, load in zip(supplied, self.pool.tolist(), self.load.tolist(), strict=True):
            if pool != NO_POOL:
                left[pool] -= amount * load
        return left


def share(supplies: Ints, needs: Needs, arcs: Arcs, draws: Draws) -> Ints:
    """Return the amount on each arc, which no pool gives more for than it has."""
    division = _Division(supplies, needs, arcs, draws)
    for tier in np.unique(needs.tier[arcs.need]).tolist():
        division.divide(tier)
    return np.array(division.amounts, dtype=np.int64)


def top_up(
    amounts: Ints, supplies: Ints, needs: Needs, arcs: Arcs, draws: Draws, least: Ints | None = None
) -> Ints:
    """Add what can still be added, the best arcs of the first tier first.

    `least`: what an arc that has nothing yet carries at least, for each need, or all that is open of it.
    """
    division = _Division(supplies, needs, arcs, draws)
    for arc in np.flatnonzero(amounts).tolist():
        division.move(arc, int(amounts[arc]))
    while division.add(least):
        pass
    return np.array(division.amounts, dtype=np.int64)


class _Division:
    """What moves so far, and what is left of supplies, pools and needs."""

    def __init__(self, supplies: Ints, needs: Needs, arcs: Arcs, draws: Draws) -> None:
        self._needs, self._arcs, self._draws = needs, arcs, draws
        self._supply, self._need = arcs.supply.tolist(), arcs.need.tolist()
        self._cost: list[int] = arcs.cost.tolist()
        self._pool, self._load = draws.pool.tolist(), draws.load.tolist()
        self._left: list[int] = supplies.tolist()
        self._room = list(draws.room)
        self._open: list[list[list[int]]] = [[] for _ in needs.tier]
        for of, amount, value in zip(
            needs.of.tolist(), needs.amount.tolist(), needs.value.tolist(), strict=True
        ):
            self._open[of].append([amount, value])
        self.amounts = [0] * len(self._supply)

    def divide(self, tier: int) -> None:
        """Move what is best for a tier."""
        chosen = np.flatnonzero(self._needs.tier[self._arcs.need] == tier)
        supplies = np.array(self._left, dtype=np.int64)
        arcs = Arcs(self._arcs.supply[chosen], self._arcs.need[chosen], self._arcs.cost[chosen])
        needs = _alone(self._needs, tier)
        caps = _Prices(supplies, needs, arcs, self._draws, self._room).caps()
        for arc, amount in zip(chosen.tolist(), _flow(caps, needs, arcs).tolist(), strict=True):
            self.move(arc, amount)
        while self.add(None, tier):
            pass

    def move(self, arc: int, amount: int) -> None:
        """Let so much more move."""
        supply, rest = self._supply[arc], amount
        self.amounts[arc] += amount
        self._left[supply] -= amount
        if self._pool[supply] != NO_POOL:
            self._room[self._pool[supply]] -= amount * self._load[supply]
        for part in self._open[self._need[arc]]:
            taken = min(rest, part[0])
            part[0] -= taken
            rest -= taken

    def add(self, least: Ints | None, tier: int | None = None) -> bool:
        """Move what is worth it, by what the next unit gains; return whether anything did."""
        added = False
        for arc in sorted(self._gaining(tier), key=self._rank):
            while (amount := self._room_of(arc, least)) > 0:
                self.move(arc, amount)
                added = True
        return added

    def _gaining(self, tier: int | None) -> Iterator[int]:
        for arc, need in enumerate(self._need):
            wanted = tier is None or self._needs.tier[need] == tier
            if wanted and self._cost[arc] < self._next_value(need):
                yield arc

    def _rank(self, arc: int) -> tuple[int, int, int, int]:
        need = self._need[arc]
        gain = self._next_value(need) - self._cost[arc]
        return int(self._needs.tier[need]), -gain, need, self._supply[arc]

    def _next_value(self, need: int) -> int:
        return next((value for amount, value in self._open[need] if amount), 0)

    def _room_of(self, arc: int, least: Ints | None) -> int:
        """Return how much more can move that is worth it; 0 where that is less than the least."""
        supply, need = self._supply[arc], self._need[arc]
        room: int = self._left[supply]
        if self._pool[supply] != NO_POOL:
            room = min(room, self._room[self._pool[supply]] // self._load[supply])
        worth: int = sum(amount for amount, value in self._open[need] if self._cost[arc] < value)
        if least is not None and not self.amounts[arc]:
            open_ = sum(amount for amount, _ in self._open[need])
            if min(room, worth) < min(int(least[need]), open_):
                return 0
        return min(room, worth)


class _Prices:
    """The linear program of a tier: a row for each pool in use and one for the mixture, a column for each
    flow.
    """

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
        self._unit = float(max(1, self._worth(self._amounts(np.zeros(len(self._pools) + 1)))))

    def caps(self) -> Ints:
        """Return how much each supply may give, so that no pool gives more than it has.

        Prices are drawn half-way to the best known ones, those that bound the worth of all most closely: so
        they need not swing from one extreme to the other before they settle.
        """
        program = _Program(len(self._pools) + 1)
        best, bound = program.duals, np.inf
        flows: list[list[int]] = []
        most = min(_FLOWS[1], max(_FLOWS[0], _MOST_ARCS // max(1, len(self._arcs.cost))))
        while len(flows) < most and bound > program.value + _ENOUGH:
            for prices in ((best + program.duals) / 2, program.duals):
                supplied, column, worth = self._flow(prices)
                upper = _sum(prices[:-1] - prices[:-1] * column[:-1]) + worth
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
        supplied = _of_supplies(len(self._supplies), self._arcs, amounts)
        column = np.zeros(len(self._pools) + 1)
        for row, amount, part in zip(self._row.tolist(), supplied, self._part.tolist(), strict=True):
            if row != NO_POOL:
                column[row] += amount * part
        column[-1] = 1.0
        return supplied, column, self._worth(amounts) / self._unit

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
            amounts[kept] = _flow(self._supplies, needs, arcs)
        return amounts

    def _best(self) -> Ints:
        best = np.zeros(len(self._needs.tier), dtype=np.int64)
        np.maximum.at(best, self._needs.of, self._needs.value * self._fineness)
        return best

    def _worth(self, amounts: Ints) -> int:
        """Return the value of a flow less its cost."""
        filled = [0] * len(self._needs.tier)
        worth = 0
        for need, amount, cost in zip(
            self._arcs.need.tolist(), amounts.tolist(), self._arcs.cost.tolist(), strict=True
        ):
            filled[need] += amount
            worth -= amount * cost
        for of, amount, value in zip(
            self._needs.of.tolist(), self._needs.amount.tolist(), self._needs.value.tolist(), strict=True
        ):
            taken = min(amount, filled[of])
            filled[of] -= taken
            worth += taken * value
        return worth

    def _rounded(self, flows: list[list[int]], shares: list[float]) -> Ints:
        """Return what each supply gives in the mixture, in whole units: what is cut off goes to the largest
        rests.
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


def _sum(numbers: Floats) -> float:
    """Add one after another: what an array library adds in an order of its own may differ in the last bit."""
    return float(sum(numbers.tolist()))


def _mixed(supply: int, flows: list[list[int]], shares: list[float]) -> float:
    mixed = 0.0
    for flow, part in zip(flows, shares, strict=True):
        mixed += flow[supply] * part
    return mixed


class _Program:
    """max value · x, columns · x ≤ 1, x ≥ 0, of which columns come one by one: a simplex tableau.

    Its first columns are the slacks, which hold the inverse of the basis; its last row the prices.
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._tableau = np.zeros((rows + 1, rows + 1))
        self._tableau[:rows, :rows] = np.eye(rows)
        self._tableau[:rows, -1] = 1.0
        self._basis = list(range(rows))

    @property
    def duals(self) -> Floats:
        """What a unit of each row is worth."""
        duals: Floats = np.maximum(self._tableau[-1, : self._rows], 0.0)
        return duals

    @property
    def value(self) -> float:
        """What the best mixture is worth."""
        return float(self._tableau[-1, -1])

    def add(self, column: Floats, value: float) -> bool:
        """Take a column in; False where it would add nothing."""
        entry = np.zeros(self._rows + 1)
        for row in range(self._rows):
            entry += column[row] * self._tableau[:, row]
        entry[-1] -= value
        if entry[-1] >= -_ENOUGH:
            return False
        self._tableau = np.insert(self._tableau, -1, entry, axis=1)
        while (entering := self._entering()) is not None:
            self._pivot(self._leaving(entering), entering)
        return True

    def mixture(self, columns: int) -> list[float]:
        """Return how much of each column is in the best mixture."""
        shares = [0.0] * columns
        for row, column in enumerate(self._basis):
            if column >= self._rows:
                shares[column - self._rows] = float(max(0.0, self._tableau[row, -1]))
        return shares

    def _entering(self) -> int | None:
        reduced = self._tableau[-1, :-1]
        gaining = np.flatnonzero(reduced < -1e-9)
        return int(gaining[0]) if len(gaining) else None  # Bland's rule: no cycle.

    def _leaving(self, entering: int) -> int:
        column, bound = self._tableau[:-1, entering], self._tableau[:-1, -1]
        rows = np.flatnonzero(column > 1e-9)
        ratios = np.maximum(bound[rows], 0.0) / column[rows]
        least = rows[ratios <= ratios.min() + 1e-12]
        return min((int(row) for row in least), key=lambda row: self._basis[row])

    def _pivot(self, row: int, column: int) -> None:
        self._tableau[row] /= self._tableau[row, column]
        for other in range(self._rows + 1):
            if other != row and self._tableau[other, column]:
                self._tableau[other] -= self._tableau[other, column] * self._tableau[row]
        self._basis[row] = column


def _alone(needs: Needs, tier: int) -> Needs:
    """Return the needs of a tier, as the only one."""
    chosen = needs.tier[needs.of] == tier
    return Needs(np.zeros_like(needs.tier), needs.of[chosen], needs.amount[chosen], needs.value[chosen])


def _flow(supplies: Ints, needs: Needs, arcs: Arcs) -> Ints:
    """Return the best flow of all arcs there are."""
    amounts = allocate(supplies, needs, arcs)
    assert amounts is not None, "nothing was left out"
    return amounts


def _of_supplies(supplies: int, arcs: Arcs, amounts: Ints) -> list[int]:
    """Return what each supply gives."""
    given = np.zeros(supplies, dtype=np.int64)
    np.add.at(given, arcs.supply, amounts)
    result: list[int] = given.tolist()
    return result
