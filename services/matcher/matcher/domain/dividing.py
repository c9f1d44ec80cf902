"""The division of a round: the best flow, and what follows where pools are shared or parts must not be small.

Nearly always the flow alone is the answer: where nothing is shared or too small in it, that is the best of
all. Otherwise pools get prices (`sharing`), and where a docking would be smaller than a need takes, the
smallest is left out and the rest divided again, until none is; what fits then is added.
"""

import numpy as np

from matcher.domain.allocation import NOTHING, Arcs, Left, Needs, allocate
from matcher.domain.columns import Ints, groups
from matcher.domain.sharing import Draws, share, top_up


def divide(
    supplies: Ints, needs: Needs, arcs: Arcs, left: Left, draws: Draws | None, least: Ints
) -> Ints | None:
    """Return the amount on each arc; None where one that was left out might make more of it.

    `least`: for each need what a docking moves at least.
    """
    amounts = allocate(supplies, needs, arcs, left)
    if amounts is None or (_bears(draws, amounts, arcs) and not len(_small(amounts, arcs, least))):
        return amounts
    if left is not NOTHING:
        return None
    draws = draws or Draws(np.full(len(supplies), -1), np.ones(len(supplies), dtype=np.int64), [])
    kept = np.arange(len(arcs.cost))
    while True:
        some = Arcs(arcs.supply[kept], arcs.need[kept], arcs.cost[kept])
        moved = share(supplies, needs, some, draws)
        small = _small(moved, some, least)
        if not len(small):
            break
        kept = np.delete(kept, small)
    amounts = np.zeros(len(arcs.cost), dtype=np.int64)
    amounts[kept] = moved
    return top_up(amounts, supplies, needs, arcs, draws, least)


def _bears(draws: Draws | None, amounts: Ints, arcs: Arcs) -> bool:
    return draws is None or draws.fits(amounts, arcs)


def _small(amounts: Ints, arcs: Arcs, least: Ints) -> Ints:
    """Return of each need that gets something too small the arc that carries least."""
    found = np.flatnonzero((amounts > 0) & (amounts < least[arcs.need]))
    smallest = [
        min(
            places.tolist(), key=lambda place: (amounts[found[place]], -arcs.cost[found[place]], found[place])
        )
        for places in groups(arcs.need[found])
    ]
    return found[smallest]
