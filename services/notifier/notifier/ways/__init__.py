"""The ways by which events reach a subscriber: one module each, all with the interface of `Way`.

A way carries what it is given, in order, and says what came of each; what that means, when it is tried
again and what is set aside is decided for all ways alike (`notifier.delivery`). Live streams are pulled,
not sent: see `notifier.live`.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from notifier.domain.classify import Attempt
from notifier.domain.ways import Message
from tenon.contracts import endpoints


@dataclass(frozen=True, slots=True)
class Target:
    """To whom: a subscription, whose it is, and what its way needs. `secrets`: the newest first."""

    id: str
    audience: str
    way: endpoints.Way
    url: str = ""
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What came of sending one event."""

    attempt: Attempt
    at_ms: int
    latency_ms: int
    response: str = ""


class Way(Protocol):
    """One way. What goes wrong outside is part of a report, never an exception.

    `together`: messages are handed over all at once, so that each report is worth waiting for.
    """

    together: bool

    def send(self, target: Target, messages: Sequence[Message]) -> AsyncGenerator[Report, None]:
        """Send messages in order; yield a report of each, up to the first that was not taken."""
        ...


Ways = Mapping[endpoints.Way, Way]
TAKEN = 200
"""The status of what was taken, where a way has no status of its own."""
