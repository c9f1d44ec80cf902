"""How much is open in a partition, for the metrics: counted when it is loaded, then by what rounds change.

A round changes little of what a partition holds, and there are many rounds in a second: nobody walks over
all of it. Must not know what a round decides, nor how metrics are recorded.
"""

from collections import Counter
from collections.abc import Iterable

from matcher.domain.model import Demand, Offer, Resource
from matcher.domain.rows import Rows
from matcher.domain.state import State
from tenon.contracts.positions import Reasons

UNEXPLAINED = "unexplained"
NO_OFFERS = "no_offers"


class Census:
    """The counts of one partition. `by_tier` and `by_reason` keep what fell to 0, so that it can be shown."""

    def __init__(self, state: State) -> None:
        self.by_tier: Counter[int] = Counter()
        self.by_reason: Counter[str] = Counter()
        self.open_offers: set[str] = set()
        self.overdrawn: set[str] = set()
        self._open_demands: dict[str, tuple[int, str]] = {}
        for market in state.markets.values():
            for offer in market.offers.values():
                self._count_offer(offer.key, offer)
            for demand in market.demands.values():
                self._count_demand(demand.key, demand)
            for resource in market.resources.values():
                self._count_windows(f"r:{resource.key}", resource)

    def update(self, state: State, rows: Rows) -> None:
        """Count again what a round changed."""
        named = ((row.kind, row.market, row.key) for row in rows.entities)
        for kind, market, key in (*named, *rows.forgotten):
            if kind == "offer":
                self._count_offer(key, state.markets[market].offers.get(key))
            elif kind == "demand":
                self._count_demand(key, state.markets[market].demands.get(key))
            elif kind == "resource":
                self._count_windows(f"r:{key}", state.markets[market].resources.get(key))

    def _count_offer(self, key: str, offer: Offer | None) -> None:
        is_open = offer is not None and offer.status == "open" and offer.free > 0
        (self.open_offers.add if is_open else self.open_offers.discard)(key)
        self._count_windows(key, offer)

    def _count_windows(self, name: str, held: Offer | Resource | None) -> None:
        is_overdrawn = held is not None and any(window.overdrawn for window in held.windows)
        (self.overdrawn.add if is_overdrawn else self.overdrawn.discard)(name)

    def _count_demand(self, key: str, demand: Demand | None) -> None:
        if (before := self._open_demands.pop(key, None)) is not None:
            self._add(before, -1)
        if demand is not None and demand.open:
            now = self._open_demands[key] = demand.said.tier, main_reason(demand.reasons)
            self._add(now, 1)

    def _add(self, counted: tuple[int, str], change: int) -> None:
        tier, reason = counted
        self.by_tier[tier] += change
        self.by_reason[reason] += change


def main_reason(reasons: Reasons | None) -> str:
    """Return the test that most offers of a demand's class fail; `class` where there is none of its class."""
    if reasons is None:
        return UNEXPLAINED
    if not reasons.considered:
        return NO_OFFERS
    return max(_of_class(reasons), default=(0, "class"))[1]


def _of_class(reasons: Reasons) -> Iterable[tuple[int, str]]:
    return ((offers, test) for test, offers in reasons.failed.items() if test != "class")
