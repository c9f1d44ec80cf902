"""The statements of a subscription's queue. All are run under its lease, in the caller's transaction.

What is due comes from three places: what was parked and is to be sent again, a range of the feed that is to
be sent again, and the feed behind the cursor.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from notifier.domain.classify import Patience
from notifier.domain.plan import Entry, numbered
from notifier.domain.progress import Circuit, Progress
from notifier.domain.selecting import Selection, restored
from notifier.domain.ways import Message, due
from notifier.feed import PAGE_BYTES
from notifier.store import write_feed
from notifier.ways import Report, Target
from tenon.contracts.codec import instant
from tenon.db import Connection, Row

Origin = Literal["feed", "parked", "range"]
_SIFTED, _PAGES = 500, 20
"""How many events are looked at together for such as fit conditions, and how often in one transaction."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that is due. `behind`: an earlier one of its subject is parked."""

    message: Message
    failed_before: int = 0
    origin: Origin = "feed"
    behind: bool = False

    @property
    def number(self) -> int:
        """Its number in the feed."""
        return self.message.number


@dataclass(frozen=True, slots=True)
class Served:
    """A subscription that is to be served now, and how."""

    target: Target
    wanted: Selection
    patience: Patience
    circuit: Circuit
    per_second: float | None
    cursor: int
    failed: int
    last: int


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for all subscriptions: the schedule of waits, and how long one may only fail."""

    schedule_ms: Sequence[int]
    circuit_ms: int


_ENDPOINT: Final = """
SELECT e.*, c.last, EXISTS (SELECT FROM replays r WHERE r.endpoint = e.id) AS ranged,
       EXISTS (SELECT FROM parked p WHERE p.endpoint = e.id AND p.replay) AS resent
FROM endpoints e LEFT JOIN feed_counters c ON c.audience = e.audience WHERE e.id = $1
"""
_NOW: Final = " AND e.status = 'active' AND e.next_at <= now()"
_PAGE: Final = """
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
_PARKED: Final = """
SELECT number, event_id, type, subject, body FROM parked
WHERE endpoint = $1 AND replay ORDER BY number LIMIT $2
"""
_ATTEMPT: Final = (
    "endpoint", "number", "event_id", "type", "at", "status", "latency_ms", "detail", "response", "taken",
)  # fmt: skip
_RANGE: Final = """
SELECT id, next, until, failed FROM replays WHERE endpoint = $1 ORDER BY id LIMIT 1
"""


async def load_endpoint(tx: Connection, endpoint: str) -> Row | None:
    """Return a subscription that may be served now."""
    return await tx.fetchrow(_ENDPOINT + _NOW, endpoint)


async def load_any(tx: Connection, audience: str, endpoint: str) -> Row | None:
    """Return a subscription of an audience, whatever its status."""
    return await tx.fetchrow(_ENDPOINT + " AND e.audience = $2", endpoint, audience)


def served(row: Row, policy: Policy, open_secret: Callable[[str], str], now: datetime) -> Served:
    """Return a row as what it means."""
    sealed = [row["secret"], row["old_secret"] if row["old_until"] and row["old_until"] > now else None]
    return Served(
        Target(
            row["id"],
            row["audience"],
            row["way"],
            row["url"],
            tuple(open_secret(each) for each in sealed if each),
        ),
        restored(row["types"], row["conditions"]),
        Patience(policy.schedule_ms, row["strict"], row["skip_after"]),
        Circuit(row["failing_since"], policy.circuit_ms),
        row["per_second"],
        row["cursor"],
        row["failed"],
        row["last"] or 0,
    )


async def load_parked(tx: Connection, endpoint: str, limit: int) -> list[Delivery]:
    """Return parked events that are to be sent once more."""
    found = await tx.fetch(_PARKED, endpoint, limit)
    return [Delivery(_message(each, bytes(each["body"])), origin="parked") for each in found]


async def load_range(tx: Connection, of: Served, limit: int) -> list[Delivery]:
    """Return events of the first range that is to be sent once more; end the range where there are none."""
    for _ in range(_PAGES):
        row = await tx.fetchrow(_RANGE, of.target.id)
        if row is None:
            break
        page = await _page(tx, of, (row["next"] - 1, row["until"]), limit)
        kept = [each for each in page.wanted if not each["behind"]]
        if kept:
            return _numbered(kept, row["failed"], "range")
        if page.until is None:
            await tx.execute("DELETE FROM replays WHERE id = $1", row["id"])
        else:
            await tx.execute("UPDATE replays SET next = $2 WHERE id = $1", row["id"], page.until + 1)
    return []


