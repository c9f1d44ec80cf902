"""How far a service has got in each partition, and whose turn it is there: the fence of exactly-once effect.

A row per partition holds the next offset to handle and an epoch. Whoever takes a partition raises the epoch;
whoever commits moves the offset in the same transaction as its effects, by a function that raises SQLSTATE
TN001 (`Fenced`) unless offset and epoch are the expected ones. The check is inside the statement, because a
check afterwards comes too late. A process that was frozen, or believes it still owns the partition, can
therefore write nothing.

`log_id` names the log the offset counts in: a topic made anew starts at 0 again, and its offsets mean
something else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tenon.db import Connection, Database
from tenon.errors import Misconfigured
from tenon.records import TopicPartition

DDL_V1: tuple[str, ...] = (
    """
    CREATE TABLE positions (
        topic text NOT NULL,
        partition integer NOT NULL CHECK (partition >= 0),
        next_offset bigint NOT NULL CHECK (next_offset >= 0),
        epoch bigint NOT NULL CHECK (epoch > 0),
        owner text NOT NULL,
        log_id text NOT NULL,
        taken_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (topic, partition)
    ) WITH (fillfactor = 80)
    """,
    """
    CREATE FUNCTION advance_position(
        p_topic text, p_partition integer,
        p_expected_offset bigint, p_expected_epoch bigint, p_next_offset bigint
    ) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE positions SET next_offset = p_next_offset
        WHERE topic = p_topic AND partition = p_partition
          AND next_offset = p_expected_offset AND epoch = p_expected_epoch;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the position of %/% is no longer offset % in epoch %',
                p_topic, p_partition, p_expected_offset, p_expected_epoch USING ERRCODE = 'TN001';
        END IF;
    END $$
    """,
)
"""Statements of the first version, for a migration; it is frozen, a change comes as DDL_V2."""

DDL_V2: tuple[str, ...] = (
    """
    CREATE FUNCTION advance_positions(
        p_topics text[], p_partitions integer[],
        p_expected_offsets bigint[], p_expected_epochs bigint[], p_next_offsets bigint[]
    ) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        v_moved integer;
    BEGIN
        UPDATE positions AS p SET next_offset = m.next_offset
        FROM unnest(p_topics, p_partitions, p_expected_offsets, p_expected_epochs, p_next_offsets)
            AS m (topic, partition, expected_offset, expected_epoch, next_offset)
        WHERE p.topic = m.topic AND p.partition = m.partition
          AND p.next_offset = m.expected_offset AND p.epoch = m.expected_epoch;
        GET DIAGNOSTICS v_moved = ROW_COUNT;
        IF v_moved <> cardinality(p_topics) THEN
            RAISE EXCEPTION '% of the % positions of % are no longer the expected ones',
                cardinality(p_topics) - v_moved, cardinality(p_topics), p_topics USING ERRCODE = 'TN001';
        END IF;
    END $$
    """,
)
"""Statements of the second version: several positions in one transaction. Frozen as well."""

ADVANCE = "SELECT advance_position($1, $2, $3, $4, $5)"
"""topic, partition, expected offset, expected epoch, next offset."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where this process stands in a partition, and in which epoch it was given it."""

    next_offset: int
    epoch: int


class Positions:
    """The positions of one service. `owner` names this process, `log_id` the log that offsets count in."""

    def __init__(self, database: Database, *, owner: str, log_id: str) -> None:
        self._database = database
        self._owner = owner
        self._log_id = log_id

    async def take(self, partition: TopicPartition, start_offset: int = 0) -> Position:
        """Raise the epoch of a partition and return its position; `start_offset` where there was none.

        From its commit on nobody who took the partition earlier can advance it.
        """
        row = await self._database.fetchrow(
            """
            INSERT INTO positions AS p (topic, partition, next_offset, epoch, owner, log_id)
            VALUES ($1, $2, $3, 1, $4, $5)
            ON CONFLICT (topic, partition) DO UPDATE
                SET epoch = p.epoch + 1, owner = excluded.owner, taken_at = now()
                WHERE p.log_id = excluded.log_id
            RETURNING next_offset, epoch
            """,
            *partition,
            start_offset,
            self._owner,
            self._log_id,
        )
        if row is None:
            raise Misconfigured(await self._other_log(partition))
        return Position(row["next_offset"], row["epoch"])

    async def held(self, partition: TopicPartition, position: Position) -> bool:
        """Return whether the stored position is the one this process holds: then its state is still right."""
        found = await self._database.fetchval(
            "SELECT true FROM positions"
            " WHERE topic = $1 AND partition = $2 AND next_offset = $3 AND epoch = $4",
            *partition,
            position.next_offset,
            position.epoch,
        )
        return bool(found)

    async def advance(
        self, connection: Connection, partition: TopicPartition, position: Position, next_offset: int
    ) -> Position:
        """Move the position inside the caller's transaction; raises `Fenced` unless it is the stored one."""
        await connection.execute(ADVANCE, *partition, position.next_offset, position.epoch, next_offset)
        return replace(position, next_offset=next_offset)

    async def advance_all(
        self, connection: Connection, moves: Mapping[TopicPartition, tuple[Position, int]]
    ) -> dict[TopicPartition, Position]:
        """Move several positions, each to its next offset; raises `Fenced` unless all are the stored ones.

        Needs `DDL_V2`. Two owners never wait for each other in a circle: a position has one epoch at a time,
        and a row whose epoch is not the expected one is not locked.
        """
        await connection.execute(
            "SELECT advance_positions($1, $2, $3, $4, $5)",
            [where.topic for where in moves],
            [where.partition for where in moves],
            [held.next_offset for held, _ in moves.values()],
            [held.epoch for held, _ in moves.values()],
            [next_offset for _, next_offset in moves.values()],
        )
        return {where: replace(held, next_offset=following) for where, (held, following) in moves.items()}

    async def _other_log(self, partition: TopicPartition) -> str:
        stored = await self._database.fetchval(
            "SELECT log_id FROM positions WHERE topic = $1 AND partition = $2", *partition
        )
        schema = self._database.schema
        return (
            f"the position of {partition} counts in log {stored}, Kafka holds log {self._log_id}: the topics"
            " were made anew, or this is another cluster. Point TENON_KAFKA_BOOTSTRAP to the old cluster, or"
            f" begin again with an empty schema: DROP SCHEMA {schema} CASCADE, then"
            f" `python -m {schema} migrate`"
        )


@dataclass(frozen=True, slots=True)
class StoredPosition:
    """A row of the table, for operators."""

    partition: TopicPartition
    next_offset: int
    epoch: int
    owner: str
    taken_at: str


async def stored(database: Database) -> list[StoredPosition]:
    """Return every stored position, in order."""
    rows = await database.fetch(
        "SELECT topic, partition, next_offset, epoch, owner, taken_at FROM positions ORDER BY 1, 2"
    )
    return [
        StoredPosition(
            TopicPartition(row["topic"], row["partition"]),
            row["next_offset"],
            row["epoch"],
            row["owner"],
            row["taken_at"].isoformat(),
        )
        for row in rows
    ]


async def put(database: Database, partition: TopicPartition, next_offset: int) -> None:
    """Set a position by hand and raise its epoch, so that whoever holds it now loads it anew."""
    tag = await database.execute(
        "UPDATE positions SET next_offset = $3, epoch = epoch + 1 WHERE topic = $1 AND partition = $2",
        *partition,
        next_offset,
    )
    if tag == "UPDATE 0":
        raise Misconfigured(f"there is no position of {partition}; `positions` lists them")
