"""The matcher's part of `tenon restore`: rounds that were told and that the database lost are decided again.

A round is decided from the log with the cut and the clock that tenon.rounds has of it, must have the digest
that was told, and is stored under the fence like any other. All but the newest rounds were told in whole;
these are left to be told again, under the same ids. No round is decided here that was not told.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing

from matcher.domain.reading import LogRecord, UnknownType
from matcher.domain.state import State
from matcher.domain.step import Decisions
from matcher.proof import last_told, told_after
from matcher.relaying import ROUNDS_AT_A_TIME
from matcher.replay import Differs, decide_again, fault_of
from matcher.settings import DatabaseShards
from matcher.shards import Shard, connected, shards_of
from matcher.store import RoundToTell
from tenon.contracts.rounds import RoundDecided
from tenon.contracts.topics import MARKET, MAX_RECORD_BYTES, ROUNDS
from tenon.errors import Fenced, Misconfigured
from tenon.kafka import Ends, Start, read, read_layout
from tenon.positions import Position
from tenon.records import Record, TopicPartition
from tenon.restoring import Job, alone
from tenon.settings import load
from tenon.sharding import Sharding

_TOLD_EVERY = 1_000
_POOL_SIZE = 4
# A round with an event near the limit of its topic may have been set aside; to tell it again finds that out.
_LARGE_BYTES = MAX_RECORD_BYTES - 50_000


async def restore(job: Job) -> int:
    """Catch up in every partition and return how many rounds that took, or with `job.check` would take.

    Raises `Misconfigured` for partitions that can't be caught up with; the others are done all the same.
    """
    layout = await read_layout(job.kafka)
    sharding = Sharding.of(job.database_url, load(DatabaseShards).database_shards)
    async with connected(sharding, _POOL_SIZE) as databases:
        if not job.check:
            for database in databases:
                await alone(database)
        shards = shards_of(databases, sharding, owner="tenon restore", log_id=layout.log_id)
        found, faults, told = 0, [], Ends(job.kafka, ROUNDS.name)
        for number in range(layout.markets.partitions):
            try:
                newest = await last_told(told, number)
                found += await _Partition(job, shards.of(number), number).catch_up(newest)
            except (Differs, Misconfigured) as error:
                faults.append(f"{error}. Nothing of that round is stored.")
        await told.stop()
    if faults:
        raise Misconfigured("\n".join(faults))
    return found


class _Partition:
    """One partition: from the database's last round to the last one that was told."""

    def __init__(self, job: Job, shard: Shard, number: int) -> None:
        self._job = job
        self._store, self._positions = shard.store, shard.positions
        self._where = TopicPartition(MARKET.name, number)
        self._told: list[RoundToTell] = []

    async def catch_up(self, newest: RoundDecided | None) -> int:
        number = self._where.partition
        position = Position(0, 0) if self._job.check else await self._positions.take(self._where)
        state = await self._store.load(number, position.next_offset)
        behind = newest.round - state.round if newest is not None else 0
        if newest is None or behind <= 0:
            if fault := fault_of(state, newest):
                raise Misconfigured(fault)
            self._job.tell(f"partition {number} is at round {state.round}, nothing later was told")
            return 0
        self._job.tell(
            f"partition {number} is at round {state.round}, {newest.round} was told: {behind} rounds"
        )
        if not self._job.check:
            await self._decide_again(state, position, newest)
        return behind

    async def _decide_again(self, state: State, position: Position, newest: RoundDecided) -> None:
        number, kafka = self._where.partition, self._job.kafka
        start = Start("offset", position.next_offset)
        async with (
            aclosing(read(kafka, MARKET.name, partitions=[number], start=start)) as records,
            aclosing(told_after(kafka, number, state.round)) as rounds,
        ):
            log = _Log(records)
            async for recorded in rounds:
                try:
                    decisions = decide_again(state, recorded, await log.read(recorded))
                    position = await self._store.commit(self._where, position, decisions)
                except UnknownType as error:
                    raise Misconfigured(f"{error}: upgrade the matcher, then run this again") from error
                except Fenced as error:
                    raise Misconfigured(f"{error}: a matcher runs; stop it, then run this again") from error
                await self._mark(decisions, newest)
        await self._flush()
        self._job.tell(f"partition {number} is at round {state.round}, decided as it was told")

    async def _mark(self, decisions: Decisions, newest: RoundDecided) -> None:
        decided = decisions.decided
        large = any(len(event.value) > _LARGE_BYTES for event in decisions.events)
        if decided.round <= newest.round - ROUNDS_AT_A_TIME and not large:
            self._told.append(RoundToTell(decided.partition, decided.round, []))
        if decided.round % _TOLD_EVERY == 0:
            await self._flush()
            self._job.tell(f"partition {decided.partition}: round {decided.round} of {newest.round}")

    async def _flush(self) -> None:
        await self._store.mark_told(self._told)
        self._told.clear()


class _Log:
    """The records of a partition, given out round by round."""

    def __init__(self, records: AsyncIterator[Record]) -> None:
        self._records = records

    async def read(self, recorded: RoundDecided) -> list[LogRecord]:
        """Return the records that a round read; raises `Misconfigured` where Kafka does not hold them all."""
        found: list[LogRecord] = []
        for offset in range(recorded.from_offset, recorded.next_offset):
            record = await anext(self._records, None)
            if record is None or record.offset != offset:
                raise Misconfigured(
                    f"round {recorded.round} of partition {recorded.partition} read offset {offset} of"
                    f" {MARKET.name}, which Kafka does not hold: bring the topic back"
                )
            found.append(LogRecord(record.offset, record.headers, record.value))
        return found
