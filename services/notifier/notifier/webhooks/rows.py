"""The statements of an endpoint's queue. All are run under its lease, in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from notifier.domain.plan import numbered
from notifier.domain.progress import Progress
from notifier.feed import PAGE_BYTES
from notifier.webhooks.deliver import Call, Report
from tenon.contracts.codec import instant
from tenon.db import Connection, Row


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that is due at an endpoint. `behind`: an earlier one of its subject is parked."""

    number: int
    event_id: str
    type: str
    subject: str
    call: Call
    replay: bool = False
    behind: bool = False


_ENDPOINT: Final = """
SELECT e.audience, e.url, e.secret, e.types, e.cursor, e.failed, e.parked_in_row, c.last
FROM endpoints e LEFT JOIN feed_counters c ON c.audience = e.audience
WHERE e.id = $1 AND e.status = 'active' AND e.next_at <= now()
"""
_FEED: Final = """
SELECT f.number, f.event_id, f.type, f.subject, f.body,
       f.subject <> '' AND EXISTS (
           SELECT 1 FROM parked p WHERE p.endpoint = $1 AND p.subject = f.subject
       ) AS behind
FROM (
    SELECT *, sum(octet_length(body)) OVER (ORDER BY number) - octet_length(body) AS before
    FROM feed
    WHERE audience = $2 AND number > $3 AND number <= $4 AND (cardinality($5::text[]) = 0 OR type = ANY($5))
    ORDER BY number LIMIT $6
) f WHERE f.before < $7 ORDER BY f.number
"""
_REPLAYS: Final = """
SELECT number, event_id, type, subject, body FROM parked
WHERE endpoint = $1 AND replay ORDER BY number LIMIT $2
"""


async def load_endpoint(tx: Connection, endpoint: str) -> Row | None:
    """Return an endpoint that may be called now."""
    return await tx.fetchrow(_ENDPOINT, endpoint)


async def load_replays(tx: Connection, endpoint: str, row: Row, limit: int) -> list[Delivery]:
    """Return parked events that are to be sent once more."""
    found = await tx.fetch(_REPLAYS, endpoint, limit)
    return [_delivery(row, each, bytes(each["body"]), replay=True) for each in found]


async def load_feed(tx: Connection, endpoint: str, row: Row, limit: int) -> list[Delivery]:
    """Return the events behind the cursor; move it over what the endpoint did not ask for."""
    last = row["last"] or 0
    found = await tx.fetch(
        _FEED, endpoint, row["audience"], row["cursor"], last, row["types"], limit, PAGE_BYTES
    )
    if not found:
        await tx.execute("UPDATE endpoints SET cursor = greatest(cursor, $2) WHERE id = $1", endpoint, last)
    bodies = [numbered(bytes(each["body"]), each["number"]) for each in found]
    failed = [row["failed"], *[0] * len(found)]
    return [
        _delivery(row, each, body, failed=before)
        for each, body, before in zip(found, bodies, failed, strict=False)
    ]


async def record(tx: Connection, endpoint: str, calls: Sequence[tuple[Delivery, Report]]) -> None:
    """Write down each attempt."""
    await tx.executemany(
        "INSERT INTO attempts (endpoint, number, event_id, type, at, status, latency_ms, detail, response)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            (
                endpoint,
                delivery.number,
                delivery.event_id,
                delivery.type,
                instant(report.at_ms),
                report.attempt.status,
                report.latency_ms,
                report.attempt.detail,
                report.response,
            )
            for delivery, report in calls
        ],
    )


async def store(tx: Connection, endpoint: str, progress: Progress) -> None:
    """Move the cursor and say when the endpoint may be called next."""
    await tx.execute(
        "UPDATE endpoints SET cursor = greatest(cursor, $2), failed = $3, parked_in_row = $4,"
        " next_at = now() + make_interval(secs => $5::float8 / 1000) WHERE id = $1",
        endpoint,
        progress.cursor or 0,
        progress.failed,
        progress.parked_in_row,
        progress.wait_ms,
    )


async def disable(tx: Connection, endpoint: str, why: str) -> None:
    """Stop calling an endpoint."""
    await tx.execute("UPDATE endpoints SET status = 'disabled', why = $2 WHERE id = $1", endpoint, why)


async def park(tx: Connection, endpoint: str, delivery: Delivery, why: str) -> None:
    """Set an event aside, with what was to be sent."""
    await tx.execute(
        "INSERT INTO parked (endpoint, number, event_id, type, subject, why, body)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        endpoint,
        delivery.number,
        delivery.event_id,
        delivery.type,
        delivery.subject,
        why,
        delivery.call.body,
    )


async def unpark(tx: Connection, endpoint: str, number: int) -> None:
    """Remove a parked event that the endpoint has taken."""
    await tx.execute("DELETE FROM parked WHERE endpoint = $1 AND number = $2", endpoint, number)


async def keep_parked(tx: Connection, endpoint: str, delivery: Delivery, why: str) -> None:
    """Leave a parked event that failed again parked, and all of its subject behind it."""
    await tx.execute(
        "UPDATE parked SET replay = false, why = CASE WHEN number = $3 THEN $4 ELSE why END"
        " WHERE endpoint = $1 AND (number = $3 OR (subject = $2 AND subject <> ''))",
        endpoint,
        delivery.subject,
        delivery.number,
        why,
    )


def _delivery(row: Row, each: Row, body: bytes, *, failed: int = 0, replay: bool = False) -> Delivery:
    call = Call(row["url"], row["secret"], each["event_id"], body, failed)
    behind = False if replay else each["behind"]
    return Delivery(each["number"], each["event_id"], each["type"], each["subject"], call, replay, behind)
