"""Machines in PostgreSQL: what their parties say, how they have run, what was told of them.

Decides how rows are locked: whoever changes a machine holds its row, and the outbox is written under it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from ingest.formats.mtconnect.machines import Machine
from ingest.formats.mtconnect.running import Running
from tenon.contracts.codec import decode_tolerant, encode_text
from tenon.contracts.values import Window
from tenon.db import Connection, Row

_COLUMNS = (
    "party, machine, version, data::text, running::text, windows::text, revision, told_at, problem, failures"
)


@dataclass(frozen=True, slots=True)
class Registered:
    """A machine as it is stored. `data` is the text of what its party says of it."""

    party: str
    machine: str
    version: int
    data: str
    running: Running | None
    windows: Sequence[Window]
    revision: int | None
    told_at: datetime | None
    problem: str | None
    failures: int

    @property
    def said(self) -> Machine:
        """What its party says of it."""
        return decode_tolerant(Machine, self.data.encode())


@dataclass(frozen=True, slots=True)
class Stored:
    """What is new of a machine after its agent was asked."""

    running: Running | None
    problem: str | None
    failures: int
    wait: timedelta


async def page(connection: Connection, party: str, after: str, limit: int) -> Sequence[Registered]:
    """Return machines of a party, in order of their names."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM mtconnect_machines WHERE party = $1 AND machine > $2 ORDER BY machine LIMIT $3
        """,  # noqa: S608 - fixed columns
        party,
        after,
        limit,
    )
    return [_registered(row) for row in rows]


async def resources(connection: Connection, party: str) -> dict[str, str]:
    """Return which machine of a party has which resource."""
    rows = await connection.fetch("SELECT resource, machine FROM mtconnect_machines WHERE party = $1", party)
    return {row["resource"]: row["machine"] for row in rows}


async def held(connection: Connection, party: str, machine: str) -> Registered | None:
    """Return a machine that nobody else changes before the transaction ends; None where there is none."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM mtconnect_machines WHERE party = $1 AND machine = $2 FOR UPDATE",  # noqa: S608
        party,
        machine,
    )
    return None if row is None else _registered(row)


async def put(connection: Connection, party: str, machine: str, said: Machine) -> None:
    """Write what a party says of a machine. Its agent is asked at once; at another site it is told anew."""
    await connection.execute(
        """
        INSERT INTO mtconnect_machines AS m (party, machine, resource, data) VALUES ($1, $2, $3, $4::jsonb)
        ON CONFLICT (party, machine) DO UPDATE SET version = m.version + 1, data = excluded.data,
            problem = NULL, failures = 0, due_at = now(),
            windows = CASE WHEN m.data->>'site' = excluded.data->>'site' THEN m.windows ELSE '[]' END
        """,
        party,
        machine,
        said.resource,
        encode_text(said),
    )


async def forget_running(connection: Connection, party: str, machine: str) -> None:
    """Drop how a machine has run: another agent counts otherwise."""
    await connection.execute(
        "UPDATE mtconnect_machines SET running = NULL WHERE party = $1 AND machine = $2", party, machine
    )


async def delete(connection: Connection, party: str, machine: str) -> None:
    """Forget a machine."""
    await connection.execute(
        "DELETE FROM mtconnect_machines WHERE party = $1 AND machine = $2", party, machine
    )


async def due(connection: Connection, per_party: int, limit: int) -> Sequence[Registered]:
    """Return machines whose agents are to be asked now, only so many of one party."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM (
            SELECT *, row_number() OVER (PARTITION BY party ORDER BY due_at) AS place
            FROM mtconnect_machines WHERE due_at <= now()
        ) AS m WHERE place <= $1 ORDER BY due_at LIMIT $2
        """,  # noqa: S608 - fixed columns
        per_party,
        limit,
    )
    return [_registered(row) for row in rows]


async def save(connection: Connection, asked: Registered, new: Stored) -> None:
    """Write what is new of a machine that the caller holds, and when its agent is asked again."""
    await connection.execute(
        """
        UPDATE mtconnect_machines
        SET running = $3::jsonb, problem = $4, failures = $5, due_at = now() + $6::interval
        WHERE party = $1 AND machine = $2
        """,
        asked.party,
        asked.machine,
        None if new.running is None else encode_text(new.running),
        new.problem,
        new.failures,
        new.wait,
    )


async def note_told(
    connection: Connection, asked: Registered, windows: Sequence[Window], revision: int
) -> None:
    """Write what was told of a machine that the caller holds."""
    await connection.execute(
        """
        UPDATE mtconnect_machines SET windows = $3::jsonb, revision = $4, told_at = now()
        WHERE party = $1 AND machine = $2
        """,
        asked.party,
        asked.machine,
        encode_text(windows),
        revision,
    )


def _registered(row: Row) -> Registered:
    running = row["running"]
    return Registered(
        row["party"],
        row["machine"],
        row["version"],
        row["data"],
        None if running is None else msgspec.json.decode(running, type=Running),
        msgspec.json.decode(row["windows"], type=list[Window]),
        row["revision"],
        row["told_at"],
        row["problem"],
        row["failures"],
    )
