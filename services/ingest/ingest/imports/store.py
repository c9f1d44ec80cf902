"""Imports in PostgreSQL: the jobs, their files while they are open, and the reports of their rows.

Decides which rows a step changes, and in which order jobs have their turn.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from ingest.formats.tables.faults import RowFault
from ingest.imports.job import Asked, Chunk, Found, Job, Outcome, Reason, RowOutcome
from tenon.backlog import Backlog
from tenon.contracts.codec import encode_text
from tenon.db import Connection, Database, Row

OPEN: Final = "state IN ('waiting', 'running')"
_COLUMNS: Final = (
    "import, created_at, party, key, asked::text, state, position, accepted, rejected, openings,"
    " reason::text, found::text, ended_at"
)
_TURN_ROWS: Final = 10_000
"""After so many rows a job makes way for the next."""


class TooManyOpen(Exception):
    """The party has as many imports under way as it may."""


class OtherContent(Exception):
    """An import was begun under these words already, with another file or other wishes."""


async def begin(database: Database, job: Job, body: bytes, digest: str, most: int) -> Job:
    """Store a job with its file, and return it; one that was begun for the same already as it is.

    Raises `OtherContent` or `TooManyOpen`.
    """
    async with database.transaction() as connection:
        owner = f"tenon ingest imports {job.party or ''}"
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", owner)
        query = f"SELECT {_COLUMNS}, digest FROM imports WHERE import = $1"  # noqa: S608 - constants only
        known = await connection.fetchrow(query, job.id)
        if known is not None:
            if known["digest"] != digest:
                raise OtherContent
            return _job(known)
        count = f"SELECT count(*) FROM imports WHERE party IS NOT DISTINCT FROM $1 AND {OPEN}"  # noqa: S608
        if await connection.fetchval(count, job.party) >= most:
            raise TooManyOpen
        await connection.execute(
            "INSERT INTO imports (import, created_at, party, key, digest, asked)"
            " VALUES ($1, $2, $3, $4, $5, $6::text::jsonb)",
            job.id,
            job.created_at,
            job.party,
            job.key,
            digest,
            _json(job.asked),
        )
        await connection.execute("INSERT INTO import_files (import, body) VALUES ($1, $2)", job.id, body)
    return job


async def find(database: Database, job: UUID) -> Job | None:
    """Return a job, None when there is none."""
    row = await database.fetchrow(f"SELECT {_COLUMNS} FROM imports WHERE import = $1", job)  # noqa: S608
    return None if row is None else _job(row)


async def newest(database: Database, party: str | None, limit: int) -> list[Job]:
    """Return the newest jobs of a party; without one, of all."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM imports WHERE $1::text IS NULL OR party = $1"  # noqa: S608
        " ORDER BY created_at DESC, import LIMIT $2",
        party,
        limit,
    )
    return [_job(row) for row in rows]


async def rows_of(
    database: Database, job: Job, after: int, limit: int, outcome: Outcome | None
) -> list[RowOutcome]:
    """Return what became of rows behind the row `after`, in order."""
    rows = await database.fetch(
        """
        SELECT row, outcome, event, faults::text FROM import_rows
        WHERE import = $1 AND created_at = $2 AND row > $3 AND ($4::text IS NULL OR outcome = $4)
        ORDER BY row LIMIT $5
        """,
        job.id,
        job.created_at,
        after,
        outcome,
        limit,
    )
    return [
        RowOutcome(
            row["row"],
            row["outcome"],
            row["event"],
            msgspec.json.decode(row["faults"], type=list[RowFault]),
        )
        for row in rows
    ]


async def cancel(database: Database, job: UUID) -> bool:
    """End a job where it is; False when it had ended."""
    async with database.transaction() as connection:
        tag = await connection.execute(
            f"UPDATE imports SET state = 'cancelled', ended_at = now() WHERE import = $1 AND {OPEN}",  # noqa: S608
            job,
        )
        await connection.execute("DELETE FROM import_files WHERE import = $1", job)
    return tag != "UPDATE 0"


async def next_due(connection: Connection) -> Job | None:
    """Return the open job whose turn it is, None when none is open."""
    query = f"SELECT {_COLUMNS} FROM imports WHERE {OPEN} ORDER BY turned_at, created_at, import LIMIT 1"  # noqa: S608
    row = await connection.fetchrow(query)
    return None if row is None else _job(row)


