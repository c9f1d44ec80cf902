"""The best division of supplies among needs: a minimum-cost flow, tier after tier.

Knows amounts and integer costs, not what they stand for. A unit is worth moving when the value of the
tranche it fills exceeds the cost of its arc. Tiers are solved one after another with the earlier value
fixed: after each, an arc whose reduced cost is not zero can't change without losing some of that value
(complementary slackness), so it is fixed, and the later tier is solved over what is left free.

Of many arcs only a few can matter. A large problem begins with the cheapest of each node and is solved; then
every arc left out is priced with the potentials of that solution, and those that could improve it, or keep
its value and serve a later tier, enter. When none is left, the solution is one of the whole problem.

Ahuja, Magnanti, Orlin, Network Flows (1993), §9.3 (reduced cost optimality), §17 (lexicographic objectives
by optimal faces, column generation). The solver is OR-Tools' cost-scaling push-relabel.

Its integers have 64 bits. Measured with OR-Tools 9.15, each answer checked for optimality in exact integers:
right for sums up to 2.6e18 with costs of 1e9 (networks of 10 to 100,000 nodes); where the flow through one
node can exceed 2^63 it refuses. Through the sink up to three times the sum of all supplies or needs can flow,
so sums up to 1e18, a million windows of the largest quantity, keep a threefold distance.
"""

from dataclasses import dataclass

import numpy as np
from ortools.graph.python import min_cost_flow

from matcher.domain.columns import Ints, groups, least

MAX_AMOUNT = 10**12
MAX_TOTAL = 10**18
MAX_COST = 10**9


_LOWEST = -(1 << 60)


class TooLarge(ValueError):
    """An amount or a cost beyond what the solver can add up without overflow."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What takers want: the tier of each, and for each tranche whose it is, its amount and a unit's value.

    The tranches of one taker fall in value.
    """

    tier: Ints
    of: Ints
    amount: Ints
    value: Ints


@dataclass(frozen=True, slots=True)
class Arcs:
    """Pairs that may dock, in columns: which supply, which need, and what a unit costs."""

    supply: Ints
    need: Ints
    cost: Ints


@dataclass(frozen=True, slots=True)
class Left:
    """Arcs that were left out, by what is known of them.

    Of each of some needs all that cost `costs` or more, of each of some supplies all that cost at least
    `losses` more than their unit can be worth.
    """

    needs: Ints
    costs: Ints
    supplies: Ints
    losses: Ints


_nothing = np.zeros(0, dtype=np.int64)
NOTHING = Left(_nothing, _nothing, _nothing, _nothing)


@dataclass(frozen=True, slots=True)
class Portions:
    """Up to `whole` arcs are solved at once; of more the `first` cheapest of each node, then `more`."""

    whole: int = 2_000
    first: int = 32
    more: int = 4_000


def allocate(
    supplies: Ints, needs: Needs, arcs: Arcs, left: Left = NOTHING, portions: Portions = Portions()
) -> Ints | None:
    """Return the amount on each arc: of the greatest total (value - cost), tier by tier.

    None where an arc that was left out might make more of it: then nothing may be left out.
    The order of supplies and needs decides between divisions of equal worth, that of the arcs does not.
    Raises `TooLarge` when an amount exceeds 1e12, all supplies or all needs 1e18, or a cost or value 1e9.
    """
    if not len(arcs.cost):
        return np.zeros(0, dtype=np.int64)
    _check(supplies, needs, arcs)
    network = _Network(supplies, needs, arcs, left, portions)
    solved = all(network.solve(rank) for rank in range(network.tiers))
    return network.amounts() if solved else None


