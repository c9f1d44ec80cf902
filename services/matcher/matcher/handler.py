"""Reads, decides, writes: one round at a time for each partition that this process owns.

Whatever goes wrong between deciding and writing, the state in memory is thrown away: the database knows
what was decided, and the next opening loads it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from matcher import metrics as m
from matcher.census import Census
from matcher.domain.cutting import Cutter
from matcher.domain.effects import Effects
from matcher.domain.model import Market
from matcher.domain.reading import Entry, LogRecord, UnknownType, Unusable, read
from matcher.domain.solving import solve
from matcher.domain.state import State
from matcher.domain.step import ENGINE, Decisions, Read, step
from matcher.proof import LastTold
from matcher.replay import fault_of
from matcher.shards import Shards
from tenon import log
from tenon.clock import Clock
from tenon.errors import Fenced, Misconfigured, Transient
from tenon.failpoints import failpoint
from tenon.metrics import Metrics
from tenon.positions import Position
from tenon.records import Record, TopicPartition

_SHORT_ROUND = 100
"""So many records are decided within a few ms; to hand them to a thread and back would take longer."""


@dataclass(slots=True)
class _Owned:
    """A partition whose state this process holds, and `census`, what is open in it.

    `cutter` gathers where the clock is the log's.

    `skipped_in_a_row` counts what is read; the state counts what is decided, and outlives the process.
    """

    state: State
    position: Position
    cutter: Cutter | None
    census: Census
    skipped_in_a_row: int = 0


class _TimedSolve:
    """Solves as the engine does, and keeps how long each market took, in seconds."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, state: State, market: Market, effects: Effects) -> None:
        started = time.perf_counter()
        solve(state, market, effects)
        self.seconds.append(time.perf_counter() - started)