async def opening(connection: Connection, job: Job) -> None:
    """Count that a file is about to be read; progress sets it back."""
    await connection.execute("UPDATE imports SET openings = openings + 1 WHERE import = $1", job.id)


async def body_of(database: Database, job: UUID) -> bytes | None:
    """Return the file of a job, None when it has ended meanwhile."""
    body: bytes | None = await database.fetchval("SELECT body FROM import_files WHERE import = $1", job)
    return body


async def advance(connection: Connection, job: Job, chunk: Chunk, found: Found) -> bool:
    """Store what became of a chunk; return whether the job ended with it. Whoever calls holds the lease."""
    await _report(connection, job, chunk.rows)
    accepted = sum(row.outcome == "accepted" for row in chunk.rows)
    rejected, done = len(chunk.rows) - accepted, job.accepted + job.rejected
    turned = done // _TURN_ROWS != (done + len(chunk.rows)) // _TURN_ROWS
    await connection.execute(
        """
        UPDATE imports SET position = $2, accepted = accepted + $3, rejected = rejected + $4,
            found = $5::text::jsonb, openings = 0, moved_at = now(),
            turned_at = CASE WHEN $6 THEN now() ELSE turned_at END
        WHERE import = $1
        """,
        job.id,
        chunk.until,
        accepted,
        rejected,
        _json(found),
        turned,
    )
    return await _into(connection, job, "done" if chunk.last else "running", None)


async def fail(connection: Connection, job: Job, reason: Reason) -> bool:
    """End a job with the reason; return whether it did."""
    return await _into(connection, job, "failed", reason)


async def backlog(database: Database) -> Backlog:
    """Return how many jobs are open, and since when none of them has moved."""
    row = await database.fetchrow(
        f"""
        SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - max(moved_at)), 0)::float8 AS oldest
        FROM imports WHERE {OPEN}
        """  # noqa: S608
    )
    assert row is not None
    return Backlog(row["waiting"], row["oldest"], 0)


async def _into(connection: Connection, job: Job, state: str, reason: Reason | None) -> bool:
    """Bring an open job into a state; one that was cancelled meanwhile stays so. True when this ended it."""
    ends = state != "running"
    tag = await connection.execute(
        f"""
        UPDATE imports SET state = $2, reason = $3::text::jsonb, ended_at = CASE WHEN $4 THEN now() END
        WHERE import = $1 AND {OPEN}
        """,  # noqa: S608
        job.id,
        state,
        None if reason is None else _json(reason),
        ends,
    )
    if ends:
        await connection.execute("DELETE FROM import_files WHERE import = $1", job.id)
    return ends and tag != "UPDATE 0"


async def _report(connection: Connection, job: Job, rows: Sequence[RowOutcome]) -> None:
    await connection.execute(
        """
        INSERT INTO import_rows (import, created_at, row, outcome, event, faults)
        SELECT $1, $2, row, outcome, event, faults::jsonb
        FROM unnest($3::integer[], $4::text[], $5::uuid[], $6::text[]) AS r(row, outcome, event, faults)
        """,
        job.id,
        job.created_at,
        [row.row for row in rows],
        [row.outcome for row in rows],
        [row.event for row in rows],
        [_json(row.faults) for row in rows],
    )


def _json(value: object) -> str:
    """Return JSON that PostgreSQL keeps: a name of a file may hold the one character that it does not."""
    return encode_text(value).replace("\\u0000", "\\ufffd")


def _job(row: Row) -> Job:
    created_at: datetime = row["created_at"]
    return Job(
        id=row["import"],
        created_at=created_at,
        party=row["party"],
        key=row["key"],
        asked=msgspec.json.decode(row["asked"], type=Asked),
        state=row["state"],
        position=row["position"],
        accepted=row["accepted"],
        rejected=row["rejected"],
        openings=row["openings"],
        reason=msgspec.json.decode(row["reason"], type=Reason) if row["reason"] else None,
        found=msgspec.json.decode(row["found"], type=Found) if row["found"] else None,
        ended_at=row["ended_at"],
    )
