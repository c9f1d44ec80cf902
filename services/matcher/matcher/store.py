"""The matcher's rows in PostgreSQL: loaded whole when a partition is taken, written once per round."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from matcher.domain.rebuilding import rebuild
from matcher.domain.rows import ClosedRow, DealRow, DemandWindowRow, EntityRow, OfferWindowRow, Rows
from matcher.domain.state import FIRST_DIGEST, State
from matcher.domain.step import Decisions
from matcher.domain.telling import OutEvent
from matcher.recent import Key, Recent
from tenon.backlog import DUE, Backlog, of_table
from tenon.contracts import topics
from tenon.contracts.codec import unix_ms
from tenon.db import Connection, Database
from tenon.failpoints import failpoint
from tenon.positions import Position
from tenon.records import TopicPartition

R = TypeVar("R")
ToStore = tuple[TopicPartition, Position, Decisions]
"""A round of a partition, and the position that it was decided from."""
SCHEMA = "matcher"
_OF_MARKET = "key IN (SELECT key FROM entities WHERE partition = $1 AND kind = '{kind}' AND market = $2)"
_WIDTHS = (6, 8, 12, 10, 2)
_RECENT_BYTES = 16 << 20
_DECIDED_WIDTH = 10
_PARAMETERS = 1 + _DECIDED_WIDTH + sum(width + 1 for width in _WIDTHS)
_COMMIT = f"SELECT commit_rounds({', '.join(f'${number}' for number in range(1, _PARAMETERS + 1))})"
_CLOSED_WIDTH = 5
_FORGOTTEN_WIDTH = 3
_FORGET = f"SELECT close_and_forget({', '.join(f'${number}' for number in range(1, 11))})"
_RESOURCE_WIDTH = 8
_STORE_RESOURCES = f"SELECT store_resources({', '.join(f'${number}' for number in range(1, 11))})"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[OutEvent]).decode


@dataclass(frozen=True, slots=True)
class RoundToTell:
    """A committed round whose events are not all on Kafka yet."""

    partition: int
    round: int
    events: list[OutEvent]


class Store:
    """State and rounds of the partitions that this process owns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent = Recent(_RECENT_BYTES)

    async def load(self, partition: int, next_offset: int, market: str | None = None) -> State:
        """Return a partition's state, or one market's part of it, as its last round left it."""
        await failpoint("matcher.during_load")
        async with self._database.transaction() as connection:
            # All of it as of one round, whatever its owner commits meanwhile.
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            last = await connection.fetchrow(
                "SELECT round, clock_ms, digest FROM heads WHERE partition = $1", partition
            )
            round_number, clock_ms, digest = last if last is not None else (0, 0, FIRST_DIGEST)
            state = State(partition, clock_ms, round_number, digest, next_offset)
            return rebuild(state, await _rows(connection, partition, market))

    async def commit(self, partition: TopicPartition, position: Position, decisions: Decisions) -> Position:
        """Store a round, fenced by the position; raises `Fenced` when the partition was lost."""
        (following,) = await self.commit_all([(partition, position, decisions)])
        return following

    async def commit_all(self, rounds: Sequence[ToStore]) -> list[Position]:
        """Store a round of each of some partitions, all or none; returns the positions after them.

        Each is fenced by its position; raises `Fenced` when any of the partitions was lost.
        """
        async with self._database.transaction() as connection:
            await _commit(connection, rounds)
            await failpoint("matcher.before_commit")
        for partition, _, decisions in rounds:
            self._recent.put((partition.partition, decisions.decided.round), decisions.events)
        await failpoint("matcher.after_commit")
        return [Position(decisions.decided.next_offset, position.epoch) for _, position, decisions in rounds]

    async def to_tell(self, epochs: dict[int, int], limit: int) -> list[RoundToTell]:
        """Return rounds of these partitions (with their epochs) that are not told yet.

        Oldest first within a partition, and in turn of each: a backlog of one does not hold up another.
        """
        rows = await self._database.fetch(
            f"""
            SELECT r.partition, r.round
            FROM unnest($2::integer[], $3::bigint[]) AS held (partition, epoch)
            JOIN positions AS p USING (partition, epoch)
            CROSS JOIN LATERAL (
                SELECT partition, round, row_number() OVER (ORDER BY round) AS turn
                FROM rounds WHERE partition = held.partition AND {DUE} ORDER BY round LIMIT $4
            ) AS r
            WHERE p.topic = $1 ORDER BY r.turn, r.partition LIMIT $4
            """,  # noqa: S608 - only the constant above is put in
            topics.MARKET.name,
            list(epochs),
            list(epochs.values()),
            limit,
        )
        due = [(row["partition"], row["round"]) for row in rows]
        kept = {key: events for key in due if (events := self._recent.get(key)) is not None}
        kept |= await self._read_events([key for key in due if key not in kept])
        return [RoundToTell(*key, kept[key]) for key in due if key in kept]

    async def _read_events(self, keys: Sequence[Key]) -> dict[Key, list[OutEvent]]:
        if not keys:
            return {}
        rows = await self._database.fetch(
            "SELECT partition, round, events FROM rounds JOIN unnest($1::integer[], $2::bigint[])"
            " AS due (partition, round) USING (partition, round)",
            [partition for partition, _ in keys],
            [number for _, number in keys],
        )
        return {(row["partition"], row["round"]): _decode(row["events"]) for row in rows}

    async def backlog(self) -> Backlog:
        """Return how many rounds are not told yet or were set aside, whoever owns their partitions."""
        return await of_table(self._database, "rounds", "decided_at")

    async def mark_told(self, rounds: Sequence[RoundToTell]) -> dict[int, int]:
        """Mark rounds as told. Marking needs no fence: whoever tells a round has told it.

        Returns for each partition the first of them that another process had told before.
        """
        rows = await self._database.fetch(
            """
            WITH told AS (SELECT * FROM unnest($1::integer[], $2::bigint[]) AS t (partition, round)),
            marked AS (
                UPDATE rounds AS r SET published_at = now() FROM told
                WHERE r.partition = told.partition AND r.round = told.round AND r.published_at IS NULL
                RETURNING r.partition, r.round
            )
            SELECT partition, min(round) AS round FROM told
            WHERE (partition, round) NOT IN (SELECT partition, round FROM marked)
                AND EXISTS (
                    SELECT FROM rounds AS r WHERE r.partition = told.partition AND r.round = told.round
                )
            GROUP BY partition
            """,
            [told.partition for told in rounds],
            [told.round for told in rounds],
        )
        for told in rounds:
            self._recent.drop((told.partition, told.round))
        return {row["partition"]: row["round"] for row in rows}

    async def tell_again(self, after: Mapping[int, int]) -> None:
        """Let whoever owns these partitions tell again what was told after a round of each."""
        await self._database.execute(
            """
            UPDATE rounds AS r SET published_at = NULL
            FROM unnest($1::integer[], $2::bigint[]) AS late (partition, round)
            WHERE r.partition = late.partition AND r.round > late.round AND NOT r.quiet
                AND r.published_at IS NOT NULL
            """,
            list(after),
            list(after.values()),
        )

    async def park(self, told: RoundToTell, why: str) -> None:
        """Set a round aside that can't be told; an operator has to look."""
        await self._database.execute(
            "UPDATE rounds SET parked_why = $3 WHERE partition = $1 AND round = $2",
            told.partition,
            told.round,
            why,
        )