class MatcherHandler:
    """What the consumer loop drives. `simulated`: time is the log's, and rounds end at its ticks."""

    def __init__(
        self,
        shards: Shards,
        clock: Clock,
        metrics: Metrics,
        *,
        simulated: bool,
        max_skipped_in_a_row: int,
        last_told: LastTold,
        on_commit: Callable[[], None],
    ) -> None:
        self._shards = shards
        self._last_told = last_told
        self._clock = clock
        self._metrics = metrics
        self._simulated = simulated
        self._max_skipped_in_a_row = max_skipped_in_a_row
        self._on_commit = on_commit
        self._owned: dict[TopicPartition, _Owned] = {}
        metrics.set(m.ENGINE, 1, engine=ENGINE)
        for outcome in m.OUTCOMES:
            metrics.add(m.RECORDS, 0, outcome=outcome)

    def epochs(self) -> dict[int, int]:
        """Return the partitions that this process owns, each with its epoch."""
        return {where.partition: owned.position.epoch for where, owned in self._owned.items()}

    async def open(self, partition: TopicPartition) -> int:
        """Take a partition: keep its state when nobody else had it meanwhile, else load it.

        Raises `Misconfigured` where Kafka was told of rounds that the database does not have, `Fenced` where
        another owner has taken the partition meanwhile.
        """
        shard, owned = self._shards.of(partition.partition), self._owned.get(partition)
        if owned is not None and await shard.positions.held(partition, owned.position):
            owned.cutter = self._cutter(owned.state)
            owned.skipped_in_a_row = owned.state.unusable_run
            return owned.position.next_offset
        started = time.perf_counter()
        position = await shard.positions.take(partition)
        state = await shard.store.load(partition.partition, position.next_offset)
        if fault := fault_of(state, await self._last_told(partition.partition)):
            if not await shard.positions.held(partition, position):
                raise Fenced(f"{partition} was taken by another owner, whose rounds are told already")
            raise Misconfigured(fault)
        self._owned[partition] = _Owned(
            state, position, self._cutter(state), Census(state), state.unusable_run
        )
        self._show(self._owned[partition])
        self._metrics.observe(m.LOAD_SECONDS, time.perf_counter() - started)
        self._on_commit()
        return position.next_offset

    async def handle(self, partition: TopicPartition, records: Sequence[Record]) -> None:
        """Decide the rounds that these records complete and store each."""
        await self.handle_jointly({partition: records})

    async def handle_jointly(self, batches: Mapping[TopicPartition, Sequence[Record]]) -> None:
        """Decide a round of each partition and store all of them in one transaction.

        Where the clock is the log's, records complete any number of rounds: the first of each, then the next.
        """
        for where in batches:
            if where not in self._owned:
                raise Fenced(f"{where} is not held")
        owned = {where: self._owned[where] for where in batches}
        try:
            read = {where: self._read(owned[where], records) for where, records in batches.items()}
            rounds = {where: self._rounds(owned[where], entries) for where, entries in read.items()}
            for turn in zip_longest(*rounds.values()):
                reads = dict(zip(rounds, turn, strict=True))
                await self._decide({where: each for where, each in reads.items() if each is not None})
        except (Fenced, Transient) as error:
            # What was decided but not stored is forgotten with the state; the log still has it.
            for where in batches:
                self._drop(where)
            raise Fenced(f"{', '.join(map(str, batches))}: {error}") from error

    def wake_at_ms(self, partition: TopicPartition) -> int | None:
        """Return when the next timer is due, at once while demands wait to be explained."""
        owned = self._owned.get(partition)
        if owned is None or self._simulated:
            return None
        return self._clock.now_ms() if owned.state.unexplained else owned.state.wake_at_ms

    async def close(self, partition: TopicPartition) -> None:
        """Drop the state of a partition that was given away."""
        self._owned.pop(partition, None)
        for gauge in (m.OPEN_DEMANDS, m.OPEN_REASONS, m.OPEN_OFFERS, m.OVERDRAWN, m.CLOCK):
            self._metrics.forget(gauge, partition=partition.partition)

    def _read(self, owned: _Owned, records: Sequence[Record]) -> list[Entry | Unusable]:
        started = time.perf_counter()
        try:
            entries = [read(LogRecord(record.offset, record.headers, record.value)) for record in records]
        except UnknownType as error:
            raise Misconfigured(f"{error}: upgrade the matcher, then start it again") from error
        for entry in entries:
            owned.skipped_in_a_row = owned.skipped_in_a_row + 1 if isinstance(entry, Unusable) else 0
            if isinstance(entry, Unusable) and owned.skipped_in_a_row >= self._max_skipped_in_a_row:
                raise Misconfigured(
                    f"{owned.skipped_in_a_row} records in a row up to offset {entry.offset} can't be used,"
                    f" the last because of {entry.code}: {entry.detail}. Deploy a matcher that reads them, or"
                    " raise TENON_MAX_SKIPPED_IN_A_ROW to set them aside in tenon.rejected.v1"
                )
        self._metrics.observe(m.ROUND_SECONDS, time.perf_counter() - started, stage="read")
        return entries

    def _rounds(self, owned: _Owned, entries: list[Entry | Unusable]) -> list[Read]:
        if owned.cutter is not None:
            return owned.cutter.add(entries)
        start = owned.position.next_offset
        end = entries[-1].offset + 1 if entries else start
        return [Read(entries, start, end, self._clock.now_ms())]

    async def _decide(self, reads: Mapping[TopicPartition, Read]) -> None:
        """Decide a round of each partition, and store all of them."""
        with log.work("rounds", partitions=[where.partition for where in reads]) as line:
            owned = {where: self._owned[where] for where in reads}
            decided = {where: await self._step(owned[where].state, each) for where, each in reads.items()}
            await failpoint("matcher.after_step")
            started = time.perf_counter()
            positions = await self._shards.commit_all(
                [(where, owned[where].position, decisions) for where, decisions in decided.items()]
            )
            self._metrics.observe(m.ROUND_SECONDS, time.perf_counter() - started, stage="commit")
            for where, position in zip(decided, positions, strict=True):
                owned[where].position = position
            self._on_commit()
            for where, decisions in decided.items():
                self._count(decisions)
                owned[where].census.update(owned[where].state, decisions.rows)
                self._show(owned[where])
            counts = [decisions.decided.counts for decisions in decided.values()]
            line.update(
                rounds=[decisions.decided.round for decisions in decided.values()],
                records=sum(each.records for each in counts),
                docked=sum(each.docked for each in counts),
            )

    async def _step(self, state: State, reads: Read) -> Decisions:
        started, solving = time.perf_counter(), _TimedSolve()
        if len(reads.entries) <= _SHORT_ROUND:
            decisions = step(state, reads, solving)
        else:
            # Beside the event loop: a long round must not keep the heartbeats to Kafka from going out, or it
            # would lose its partition before it ends, and so would the next owner.
            decisions = await asyncio.to_thread(step, state, reads, solving)
        self._metrics.observe(m.ROUND_SECONDS, time.perf_counter() - started, stage="decide")
        for seconds in solving.seconds:
            self._metrics.observe(m.SOLVE_SECONDS, seconds)
        return decisions

    def _count(self, decisions: Decisions) -> None:
        counts = decisions.decided.counts
        self._metrics.add(m.ROUNDS)
        self._metrics.observe(m.ROUND_RECORDS, counts.records)
        used = counts.records - counts.superseded - counts.refused - counts.skipped
        outcomes = {"used": used, "superseded": counts.superseded, "refused": counts.refused}
        for outcome, number in {**outcomes, "skipped": counts.skipped}.items():
            self._metrics.add(m.RECORDS, max(0, number), outcome=outcome)
        self._metrics.add(m.DOCKED, counts.docked)
        self._metrics.add(m.RELEASED, counts.released)

    def _show(self, owned: _Owned) -> None:
        partition, census = owned.state.partition, owned.census
        self._metrics.set(m.CLOCK, owned.state.clock_ms / 1000, partition=partition)
        self._metrics.set(m.OPEN_OFFERS, len(census.open_offers), partition=partition)
        self._metrics.set(m.OVERDRAWN, len(census.overdrawn), partition=partition)
        for tier, demands in census.by_tier.items():
            self._metrics.set(m.OPEN_DEMANDS, demands, partition=partition, tier=tier)
        for reason, demands in census.by_reason.items():
            self._metrics.set(m.OPEN_REASONS, demands, partition=partition, reason=reason)

    def _cutter(self, state: State) -> Cutter | None:
        return Cutter(state.next_offset, state.clock_ms) if self._simulated else None

    def _drop(self, partition: TopicPartition) -> None:
        self._owned.pop(partition, None)
        self._metrics.add(m.DROPPED)