class _Network:
    """Nodes: each supply once for each tier, needs, one sink. Arcs carry a range and a cost in one tier.

    A supply flows into the arcs of the first tier, what is left of it into those of the next, then into the
    sink. `_active` arcs are those that are solved, with the nodes at their ends.
    """

    def __init__(self, supplies: Ints, needs: Needs, arcs: Arcs, left: Left, portions: Portions) -> None:
        occurring, rank = np.unique(needs.tier, return_inverse=True)
        self.tiers = len(occurring)
        self._width, self._arcs = len(supplies), len(arcs.cost)
        self._first_need = self._width * self.tiers
        self._sink = self._first_need + len(needs.tier)
        levels = np.arange(self._first_need)
        below = np.where(levels + self._width < self._first_need, levels + self._width, self._sink)
        wanted = np.zeros(len(needs.tier), dtype=np.int64)
        np.add.at(wanted, needs.of, needs.amount)
        at = rank[arcs.need]
        self._tail = np.concatenate((at * self._width + arcs.supply, levels, self._first_need + needs.of))
        sinks = np.full(len(needs.of), self._sink)
        self._head = np.concatenate((self._first_need + arcs.need, below, sinks))
        self._cost = np.concatenate((arcs.cost, np.zeros_like(levels), -needs.value))
        self._rank = np.concatenate((at, levels // self._width, rank[needs.of]))
        most = np.minimum(supplies[arcs.supply], wanted[arcs.need])
        self._high = np.concatenate((most, np.tile(supplies, self.tiers), needs.amount))
        self._low = np.zeros_like(self._high)
        self._flow = self._low.copy()
        self._supplies, self._left, self._rank_of_need = supplies, left, rank
        self._of_need = (arcs.supply, arcs.need)
        self._active = np.zeros(len(self._high), dtype=np.bool_)
        self._more = portions.more
        whole = self._arcs <= portions.whole
        self._activate(np.arange(self._arcs) if whole else _cheapest(arcs, portions.first))

    def solve(self, rank: int) -> bool:
        """Find the best flow for a tier within the ranges that earlier ones left; fix it for later ones.

        Returns False where what was left out might make more of it.
        """
        last = rank == self.tiers - 1
        now = np.where(self._rank == rank, self._cost, 0)
        while True:
            solved = self._ordered()
            room = (self._high - self._low)[solved]
            added = _min_cost_flow(
                self._tail[solved], self._head[solved], room, now[solved], self._balance(solved)
            )
            self._flow[solved] = self._low[solved] + added
            if last and self._left is NOTHING and self._active[: self._arcs].all():
                return True
            potential = self._potentials(rank, now, solved, room - added, added)
            reduced = now + potential[self._tail] - potential[self._head]
            entering = self._entering(rank, reduced, last=last)
            if not len(entering):
                break
            self._activate(entering)
        # What is not solved has no flow, but for supplies that flow into the sink as a whole, at no cost.
        fixed = reduced != 0
        self._low[fixed] = self._high[fixed] = self._flow[fixed]
        return self._holds(rank, potential, last=last)

    def amounts(self) -> Ints:
        """Return the flow on the pairs."""
        return self._flow[: self._arcs]

    def _activate(self, entering: Ints) -> None:
        """Let pairs be solved, with their supplies and needs."""
        supply, need = self._of_need
        self._active[entering] = True
        supplied = np.zeros(self._width, dtype=np.bool_)
        supplied[supply[self._active[: self._arcs]]] = True
        needed = np.zeros(self._sink - self._first_need, dtype=np.bool_)
        needed[need[self._active[: self._arcs]]] = True
        self._active[self._arcs : self._arcs + self._first_need] = np.tile(supplied, self.tiers)
        of = self._tail[self._arcs + self._first_need :] - self._first_need
        self._active[self._arcs + self._first_need :] = needed[of]

    def _ordered(self) -> Ints:
        """Return the active arcs, in an order that is theirs by their ends."""
        active = np.flatnonzero(self._active)
        pairs = active[: np.searchsorted(active, self._arcs)]
        order = np.lexsort((self._tail[pairs], self._head[pairs]))
        return np.concatenate((pairs[order], active[len(pairs) :]))

    def _balance(self, solved: Ints) -> Ints:
        """Return what each node gives or takes beside what is fixed already."""
        balance = np.zeros(self._sink + 1, dtype=np.int64)
        given = np.flatnonzero(self._active[self._arcs : self._arcs + self._width])
        balance[given] = self._supplies[given]
        balance[self._sink] = -int(balance.sum())
        low = self._low[solved]
        np.subtract.at(balance, self._tail[solved], low)
        np.add.at(balance, self._head[solved], low)
        return balance

    def _potentials(self, rank: int, now: Ints, solved: Ints, rest: Ints, used: Ints) -> Ints:
        """Shortest distances over the residual network (Bellman-Ford from a root before every node).

        Of several potentials of a node those are taken that price the arcs left out highest: a supply that is
        not solved flows into the sink as a whole; a need's is as low as what it takes, or could take, allows.
        """
        tail, head, cost = self._tail[solved], self._head[solved], now[solved]
        tails = np.concatenate((tail[rest > 0], head[used > 0]))
        heads = np.concatenate((head[rest > 0], tail[used > 0]))
        costs = np.concatenate((cost[rest > 0], -cost[used > 0]))
        distance = np.zeros(self._sink + 1, dtype=np.int64)
        while True:
            nearer = distance.copy()
            np.minimum.at(nearer, heads, distance[tails] + costs)
            if np.array_equal(nearer, distance):
                break
            distance = nearer
        idle = np.ones(self._first_need, dtype=np.bool_)
        idle[tail[tail < self._first_need]] = False
        distance[: self._first_need][idle] = distance[self._sink]
        price = np.full(self._sink + 1, _LOWEST)
        taken = solved[(used > 0) & (solved < self._arcs)]
        np.maximum.at(price, self._head[taken], distance[self._tail[taken]] + now[taken])
        tranches = self._arcs + self._first_need
        could = np.flatnonzero(self._flow[tranches:] < self._high[tranches:]) + tranches
        np.maximum.at(price, self._tail[could], distance[self._sink] - now[could])
        return np.where(price > _LOWEST, price, distance)

    def _entering(self, rank: int, reduced: Ints, *, last: bool) -> Ints:
        """Return pairs left out that could improve the solution, or keep its value: the best of many."""
        pairs = slice(0, self._arcs)
        gain = reduced[pairs] < (0 if last else 1)
        if not last:
            gain &= (self._rank[pairs] == rank) | (reduced[pairs] < 0)
        free = self._low[pairs] < self._high[pairs]
        found = np.flatnonzero(gain & free & ~self._active[pairs] & (self._rank[pairs] >= rank))
        return found[least(reduced[found], self._head[found], self._tail[found], most=self._more)]

    def _holds(self, rank: int, potential: Ints, *, last: bool) -> bool:
        """True where no arc that was left out could improve the tier, or serve a later one at no cost to it.

        At its other end may be any supply, also one that is not here and flows into the sink, and any need,
        which then takes nothing yet.
        """
        left, sink = self._left, potential[self._sink]
        supplied = potential[rank * self._width : (rank + 1) * self._width]
        needed, ranks = potential[self._first_need + left.needs], self._rank_of_need[left.needs]
        enough = 0 if last else 1
        short = (left.costs + min(int(supplied.min()), int(sink)) - needed)[ranks == rank] < enough
        late = (needed > sink)[ranks > rank]
        lost = left.losses + supplied[left.supplies] - sink < enough
        return not (short.any() or late.any() or lost.any())


def _cheapest(arcs: Arcs, most: int) -> Ints:
    """Return the cheapest arcs of each node on the side that has fewer of them, so many of each."""
    few = arcs.need if arcs.need.max() < arcs.supply.max() else arcs.supply
    return np.concatenate(
        [
            places[least(arcs.cost[places], arcs.need[places], arcs.supply[places], most=most)]
            for places in groups(few)
        ]
    )


def _min_cost_flow(tail: Ints, head: Ints, room: Ints, cost: Ints, balance: Ints) -> Ints:
    """Return the flow on each arc; nodes without arcs have no balance and are left out."""
    used = np.zeros(len(balance), dtype=np.bool_)
    used[tail] = used[head] = True
    number = np.cumsum(used) - 1
    solver = min_cost_flow.SimpleMinCostFlow()
    arcs = solver.add_arcs_with_capacity_and_unit_cost(number[tail], number[head], room, cost)
    solver.set_nodes_supplies(np.arange(int(used.sum())), balance[used])
    status = solver.solve()
    if status != solver.OPTIMAL:
        raise RuntimeError(f"minimum-cost flow ended with {status}: the network is built to be feasible")
    return np.asarray(solver.flows(arcs), dtype=np.int64)


def _check(supplies: Ints, needs: Needs, arcs: Arcs) -> None:
    if max(supplies.max(), needs.amount.max()) > MAX_AMOUNT:
        raise TooLarge(f"an amount above {MAX_AMOUNT}")
    # In doubles, which can't overflow; the threefold distance is far more than what they round.
    if max(supplies.sum(dtype=np.float64), needs.amount.sum(dtype=np.float64)) > MAX_TOTAL:
        raise TooLarge(f"more than {MAX_TOTAL} units in one solve")
    if max(np.abs(arcs.cost).max(), needs.value.max()) > MAX_COST:
        raise TooLarge(f"a cost or value above {MAX_COST} points")
