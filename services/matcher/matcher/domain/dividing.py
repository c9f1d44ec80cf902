"""The division of a round: the best flow, and what follows where pools are shared or parts must not be small.

Nearly always the flow alone is the answer: where nothing is shared or too small in it, that is the best of
all. Otherwise pools get prices (`sharing`), and where a docking would be smaller than a need takes, the
smallest is left out and the rest divided again, until none is; what fits then is added, and exchanged for
better.
"""

from itertools import count

import numpy as np

from matcher.domain.allocation import NOTHING, Arcs, Left, Needs, allocate
from matcher.domain.columns import Ints, groups
from matcher.domain.exchanging import Exchanges
from matcher.domain.prices import NO_POOL, Draws
from matcher.domain.sharing import share, top_up

_GENTLE = 10
"""So often only the smallest part of each need is left out; then all that are too small, so that it ends."""


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
    draws = draws or Draws(np.full(len(supplies), NO_POOL), np.ones(len(supplies), dtype=np.int64), [])
    kept = np.arange(len(arcs.cost))
    for tried in count():
        some = Arcs(arcs.supply[kept], arcs.need[kept], arcs.cost[kept])
        moved = share(supplies, needs, some, draws)
        small = _small(moved, some, least)
        if not len(small):
            break
        kept = np.delete(kept, small if tried >= _GENTLE else _smallest(small, moved, some))
    amounts = np.zeros(len(arcs.cost), dtype=np.int64)
    amounts[kept] = moved
    amounts = top_up(amounts, supplies, needs, arcs, draws, least)
    if len(kept) == len(arcs.cost):
        return amounts
    return Exchanges(supplies, needs, arcs, draws, least).improved(amounts)


def _bears(draws: Draws | None, amounts: Ints, arcs: Arcs) -> bool:
    return draws is None or draws.fits(amounts, arcs)


def _small(amounts: Ints, arcs: Arcs, least: Ints) -> Ints:
    """Return the arcs that carry less than their need takes."""
    return np.flatnonzero((amounts > 0) & (amounts < least[arcs.need]))


def _smallest(small: Ints, amounts: Ints, arcs: Arcs) -> Ints:
    """Return of each need the arc among these that carries least."""
    return np.array(
        [
            min(small[places].tolist(), key=lambda arc: (amounts[arc], -arcs.cost[arc], arcs.supply[arc]))
            for places in groups(arcs.need[small])
        ]
    )
