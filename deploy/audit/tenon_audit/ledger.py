"""What dockings consume, summed from their steps alone. Pure.

The rule is the contract's (`tenon.contracts.dockings.Docking`): what was docked consumes both windows while
the status is proposed, confirmed, shipped or delivered; in the other four only what was shipped does.
"""

from typing import NamedTuple

from tenon.contracts.dockings import CONSUMING
from tenon_audit.facts import Step, WindowKey


class Shares(NamedTuple):
    """What a docking holds, in counts."""

    proposed: int = 0
    confirmed: int = 0
    shipped: int = 0
    delivered: int = 0

    @property
    def consumed(self) -> int:
        """What it takes from both windows."""
        return sum(self)


def shares(step: Step) -> Shares:
    """Return what a docking holds after a step."""
    under_way = step.shipped - step.delivered
    rest = step.quantity - step.shipped - step.failed if step.status in CONSUMING else 0
    if step.status == "proposed":
        return Shares(rest, 0, under_way, step.delivered)
    return Shares(0, rest, under_way, step.delivered)


class Ledger:
    """The sums of one partition's windows after the steps so far. Keeps one small entry per docking."""

    def __init__(self) -> None:
        self.held: dict[str, Step] = {}
        self._offers: dict[WindowKey, int] = {}
        self._demands: dict[WindowKey, Shares] = {}

    def apply(self, step: Step) -> None:
        """Take a step into account."""
        before = self.held.get(step.docking)
        if before is not None:
            self._add(before, -1)
        self._add(step, 1)
        self.held[step.docking] = step

    def consumed(self, window: WindowKey) -> int:
        """Return what dockings take from a window of an offer."""
        return self._offers.get(window, 0)

    def docked(self, window: WindowKey) -> Shares:
        """Return what dockings hold of a window of a demand."""
        return self._demands.get(window, Shares())

    def _add(self, step: Step, sign: int) -> None:
        held = shares(step)
        self._offers[step.offer] = self.consumed(step.offer) + sign * held.consumed
        present = self.docked(step.demand)
        self._demands[step.demand] = Shares(*(a + sign * b for a, b in zip(present, held, strict=True)))
