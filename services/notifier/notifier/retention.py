"""What is kept for how long, and the removal of what is no period's: dockings that ended, keys that are gone.

What only grows (feeds, ids seen, rejections, attempts, steps, the outbox) is in periods, which are dropped by
`tenon.periods`. One replica at a time removes rows, the oldest first and some at a time.
"""

import asyncio
from contextlib import suppress
from typing import Final, Self

from notifier import metrics
from notifier.settings import NotifierSettings
from tenon import log
from tenon.contracts.dockings import CLOSED
from tenon.contracts.topics import DOCKINGS, POSITIONS
from tenon.db import Database
from tenon.errors import Fenced, Transient
from tenon.lease import Leases
from tenon.metrics import Metrics
from tenon.periods import Keeper, Kept

_ROWS: Final = 5_000
_OLD: Final = "< now() - make_interval(secs => $1)"
# By when its last step was seen here: the times of a market may be those of a story of years ago.
_ENDED: Final = f"""
DELETE FROM dockings WHERE docking IN (
    SELECT docking FROM sequences JOIN dockings ON docking = key
    WHERE topic = '{DOCKINGS.name}' AND seen_at {_OLD} AND status = ANY($2::text[])
    ORDER BY seen_at LIMIT {_ROWS}
)
"""  # noqa: S608 - only the constants above are put in
# The key of a position is party/kind/id/market. Where its state is gone, its sequence stays until no echo
# of it can come any more.
_GONE: Final = f"""
DELETE FROM sequences WHERE (topic, key) IN (
    SELECT topic, key FROM sequences AS s
    WHERE s.seen_at {_OLD} AND CASE s.topic
        WHEN '{DOCKINGS.name}' THEN NOT EXISTS (SELECT FROM dockings WHERE docking = s.key)
        WHEN '{POSITIONS.name}' THEN CASE split_part(s.key, '/', 2)
            WHEN 'offer' THEN NOT EXISTS (
                SELECT FROM offers WHERE party = split_part(s.key, '/', 1) AND id = split_part(s.key, '/', 3)
            )
            WHEN 'resource' THEN NOT EXISTS (
                SELECT FROM resources
                WHERE party = split_part(s.key, '/', 1) AND id = split_part(s.key, '/', 3)
            )
            ELSE NOT EXISTS (
                SELECT FROM demands WHERE party = split_part(s.key, '/', 1) AND id = split_part(s.key, '/', 3)
            )
        END
        ELSE false
    END
    ORDER BY s.seen_at LIMIT {_ROWS}
)
"""  # noqa: S608 - only the constants above are put in
_logger = log.get("retention")


def keeper_of(settings: NotifierSettings, database: Database, leases: Leases, measured: Metrics) -> Keeper:
    """Return what keeps the tables in periods."""
    tables = [
        Kept("outbox", settings.outbox_retention_h),
        Kept("feed", settings.feed_retention_h),
        Kept("seen_events", settings.feed_retention_h),
        Kept("rejections", settings.feed_retention_h),
        Kept("attempts", settings.attempts_retention_h),
        Kept("steps", settings.history_retention_h),
    ]
    return Keeper(
        database,
        leases,
        measured,
        tables,
        period_s=settings.period_s,
        interval_ms=settings.retention_interval_ms,
    )


class Retention:
    """Removes old rows now and then."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        measured: Metrics,
        *,
        history_hours: float,
        echo_hours: float,
        interval_ms: int,
    ) -> None:
        self._database = database
        self._leases = leases
        self._metrics = measured
        self._history_s = history_hours * 3600
        self._echo_s = echo_hours * 3600
        self._interval_s = interval_ms / 1000

    @classmethod
    def of(cls, settings: NotifierSettings, database: Database, leases: Leases, measured: Metrics) -> Self:
        """Take what the service was told by its environment."""
        return cls(
            database,
            leases,
            measured,
            history_hours=settings.history_retention_h,
            echo_hours=settings.feed_retention_h,
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
        await self._remove("dockings", _ENDED, self._history_s, sorted(CLOSED))
        await self._remove("sequences", _GONE, self._echo_s)

    async def _remove(self, table: str, statement: str, *arguments: object) -> None:
        removed = _ROWS
        while removed == _ROWS:
            tag = await self._database.execute(statement, *arguments)
            removed = int(tag.rpartition(" ")[2])
            self._metrics.add(metrics.REMOVED, removed, table=table)
