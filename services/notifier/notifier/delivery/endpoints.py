"""Subscriptions as they are made, changed and removed by the interface; how they are served is elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from notifier.delivery import rows
from tenon.contracts.endpoints import Way
from tenon.db import Connection, Database, Row

LEASE: Final = "endpoint/"
"""What the name of an endpoint's lease begins with."""
_INSERT: Final = """
INSERT INTO endpoints (id, audience, way, url, types, conditions, strict, skip_after, per_second, handshake,
                       principal, description, secret, status, cursor)
SELECT $1, $2, $3, $4, $5::text[], $6::text[], $7, $8, $9, $10, $11, $12, $13, 'untested', $14::bigint
WHERE (SELECT count(*) FROM endpoints WHERE audience = $2) < $15
RETURNING id
"""
# What is parked about one subject is sent in its order or not at all.
_REPLAY: Final = """
UPDATE parked SET replay = true WHERE endpoint = $1 AND (($2::bigint IS NULL OR number BETWEEN $2 AND $3) OR (
    subject <> '' AND subject IN (
        SELECT subject FROM parked WHERE endpoint = $1 AND number BETWEEN $2 AND $3
    )
))
"""
# What is parked is sent as such.
_RANGE: Final = """
INSERT INTO replays (endpoint, next, until)
SELECT e.id, f.low, f.high FROM endpoints e CROSS JOIN LATERAL (
    SELECT min(number) AS low, max(number) AS high FROM feed
    WHERE audience = e.audience AND number BETWEEN $2 AND least($3, e.cursor)
      AND (cardinality(e.types) = 0 OR type = ANY(e.types))
      AND NOT (subject <> '' AND subject IN (SELECT subject FROM parked WHERE endpoint = e.id))
) f WHERE e.id = $1 AND f.low IS NOT NULL
RETURNING next, until
"""
_SINCE: Final = "SELECT min(number) FROM feed WHERE audience = $1 AND written_at >= $2"
_ENABLE: Final = """
WITH kept AS (
    SELECT coalesce((SELECT min(number) FROM feed WHERE audience = $2) - 1,
                    (SELECT last FROM feed_counters WHERE audience = $2), 0) AS before
), was AS (SELECT cursor FROM endpoints WHERE id = $1 FOR UPDATE)
UPDATE endpoints e
SET status = 'active', why = '', failed = 0, failing_since = NULL, next_at = now(),
    cursor = greatest(was.cursor, kept.before)
FROM kept, was WHERE e.id = $1
RETURNING greatest(kept.before - was.cursor, 0)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEndpoint:
    """What a subscriber asked for; it is served from behind `after` on. `secret` is sealed."""

    audience: str
    way: Way = "webhook"
    url: str = ""
    types: Sequence[str] = ()
    conditions: Sequence[str] = ()
    strict: bool = False
    skip_after: int | None = None
    per_second: float | None = None
    handshake: bool = False
    principal: str | None = None
    description: str = ""
    secret: str = ""
    after: int = 0


class Endpoints:
    """The table of subscriptions."""

    def __init__(self, database: Database, *, most: int) -> None:
        self._database = database
        self._most = most

    async def create(self, wanted: NewEndpoint) -> str | None:
        """Add a subscription, not tested yet; return its id, None when the audience has as many as it may."""
        found: str | None = await self._database.fetchval(
            _INSERT,
            f"sub_{uuid4().hex}",
            wanted.audience,
            wanted.way,
            wanted.url,
            list(wanted.types),
            list(wanted.conditions),
            wanted.strict,
            wanted.skip_after,
            wanted.per_second,
            wanted.handshake,
            wanted.principal,
            wanted.description,
            wanted.secret,
            wanted.after,
            self._most,
        )
        return found

    async def load(self, audience: str, endpoint: str) -> Row | None:
        """Return all there is of a subscription, its secrets sealed."""
        async with self._database.acquire() as connection:
            return await rows.load_any(connection, audience, endpoint)

    async def tested(self, endpoint: str, per_second: float | None) -> None:
        """Serve a subscription from now on that was not tested before, not faster than it allows."""
        await self._database.execute(
            "UPDATE endpoints SET per_second = least(per_second, $2),"
            " next_at = CASE status WHEN 'untested' THEN now() ELSE next_at END,"
            " status = CASE status WHEN 'untested' THEN 'active' ELSE status END WHERE id = $1",
            endpoint,
            per_second,
        )

    async def rotate(self, endpoint: str, secret: str, old_until: datetime) -> None:
        """Sign with another secret (sealed), and until then with the one of before too."""
        await self._database.execute(
            "UPDATE endpoints SET old_secret = secret, old_until = $3, secret = $2 WHERE id = $1",
            endpoint,
            secret,
            old_until,
        )

    async def remove(self, audience: str, endpoint: str) -> bool:
        """Remove a subscription with everything about it; False when there is none.

        Its lease first, as whoever serves it locks them: otherwise the two wait for each other in a circle.
        """
        async with self._database.transaction() as tx:
            await tx.execute(
                "DELETE FROM leases WHERE name = $1"
                " AND EXISTS (SELECT FROM endpoints WHERE id = $2 AND audience = $3)",
                LEASE + endpoint,
                endpoint,
                audience,
            )
            tag = await tx.execute(
                "DELETE FROM endpoints WHERE id = $1 AND audience = $2", endpoint, audience
            )
        return tag == "DELETE 1"

    async def others_read(self, audience: str, principal: str, but: str) -> bool:
        """Return whether another subscription by Kafka lets this principal read."""
        found = await self._database.fetchval(
            "SELECT count(*) FROM endpoints WHERE audience = $1 AND principal = $2 AND id <> $3",
            audience,
            principal,
            but,
        )
        return bool(found)

    async def replay_parked(self, endpoint: str) -> int:
        """Have all parked events sent once more; return how many."""
        async with self._database.transaction() as tx:
            found = await _mark(tx, endpoint, None)
            await _wake(tx, endpoint)
        return found

    async def replay(self, endpoint: str, between: tuple[int, int]) -> tuple[int, list[int]]:
        """Have a range of the feed sent once more, as far as it is settled and kept.

        Returns how many parked events are sent, each with all of its subject, and from where to where the
        feed.
        """
        async with self._database.transaction() as tx:
            parked = await _mark(tx, endpoint, between)
            made = await tx.fetchrow(_RANGE, endpoint, *between)
            await _wake(tx, endpoint)
        return parked, [] if made is None else [made["next"], made["until"]]

    async def first_since(self, audience: str, since: datetime) -> int | None:
        """Return the number of the first event that was told at or after an instant."""
        found: int | None = await self._database.fetchval(_SINCE, audience, since)
        return found

    async def enable(self, audience: str, endpoint: str) -> int:
        """Serve a disabled subscription again; return how many events are no longer kept and were skipped."""
        return int(await self._database.fetchval(_ENABLE, endpoint, audience) or 0)


async def _mark(tx: Connection, endpoint: str, between: tuple[int, int] | None) -> int:
    low, high = between or (None, None)
    return int((await tx.execute(_REPLAY, endpoint, low, high)).rpartition(" ")[2])


async def _wake(tx: Connection, endpoint: str) -> None:
    await tx.execute("UPDATE endpoints SET next_at = now() WHERE id = $1", endpoint)
