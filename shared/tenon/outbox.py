"""An outbox: records written to the database in a transaction, and from there to Kafka by the relay.

Rows of one key are published in the order of their ids. A writer therefore takes a lock that covers the key
(the row of its party, say) before it appends: ids are given at insertion, and are not the order of commits.
For the same reason the relay looks for rows that are not published, never for "id greater than the last". One
replica at a time relays, under a lease that is checked inside each transaction. One that the network cut off
may write a row late, behind newer ones of its key that another has published since: those are published
again, for a compacted topic keeps what came last.

The table is in periods (`tenon.periods`); a row that is not published, parked or not, holds its period.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tenon.backlog import DUE, Backlog, of_table
from tenon.db import Connection, Database, Row
from tenon.errors import Fenced, Transient, Unusable
from tenon.kafka.producer import Producer, receipt
from tenon.lease import Holding, Leases
from tenon.periods import Periods
from tenon.records import OutRecord
from tenon.relay import Done, Effect, Later, Outcome, Parked, outcome_of

DDL_V1: tuple[str, ...] = (
    """
    CREATE TABLE outbox (
        id bigserial PRIMARY KEY,
        topic text NOT NULL,
        partition integer,
        key bytea,
        headers jsonb NOT NULL DEFAULT '[]',
        value bytea,
        created_at timestamptz NOT NULL DEFAULT now(),
        published_at timestamptz,
        parked_why text
    )
    """,
    "CREATE INDEX outbox_due ON outbox (id) WHERE published_at IS NULL AND parked_why IS NULL",
    "CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL",
)
"""Statements of the first version, for a migration; it is frozen, a change comes as DDL_V2."""

PERIODS = Periods("outbox", "created_at", "r.published_at IS NULL")
DDL_V2: tuple[str, ...] = (
    "ALTER TABLE outbox RENAME TO outbox_before",
    "ALTER TABLE outbox_before DROP CONSTRAINT outbox_pkey",
    "DROP INDEX outbox_due, outbox_published",
    """
    CREATE TABLE outbox (
        id bigint NOT NULL DEFAULT nextval('outbox_id_seq'),
        topic text NOT NULL,
        partition integer,
        key bytea,
        headers jsonb NOT NULL DEFAULT '[]',
        value bytea,
        created_at timestamptz NOT NULL DEFAULT now(),
        published_at timestamptz,
        parked_why text,
        PRIMARY KEY (id, created_at)
    ) PARTITION BY RANGE (created_at)
    """,
    "CREATE INDEX outbox_unpublished ON outbox (id) WHERE published_at IS NULL",
    *PERIODS.ddl(),
    "INSERT INTO outbox SELECT * FROM outbox_before",
    "ALTER SEQUENCE outbox_id_seq OWNED BY outbox.id",
    "DROP TABLE outbox_before",
)
"""Statements of the second version, after `periods.DDL_V1`: in periods. Frozen as well."""

_UNDER_WAY_S = 2.0
"""What another process sent before our late row was written is marked as published within this time."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the outbox."""

    id: int
    record: OutRecord


async def append(connection: Connection, records: Sequence[OutRecord]) -> None:
    """Write records to the outbox inside the caller's transaction; header values must be UTF-8."""
    await connection.execute(
        """
        INSERT INTO outbox (topic, partition, key, headers, value)
        SELECT topic, partition, key, headers::jsonb, value
        FROM unnest($1::text[], $2::integer[], $3::bytea[], $4::text[], $5::bytea[])
            WITH ORDINALITY AS r(topic, partition, key, headers, value, n)
        ORDER BY n
        """,
        [record.topic for record in records],
        [record.partition for record in records],
        [record.key for record in records],
        [_headers_out(record) for record in records],
        [record.value for record in records],
    )


async def backlog(database: Database) -> Backlog:
    """Return what waits in the outbox."""
    return await of_table(database, "outbox", "created_at")


class OutboxSource:
    """The outbox as work for a relay. Published rows stay until their period is dropped."""

    def __init__(self, database: Database, leases: Leases, *, lease: str = "outbox") -> None:
        self._database = database
        self._holding = Holding(leases, lease)
        self._late: set[int] = set()
        self._late_since = 0.0

    async def claim(self, limit: int) -> Sequence[Entry]:
        """Return the oldest rows that wait, under the lease; nothing while another replica holds it."""
        await self._put_right()
        if await self._holding.hold() is None:
            return []
        async with self._database.transaction() as connection:
            await self._holding.check(connection)
            rows = await connection.fetch(
                f"""
                SELECT id, topic, partition, key, headers, value FROM outbox
                WHERE {DUE} ORDER BY id LIMIT $1
                """,  # noqa: S608 - only the constant above is put in
                limit,
            )
        return [_entry(row) for row in rows]

    async def settle(self, outcomes: Sequence[tuple[Entry, Outcome]]) -> None:
        """Mark rows as published or parked; what is to be tried later stays as it is."""
        done = [entry.id for entry, outcome in outcomes if isinstance(outcome, Done)]
        parked = [(entry.id, outcome.why) for entry, outcome in outcomes if isinstance(outcome, Parked)]
        try:
            await self._mark(done, parked)
        except Fenced:
            self._late.update(done)
            self._late_since = asyncio.get_running_loop().time()
            raise

    async def _mark(self, done: Sequence[int], parked: Sequence[tuple[int, str]]) -> None:
        async with self._database.transaction() as connection:
            await self._holding.check(connection)
            await connection.execute(
                "UPDATE outbox SET published_at = now() WHERE id = ANY($1::bigint[])", done
            )
            if parked:
                await connection.executemany("UPDATE outbox SET parked_why = $2 WHERE id = $1", parked)

    async def _put_right(self) -> None:
        """Let others publish again what they published of a key after the rows of it that we wrote late."""
        if not self._late or asyncio.get_running_loop().time() - self._late_since < _UNDER_WAY_S:
            return
        await self._database.execute(
            """
            UPDATE outbox AS newer SET published_at = NULL FROM outbox AS late
            WHERE late.id = ANY($1::bigint[]) AND newer.topic = late.topic AND newer.key = late.key
                AND newer.id > late.id AND newer.published_at IS NOT NULL
            """,
            sorted(self._late),
        )
        self._late.clear()

    async def release(self) -> None:
        """Let another replica go on at once; for a graceful stop."""
        await self._holding.release()


def kafka_effect(producer: Producer, *, deadline_ms: int = 10_000) -> Effect[Entry]:
    """Return the effect that writes outbox rows to Kafka; what is not confirmed in time stays pending."""

    async def effect(entries: Sequence[Entry]) -> Sequence[Outcome]:
        try:
            async with asyncio.timeout(deadline_ms / 1000):
                futures = await producer.send([entry.record for entry in entries])
        except TimeoutError:
            raise Transient("Kafka does not answer") from None  # nothing was handed over
        await asyncio.wait(set(futures), timeout=deadline_ms / 1000)
        return [outcome_of(future, _read) for future in futures]

    return effect


def _read(written: "asyncio.Future[None]") -> Outcome:
    result = receipt(written)
    if result.state == "written":
        return Done()
    if isinstance(result.error, Unusable):
        return Parked(result.error.reason)
    return Later(str(result.error))


def _headers_out(record: OutRecord) -> str:
    return msgspec.json.encode([(name, value.decode()) for name, value in record.headers]).decode()


def _entry(row: Row) -> Entry:
    headers = [(name, text.encode()) for name, text in msgspec.json.decode(row["headers"])]
    return Entry(row["id"], OutRecord(row["topic"], row["key"], row["value"], headers, row["partition"]))
