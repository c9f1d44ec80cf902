"""What waits for each relay, shown now and then: how much, since when, and what an operator has to look at.

A relay knows what it has in hand; what waits is in its store, for all replicas together. So every replica
shows the same figures: of several, take the greatest.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from tenon import log
from tenon.db import Database
from tenon.errors import Transient
from tenon.metrics import Metrics, gauge

WAITING = gauge("relay_waiting", "work in the store that is not done yet, of all replicas", "relay")
OLDEST_SECONDS = gauge("relay_oldest_seconds", "age of the oldest work that waits, of all replicas", "relay")
PARKED = gauge("relay_parked", "work set aside, of all replicas: an operator has to look", "relay")

DUE = "published_at IS NULL AND parked_why IS NULL"
"""What waits in a table of work that is told: it is not told yet, and was not set aside."""
_EVERY_S = 5.0
_logger = log.get("backlog")


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a store still holds: work that waits, the age of the oldest in seconds, work set aside."""

    waiting: int
    oldest_seconds: float
    parked: int


Count = Callable[[], Awaitable[Backlog]]


async def of_table(database: Database, table: str, since: str) -> Backlog:
    """Return what waits in a table with `published_at` and `parked_why`.

    `since`: its column of when work came. Both names are the caller's own, never anything that was read.
    """
    row = await database.fetchrow(
        f"""
        SELECT count(*) FILTER (WHERE {DUE}) AS waiting,
               coalesce(extract(epoch FROM now() - min({since}) FILTER (WHERE {DUE})), 0)::float8 AS oldest,
               count(*) FILTER (WHERE parked_why IS NOT NULL) AS parked
        FROM {table} WHERE published_at IS NULL
        """  # noqa: S608 - only names of ours are put in
    )
    assert row is not None
    return Backlog(row["waiting"], row["oldest"], row["parked"])


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
