"""Better divisions where parts must not be small: exchanges, one after another, as long as they gain.

That is no linear program, and what leaves small parts out gives some away. An exchange serves a need from one
supply, takes back whatever stands in the way of that, the least worth first, and gives out what is free then.
It is kept where the whole is worth more, an earlier tier before a later one. Knows what `sharing` knows.
"""

from collections.abc import Iterator

import numpy as np

from matcher.domain.allocation import Arcs, Needs
from matcher.domain.columns import Ints, Mask
from matcher.domain.prices import NO_POOL, Draws, worth
from matcher.domain.sharing import top_up

_MOST_STEPS = 400_000
"""Arcs that all exchanges of a division look at together: about half a second."""


class Exchanges:
    """A division, and the exchanges that are tried on it."""

    def __init__(self, supplies: Ints, needs: Needs, arcs: Arcs, draws: Draws, least: Ints) -> None:
        self._supplies, self._needs, self._arcs = supplies, needs, arcs
        self._draws, self._least = draws, least
        best = np.zeros(len(needs.tier), dtype=np.int64)
        np.maximum.at(best, needs.of, needs.value)
        self._gain = best[arcs.need] - arcs.cost
        wanted = np.zeros(len(needs.tier), dtype=np.int64)
        np.add.at(wanted, needs.of, needs.amount)
        self._wanted = wanted
        self._steps = 0

    def improved(self, amounts: Ints) -> Ints:
        """Return the division after every exchange that gains, within a budget."""
        gained, better = worth(self._needs, self._arcs, amounts), True
        while better and self._steps < _MOST_STEPS:
            better = False
            for arc in self._candidates(amounts):
                for tried in self._exchanged(amounts, arc):
                    self._steps += len(amounts)
                    if (reached := worth(self._needs, self._arcs, tried)) > gained:
                        amounts, gained, better = tried, reached, True
                if self._steps >= _MOST_STEPS:
                    break
        return amounts

    def _candidates(self, amounts: Ints) -> list[int]:
        """Return the arcs on which more could move, the urgent and then the most worth first."""
        arcs, room = self._arcs, self._wanted[self._arcs.need] - amounts
        found = np.flatnonzero((self._gain > 0) & (room > 0) & (amounts < self._supplies[arcs.supply]))
        keys = (arcs.supply[found], arcs.need[found], -self._gain[found], self._needs.tier[arcs.need[found]])
        order: list[int] = found[np.lexsort(keys)].tolist()
        return order

    def _exchanged(self, amounts: Ints, arc: int) -> Iterator[Ints]:
        """Yield divisions in which an arc serves its need alone: as far as it can, and as far as it must."""
        need, supply = self._arcs.need[arc], self._arcs.supply[arc]
        alone = np.where(self._arcs.need == need, 0, amounts)
        most, least = int(min(self._supplies[supply], self._wanted[need])), int(self._least[need])
        for wanted in sorted({most, least}, reverse=True) if least <= most else ():
            changed = self._with(alone, arc, wanted)
            if changed is not None:
                added = top_up(changed, self._supplies, self._needs, self._arcs, self._draws, self._least)
                if self._allowed(added):
                    yield added

    def _allowed(self, amounts: Ints) -> bool:
        """True where no part is smaller than its need takes, but for one that completes it."""
        need, small = self._arcs.need, (amounts > 0) & (amounts < self._least[self._arcs.need])
        if not small.any():
            return True
        filled = np.zeros_like(self._wanted)
        np.add.at(filled, need, amounts)
        few = np.bincount(need[small], minlength=len(filled)) <= 1
        return bool((few & (filled == self._wanted))[need[small]].all())

    def _with(self, amounts: Ints, arc: int, wanted: int) -> Ints | None:
        """Return the amounts with so much on an arc, and room made for it; None where a pool has none."""
        arcs, changed = self._arcs, amounts.copy()
        supply, one = arcs.supply[arc], np.ones_like(amounts)
        load, pool = int(self._draws.load[supply]), int(self._draws.pool[supply])
        self._make_room(changed, arcs.supply == supply, one, int(self._supplies[supply]) - wanted)
        if pool != NO_POOL:
            left = self._draws.room[pool] - wanted * load
            if left < 0:
                return None
            drawn = self._draws.pool[arcs.supply] == pool
            self._make_room(changed, drawn, self._draws.load[arcs.supply], left)
        changed[arc] = wanted
        return changed

    def _make_room(self, changed: Ints, among: Mask, load: Ints, most: int) -> None:
        """Take back whole parts until some arcs take no more than so much, the least worth first."""
        need, supply, tier = self._arcs.need, self._arcs.supply, self._needs.tier[self._arcs.need]
        held = np.flatnonzero(among & (changed > 0))
        taken = sum(int(changed[each]) * int(load[each]) for each in held.tolist())
        order = np.lexsort((need[held], supply[held], self._gain[held] // load[held], -tier[held]))
        for each in held[order].tolist():
            if taken <= most:
                return
            taken -= int(changed[each]) * int(load[each])
            changed[each] = 0