async def load_feed(tx: Connection, of: Served, limit: int) -> list[Delivery]:
    """Return the events behind the cursor; move it over what the subscriber did not ask for."""
    cursor = of.cursor
    for _ in range(_PAGES):
        page = await _page(tx, of, (cursor, of.last), limit)
        if page.wanted:
            return _numbered(page.wanted, of.failed, "feed")
        cursor = of.last if page.until is None else page.until
        await tx.execute(
            "UPDATE endpoints SET cursor = greatest(cursor, $2) WHERE id = $1", of.target.id, cursor
        )
        if page.until is None:
            break
    return []


@dataclass(frozen=True, slots=True)
class _Page:
    """Rows that are wanted, and up to which number was looked; None: to the end."""

    wanted: list[Row]
    until: int | None


async def _page(tx: Connection, of: Served, between: tuple[int, int], limit: int) -> _Page:
    """Read behind a number, up to another; with conditions, much more than is sent at a time."""
    sifts = bool(of.wanted.conditions)
    types = sorted(of.wanted.types)
    most = max(limit, _SIFTED) if sifts else limit
    rows = await tx.fetch(_PAGE, of.target.id, of.target.audience, *between, types, most, PAGE_BYTES)
    if not rows:
        return _Page([], None)
    wanted = _fitting(rows, of.wanted) if sifts else list(rows)
    last = wanted[limit - 1] if len(wanted) > limit else rows[-1]
    return _Page(wanted[:limit], last["number"])


def _fitting(rows: Sequence[Row], wanted: Selection) -> list[Row]:
    fit = {each.number for each in due([_message(row, bytes(row["body"])) for row in rows], wanted)}
    return [row for row in rows if row["number"] in fit]


def _numbered(rows: Sequence[Row], failed: int, origin: Origin) -> list[Delivery]:
    """Return rows as deliveries; of them only the first can have failed before."""
    return [
        Delivery(
            _message(row, numbered(bytes(row["body"]), row["number"])),
            0 if index else failed,
            origin,
            origin == "feed" and row["behind"],
        )
        for index, row in enumerate(rows)
    ]


def _message(row: Row, body: bytes) -> Message:
    return Message(row["number"], row["event_id"], row["type"], row["subject"], body)


async def record(tx: Connection, endpoint: str, sent: Sequence[tuple[Delivery, Report, bool]]) -> None:
    """Write down each attempt, and whether the event was taken."""
    await tx.copy_records_to_table(
        "attempts",
        columns=_ATTEMPT,
        records=[
            (
                endpoint,
                delivery.number,
                delivery.message.event_id,
                delivery.message.type,
                instant(report.at_ms),
                report.attempt.status,
                report.latency_ms,
                report.attempt.detail,
                report.response,
                taken,
            )
            for delivery, report, taken in sent
        ],
    )


async def store(tx: Connection, endpoint: str, progress: Progress, wait_ms: int) -> None:
    """Move the cursor; say since when a subscription only fails, and when it may be served next."""
    await tx.execute(
        "UPDATE endpoints SET cursor = greatest(cursor, $4), failed = $5, failing_since = $2,"
        " next_at = now() + make_interval(secs => $3::float8 / 1000) WHERE id = $1",
        endpoint,
        progress.failing_since,
        wait_ms,
        progress.cursor or 0,
        progress.failed,
    )


async def store_range(tx: Connection, endpoint: str, progress: Progress) -> None:
    """Move the first range on."""
    await tx.execute(
        "UPDATE replays SET next = coalesce($2 + 1, next), failed = $3"
        " WHERE id = (SELECT min(id) FROM replays WHERE endpoint = $1)",
        endpoint,
        progress.cursor,
        progress.failed,
    )


async def disable(tx: Connection, endpoint: str, why: str, told: Sequence[Entry]) -> None:
    """Serve a subscription no more, and tell its owner."""
    await tx.execute("UPDATE endpoints SET status = 'disabled', why = $2 WHERE id = $1", endpoint, why)
    await write_feed(tx, told)


async def park(tx: Connection, endpoint: str, delivery: Delivery, why: str) -> None:
    """Set an event aside, with what was to be sent."""
    await tx.execute(
        "INSERT INTO parked (endpoint, number, event_id, type, subject, why, body)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        endpoint,
        delivery.number,
        delivery.message.event_id,
        delivery.message.type,
        delivery.message.subject,
        why,
        delivery.message.body,
    )


async def unpark(tx: Connection, endpoint: str, number: int) -> None:
    """Remove a parked event that was taken."""
    await tx.execute("DELETE FROM parked WHERE endpoint = $1 AND number = $2", endpoint, number)


async def keep_parked(tx: Connection, endpoint: str, delivery: Delivery, why: str) -> None:
    """Leave a parked event that failed again parked, and all of its subject behind it."""
    await tx.execute(
        "UPDATE parked SET replay = false, why = CASE WHEN number = $3 THEN $4 ELSE why END"
        " WHERE endpoint = $1 AND (number = $3 OR (subject = $2 AND subject <> ''))",
        endpoint,
        delivery.message.subject,
        delivery.number,
        why,
    )
