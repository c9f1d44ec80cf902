"""The state of one partition of the log, and how its parts are found."""

from dataclasses import dataclass, field
from heapq import heappop, heappush

from matcher.domain.model import Market
from tenon.contracts.intake import PolicyPublished

EVERY_MARKET = "*"
FIRST_DIGEST = "0" * 64
BUILT_IN = PolicyPublished(policy="built-in", revision=1)

Timer = tuple[int, str, str, str]
"""When (ms), what for, market, key."""
_PURPOSES = ("lapse", "demand", "offer", "resource", "reach", "rise", "hold", "forget")
"""In the order in which they fire: what a proposal gives back is there before what is over is given up."""


@dataclass(slots=True)
class State:
    """What a partition's log has led to. Owned by one round at a time; a failed commit throws it away."""

    partition: int
    clock_ms: int = 0
    round: int = 0
    digest: str = FIRST_DIGEST
    next_offset: int = 0
    markets: dict[str, Market] = field(default_factory=dict)
    policies: dict[str, PolicyPublished] = field(default_factory=dict)
    published: dict[str, PolicyPublished] = field(default_factory=dict)  # in the order of the log
    homes: dict[str, str] = field(default_factory=dict)
    timers: list[Timer] = field(default_factory=list)
    timers_after_reset: int = 0
    unusable_run: int = 0
    unexplained: set[tuple[str, str]] = field(default_factory=set)

    def market(self, name: str) -> Market:
        """Return a market, opening it under the policy in force for it."""
        market = self.markets.get(name)
        if market is None:
            market = self.markets[name] = Market(name, self.policy_of(name))
        return market

    def policy_of(self, market: str) -> PolicyPublished:
        """Return the market's own policy, else the one for every market, else the built-in one."""
        return self.policies.get(market) or self.policies.get(EVERY_MARKET) or BUILT_IN

    def wake(self, at_ms: int, what: str, market: str, key: str) -> None:
        """Set a timer: one whose time is over fires in this round, one that is of no use does nothing."""
        heappush(self.timers, (at_ms, what, market, key))

    def due(self, now_ms: int) -> list[Timer]:
        """Take out every timer that is due, each once: by what it is for, then by whom.

        Not by time: an owner that lived has timers left that one that was rebuilt has not, and they must not
        decide what happens before what.
        """
        due: set[Timer] = set()
        while self.timers and self.timers[0][0] <= now_ms:
            due.add(heappop(self.timers))
        return sorted(due, key=lambda timer: (_PURPOSES.index(timer[1]), *timer[2:], timer[0]))

    @property
    def wake_at_ms(self) -> int | None:
        """When the next timer is due."""
        return self.timers[0][0] if self.timers else None