async def _commit(connection: Connection, rounds: Sequence[ToStore]) -> None:
    """Store rounds of different partitions by one statement; resources, and what they forgot, by one for
    each.
    """
    decided = [_decided_columns(*each) for each in rounds]
    rows = [(partition.partition, decisions.rows) for partition, _, decisions in rounds]
    groups: tuple[list[tuple[int, Sequence[object]]], ...] = (
        [(number, each.entities) for number, each in rows],
        [(number, each.offer_windows) for number, each in rows],
        [(number, each.demand_windows) for number, each in rows],
        [(number, each.deals) for number, each in rows],
        [(number, each.dropped_windows) for number, each in rows],
    )
    arguments = [
        column
        for group, width in zip(groups, _WIDTHS, strict=True)
        for column in _columns(
            [(number, *_fields(row)) for number, found in group for row in found], width + 1
        )
    ]
    await connection.execute(_COMMIT, topics.MARKET.name, *_columns(decided, _DECIDED_WIDTH), *arguments)
    for number, each in rows:
        gone = [key for kind, _, key in each.forgotten if kind == "resource"]
        if each.resource_windows or gone:
            windows = _columns([_fields(row) for row in each.resource_windows], _RESOURCE_WIDTH)
            await connection.execute(_STORE_RESOURCES, number, gone, *windows)
        if each.closed or each.forgotten_deals:
            await connection.execute(
                _FORGET,
                number,
                *_columns([_fields(row) for row in each.closed], _CLOSED_WIDTH),
                *_columns(each.forgotten, _FORGOTTEN_WIDTH),
                each.forgotten_deals,
            )


def _decided_columns(
    partition: TopicPartition, position: Position, decisions: Decisions
) -> tuple[object, ...]:
    decided = decisions.decided
    return (
        partition.partition,
        position.next_offset,
        position.epoch,
        decided.round,
        decided.from_offset,
        decided.next_offset,
        unix_ms(decided.clock),
        decided.digest,
        _encode(decisions.events),
        decisions.rows.empty and len(decisions.events) == 1,  # It tells nothing but itself.
    )


async def _rows(connection: Connection, partition: int, market: str | None) -> Rows:
    async def read(kind: Callable[..., R], table: str, within: str) -> list[R]:
        columns = ", ".join(f'"{name}"' for name in _names(kind))
        query = f"SELECT {columns} FROM {table} WHERE partition = $1 AND ($2::text IS NULL OR {within})"  # noqa: S608
        return [kind(*row) for row in await connection.fetch(query, partition, market)]

    return Rows(
        await read(EntityRow, "entities", "market IN ($2, '*')"),
        await read(OfferWindowRow, "offer_windows", _OF_MARKET.format(kind="offer")),
        await read(DemandWindowRow, "demand_windows", _OF_MARKET.format(kind="demand")),
        await read(DealRow, "dockings", "market = $2"),
        closed=await read(ClosedRow, "closed", "market = $2"),
    )


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    """Return rows as columns, `width` empty ones where there is no row."""
    if not rows:
        return [[] for _ in range(width)]
    return [list(column) for column in zip(*rows, strict=True)]


def _fields(row: object) -> tuple[object, ...]:
    """Return a row of the domain, a dataclass or a tuple, as a tuple."""
    return row if isinstance(row, tuple) else tuple(getattr(row, name) for name in _names(row))


def _names(row: object) -> tuple[str, ...]:
    """Return the fields of a row, which are the columns of its table."""
    names: tuple[str, ...] = row.__slots__  # type: ignore[attr-defined]
    return names
