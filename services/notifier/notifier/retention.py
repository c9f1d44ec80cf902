"""Removes what is old: feed entries, ids seen, rejections, attempts.

A feed is never cut where an active endpoint has not been yet: what is slow is late, not lost. One replica at
a time does this.
"""

import asyncio
from contextlib import suppress
from typing import Final, Self

from notifier import metrics
from notifier.settings import NotifierSettings
from tenon import log
from tenon.db import Database
from tenon.errors import Fenced, Transient
from tenon.lease import Leases
from tenon.metrics import Metrics

_ROWS: Final = 5_000
_OLD: Final = "< now() - make_interval(hours => $1)"
_FEED: Final = f"""
DELETE FROM feed f USING (
    SELECT audience, number FROM feed o
    WHERE written_at {_OLD} AND NOT EXISTS (
        SELECT 1 FROM endpoints e
        WHERE e.audience = o.audience AND e.status = 'active' AND e.cursor < o.number
    )
    LIMIT {_ROWS}
) d WHERE f.audience = d.audience AND f.number = d.number
"""  # noqa: S608 - only the constants above are put in
_SEEN: Final = f"DELETE FROM seen_events WHERE seen_at {_OLD}"  # noqa: S608
_REJECTIONS: Final = f"DELETE FROM rejections WHERE received_at {_OLD}"  # noqa: S608
_ATTEMPTS: Final = f"DELETE FROM attempts WHERE at {_OLD}"  # noqa: S608
_logger = log.get("retention")


class Retention:
    """Removes old rows now and then."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        metrics: Metrics,
        *,
        feed_hours: int,
        attempts_hours: int,
        interval_ms: int,
    ) -> None:
        self._database = database
        self._leases = leases
        self._metrics = metrics
        self._feed_hours = feed_hours
        self._attempts_hours = attempts_hours
        self._interval_s = interval_ms / 1000

    @classmethod
    def of(cls, settings: NotifierSettings, database: Database, leases: Leases, metrics: Metrics) -> Self:
        """Take what the service was told by its environment."""
        return cls(
            database,
            leases,
            metrics,
            feed_hours=settings.feed_retention_h,
            attempts_hours=settings.attempts_retention_h,
            interval_ms=settings.retention_interval_ms,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        while not stop.is_set():
            try:
                lease = await self._leases.acquire("retention")
                if lease is not None:
                    await self.remove_old()
                    await self._leases.release(lease)
            except (Transient, Fenced) as error:
                _logger.warning("old rows not removed", error=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._interval_s)

    async def remove_old(self) -> None:
        """Remove everything that is too old now, in small transactions."""
        removed = _ROWS
        while removed == _ROWS:
            removed = await self._remove("feed", _FEED, self._feed_hours)
        await self._remove("seen_events", _SEEN, self._feed_hours)
        await self._remove("rejections", _REJECTIONS, self._feed_hours)
        await self._remove("attempts", _ATTEMPTS, self._attempts_hours)

    async def _remove(self, table: str, statement: str, hours: int) -> int:
        tag = await self._database.execute(statement, hours)
        removed = int(tag.rpartition(" ")[2])
        self._metrics.add(metrics.REMOVED, removed, table=table)
        return removed
