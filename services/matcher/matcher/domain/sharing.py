"""The division where supplies share pools, in whole units: tier after tier, and what is left over given out.

Prices (`prices`) say how much of its pool each supply may take. That bounds a flow in integers, and what
rounding left is given out, the best first. A later tier gets what earlier ones left.
"""

from collections.abc import Iterator

import numpy as np

from matcher.domain.allocation import Arcs, Needs
from matcher.domain.columns import Ints
from matcher.domain.prices import NO_POOL, Draws, Prices, flow


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
        caps = Prices(supplies, needs, arcs, self._draws, self._room).caps()
        for arc, amount in zip(chosen.tolist(), flow(caps, needs, arcs).tolist(), strict=True):
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


def _alone(needs: Needs, tier: int) -> Needs:
    """Return the needs of a tier, as the only one."""
    chosen = needs.tier[needs.of] == tier
    return Needs(np.zeros_like(needs.tier), needs.of[chosen], needs.amount[chosen], needs.value[chosen])
