"""What waits for endpoints that take events, what is set aside, and which endpoints are called no more.

An endpoint that fails is waited for: its events are late because of it. They are counted, but have no age.
"""

from typing import Final

from notifier import metrics
from tenon.backlog import Backlog
from tenon.db import Database
from tenon.metrics import Metrics

_QUERY: Final = """
SELECT coalesce(sum(c.last - e.cursor), 0)::bigint AS waiting,
       coalesce(extract(epoch FROM now() - min(next.written_at) FILTER (WHERE e.failed = 0)), 0)::float8
           AS oldest,
       (SELECT count(*) FROM parked) AS parked,
       (SELECT count(*) FROM endpoints WHERE status = 'disabled') AS disabled
FROM endpoints e
JOIN feed_counters c ON c.audience = e.audience AND c.last > e.cursor
LEFT JOIN LATERAL (
    SELECT written_at FROM feed f WHERE f.audience = e.audience AND f.number > e.cursor
    ORDER BY f.number LIMIT 1
) AS next ON true
WHERE e.status = 'active'
"""


async def backlog(database: Database, measured: Metrics) -> Backlog:
    """Return what waits; shows the endpoints that are called no more."""
    row = await database.fetchrow(_QUERY)
    assert row is not None
    measured.set(metrics.ENDPOINTS_DISABLED, row["disabled"])
    return Backlog(row["waiting"], row["oldest"], row["parked"])
