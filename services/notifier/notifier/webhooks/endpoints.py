"""Subscribers as they are made, changed and removed by the interface; how they are called is elsewhere."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from notifier.domain.sign import SECRET_BYTES, to_secret
from tenon.db import Database

LEASE: Final = "endpoint/"
"""What the name of an endpoint's lease begins with."""
_INSERT: Final = """
INSERT INTO endpoints (id, audience, url, types, description, secret, status, cursor)
SELECT $1, $2, $3, $4::text[], $5, $6, 'active', $7::bigint
WHERE (SELECT count(*) FROM endpoints WHERE audience = $2) < $8
RETURNING id
"""
# What is parked about one subject is sent in its order or not at all.
_REPLAY: Final = """
UPDATE parked SET replay = true WHERE endpoint = $1 AND ($2::bigint[] IS NULL OR number = ANY($2) OR (
    subject <> '' AND subject IN (SELECT subject FROM parked WHERE endpoint = $1 AND number = ANY($2))
))
"""
_ENABLE: Final = """
WITH kept AS (
    SELECT coalesce((SELECT min(number) FROM feed WHERE audience = $2) - 1,
                    (SELECT last FROM feed_counters WHERE audience = $2), 0) AS before
), was AS (SELECT cursor FROM endpoints WHERE id = $1 FOR UPDATE)
UPDATE endpoints e
SET status = 'active', why = '', failed = 0, parked_in_row = 0, next_at = now(),
    cursor = greatest(was.cursor, kept.before)
FROM kept, was WHERE e.id = $1
RETURNING greatest(kept.before - was.cursor, 0)
"""


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """What a subscriber asked for; it is called from behind `after` on."""

    audience: str
    url: str
    types: Sequence[str]
    description: str
    after: int


@dataclass(frozen=True, slots=True)
class Created:
    """A new endpoint and its secret."""

    id: str
    secret: str


class Endpoints:
    """The table of endpoints."""

    def __init__(self, database: Database, *, most: int) -> None:
        self._database = database
        self._most = most

    async def create(self, wanted: NewEndpoint) -> Created | None:
        """Add an endpoint; None when the audience has as many as it may."""
        created = Created(f"sub_{uuid4().hex}", to_secret(secrets.token_bytes(SECRET_BYTES)))
        found = await self._database.fetchval(
            _INSERT,
            created.id,
            wanted.audience,
            wanted.url,
            list(wanted.types),
            wanted.description,
            created.secret,
            wanted.after,
            self._most,
        )
        return None if found is None else created

    async def remove(self, audience: str, endpoint: str) -> bool:
        """Remove an endpoint with everything about it; False when there is none.

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

    async def replay(self, endpoint: str, numbers: Sequence[int] | None) -> int:
        """Have parked events sent once more, each with all of its subject; return how many."""
        async with self._database.transaction() as tx:
            tag = await tx.execute(_REPLAY, endpoint, None if numbers is None else list(numbers))
            await tx.execute("UPDATE endpoints SET next_at = now() WHERE id = $1", endpoint)
        return int(tag.rpartition(" ")[2])

    async def enable(self, audience: str, endpoint: str) -> int:
        """Call a disabled endpoint again; return how many events are no longer kept and were skipped."""
        return int(await self._database.fetchval(_ENABLE, endpoint, audience) or 0)
