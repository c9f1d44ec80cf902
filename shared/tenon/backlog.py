"""What waits for each relay, shown now and then: how much, since when, and what an operator has to look at.

A relay knows what it has in hand; what waits is in its store, for all replicas together. So every replica
shows the same figures: of several, take the greatest.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from tenon import log
from tenon.errors import Transient
from tenon.metrics import Metrics, gauge

WAITING = gauge("relay_waiting", "work in the store that is not done yet, of all replicas", "relay")
OLDEST_SECONDS = gauge("relay_oldest_seconds", "age of the oldest work that waits, of all replicas", "relay")
PARKED = gauge("relay_parked", "work set aside, of all replicas: an operator has to look", "relay")

_EVERY_S = 5.0
_logger = log.get("backlog")


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a store still holds: work that waits, the age of the oldest in seconds, work set aside."""

    waiting: int
    oldest_seconds: float
    parked: int


Count = Callable[[], Awaitable[Backlog]]


async def watch(counts: Mapping[str, Count], metrics: Metrics, stop: asyncio.Event) -> None:
    """Keep the figures of relays, by their names, up to date until `stop` is set."""
    while not stop.is_set():
        for relay, count in counts.items():
            try:
                _show(relay, await count(), metrics)
            except Transient as error:
                _logger.warning("a backlog can't be counted", relay=relay, error=str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _EVERY_S)


def _show(relay: str, found: Backlog, metrics: Metrics) -> None:
    metrics.set(WAITING, found.waiting, relay=relay)
    metrics.set(OLDEST_SECONDS, found.oldest_seconds, relay=relay)
    metrics.set(PARKED, found.parked, relay=relay)
