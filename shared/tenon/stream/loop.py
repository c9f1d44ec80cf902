"""The consumer loop: reads partitions in turn, gives their records to a handler, in order, a batch at a time.

Kafka says which partitions this process reads, the handler's own store says from where. A partition is
*assigned* by Kafka, then *opened* by the handler (which raises its epoch and loads its state), and only then
*ready*. Until it is ready it stays paused, and opening it is retried outside the rebalance, so no rebalance
waits for a database.

    Transient      the same batch again, with backoff; the process exits when the deadline has passed
    Fenced         the handler drops the partition's state; it is opened anew if Kafka still says it is ours
    anything else  the loop ends, and with it the process

Partitions are served in turn with one batch each, so a long backlog in one does not hold up another. A
`JointHandler` is given the batches of a turn together, as many as are a full batch in all. This module must
not know what a record says, and keeps nothing that a restart would miss.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from tenon import log
from tenon.clock import Clock, WallClock
from tenon.errors import Fenced, Misconfigured, Transient
from tenon.failpoints import failpoint
from tenon.kafka.connection import KafkaSettings
from tenon.kafka.consumer import Consumer, OffsetLost
from tenon.metrics import Metrics
from tenon.records import Record, TopicPartition
from tenon.retry import retrying
from tenon.stream.handler import Handler, JointHandler, StreamSettings
from tenon.stream.held import Held, Troubles
from tenon.stream.measures import ASSIGNED, BATCHES, FENCED, READY, RECORDS, RETRIES, SECONDS
from tenon.stream.watch import Watch, every

_logger = log.get("stream")


class ConsumerLoop:
    """Runs one handler over the partitions that Kafka gives to this process."""

    def __init__(
        self,
        kafka: KafkaSettings,
        topics: Sequence[str],
        group: str,
        handler: Handler,
        *,
        settings: StreamSettings,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._handler = handler
        self._joint = handler if isinstance(handler, JointHandler) else None
        self._clock = clock
        self._metrics = metrics
        self._consumer = Consumer(
            kafka,
            topics,
            group,
            on_assigned=self._on_assigned,
            on_revoked=self._on_revoked,
            times=settings.times,
        )
        for topic in topics:
            metrics.add(RETRIES, 0, topic=topic)
            metrics.add(FENCED, 0, topic=topic)
        self._assigned: frozenset[TopicPartition] | None = None
        self._changed = asyncio.Event()
        self._held: dict[TopicPartition, Held] = {}
        self._troubles = Troubles(
            fenced_wait_ms=2 * settings.times.heartbeat_ms, deadline_ms=settings.retry_deadline_ms
        )
        self._watch = Watch(
            self._consumer, self._held, metrics, any_topic=topics[0], timeout_ms=settings.probe_timeout_ms
        )

    def problem(self) -> str | None:
        """Return why this loop is not reading, None if it is: for readiness."""
        assigned = self._assigned
        if assigned is None:
            return "waiting for Kafka to assign partitions"
        loading = sorted(str(where) for where in assigned if not self._is_ready(where))
        if loading:
            return f"loading {', '.join(loading)}"
        return None if self._watch.reachable else "Kafka does not answer"

    def partitions(self) -> list[TopicPartition]:
        """Return the partitions that are being handled now."""
        return sorted(where for where, held in self._held.items() if held.ready)

    async def run(self, stop: asyncio.Event) -> None:
        """Read and handle until `stop` is set; then close every partition and leave the group."""
        await retrying("join the group", self._consumer.start, deadline_ms=self._settings.retry_deadline_ms)
        side = [
            asyncio.create_task(every(self._settings.commit_every_ms, self._watch.commit), name="commit"),
            asyncio.create_task(every(self._settings.probe_every_ms, self._watch.probe), name="probe"),
        ]
        try:
            while not stop.is_set():
                await self._turn(stop)
                _raise_if_ended(side)
        finally:
            for task in side:
                task.cancel()
            await asyncio.gather(*side, return_exceptions=True)
            await self._leave()

    def _on_assigned(self, assigned: frozenset[TopicPartition]) -> None:
        self._assigned = assigned
        self._troubles.clear()
        self._changed.set()

    def _on_revoked(self) -> None:
        self._assigned = None
        for held in self._held.values():
            held.ready = False

    def _is_ready(self, where: TopicPartition) -> bool:
        held = self._held.get(where)
        return held is not None and held.ready

    async def _turn(self, stop: asyncio.Event) -> None:
        """Follow the assignment, serve every ready partition once, wait where there was nothing to do."""
        await self._follow_assignment()
        busy = False
        taken: dict[TopicPartition, Sequence[Record]] = {}
        for where in self.partitions():
            if stop.is_set():
                return
            records = await self._take(where)
            if records or (self._is_ready(where) and self._timer_due(where)):
                taken[where] = records
            if self._joint is None or sum(map(len, taken.values())) >= self._settings.max_records:
                busy |= await self._serve(taken)
                taken = {}
        busy |= await self._serve(taken)
        if busy:
            # A handler that never waits must not keep Kafka's own tasks from running.
            await asyncio.sleep(0)
        else:
            await self._idle()

    async def _serve(self, taken: Mapping[TopicPartition, Sequence[Record]]) -> bool:
        """Handle what was taken of partitions that are still ready; return whether there was any."""
        ready = {where: records for where, records in taken.items() if self._is_ready(where)}
        if self._joint is not None and len(ready) > 1:
            await self._handle_jointly(self._joint, ready)
        else:
            await self._handle_each(ready)
        return bool(ready)

    async def _handle_each(self, batches: Mapping[TopicPartition, Sequence[Record]]) -> None:
        for where, records in batches.items():
            if self._is_ready(where):
                await self._handle(where, records)

    async def _follow_assignment(self) -> None:
        assigned = self._assigned
        if assigned is None:
            return
        for where in sorted(self._held.keys() - assigned):
            await self._close(where)
        for where in sorted(assigned):
            due = self._troubles.due(where, time.monotonic())
            if due and not self._is_ready(where) and self._assigned is assigned:
                await self._open(where, assigned)
        self._metrics.set(ASSIGNED, len(assigned))
        self._metrics.set(READY, len(self.partitions()))

    async def _open(self, where: TopicPartition, assigned: frozenset[TopicPartition]) -> None:
        with log.work("open", partition=str(where)) as line:
            try:
                await failpoint(f"{self._settings.service}.during_assignment")
                offset = await self._handler.open(where)
                self._hold(where, offset)
                await self._check_range(where, offset)
                # The assignment may have changed while the state was loaded: then the next turn opens again.
                if self._assigned is assigned:
                    self._consumer.seek_and_resume(where, offset)
                    self._held[where].ready = True
            except (Transient, Fenced) as error:
                line.update(outcome="postponed", error=str(error))
                self._postpone(where, error)
            else:
                line["next_offset"] = offset

    def _hold(self, where: TopicPartition, offset: int) -> None:
        before = self._held.get(where)
        self._held[where] = Held(offset, WallClock().now_ms() if before is None else before.reached_ms)

    async def _check_range(self, where: TopicPartition, offset: int) -> None:
        first, end = (await self._consumer.ranges([where], self._settings.probe_timeout_ms))[where]
        self._watch.reachable = True
        if not first <= offset <= end:
            raise Misconfigured(
                f"the stored position of {where} is offset {offset}, Kafka holds {first} to {end}: records"
                " were deleted before they were handled, or the topic was made anew. Bring the topic back, or"
                f" accept the gap: python -m {self._settings.service} positions set {where} {first}"
            )

    async def _take(self, where: TopicPartition) -> list[Record]:
        if not self._is_ready(where):
            return []
        try:
            records = await self._consumer.take(where, self._settings.max_records)
        except (Transient, OffsetLost) as error:
            await self._poll_failed([where], error)
            return []
        return self._unhandled(where, records)

    def _unhandled(self, where: TopicPartition, records: list[Record]) -> list[Record]:
        """Leave out what is handled already: a batch fetched before a seek may hold old records."""
        next_offset = self._held[where].next_offset if where in self._held else 0
        if not records or records[0].offset >= next_offset:
            return records
        return [record for record in records if record.offset >= next_offset]

    async def _idle(self) -> None:
        """Wait for a record, a timer or a new assignment."""
        self._changed.clear()
        ready = self.partitions()
        wait_ms = self._settings.idle_ms
        if not ready:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait_ms / 1000)
            return
        wakes = [wake for where in ready if (wake := self._handler.wake_at_ms(where)) is not None]
        if wakes:
            wait_ms = max(1, min(wait_ms, min(wakes) - self._clock.now_ms()))
        try:
            found = await self._consumer.wait(ready, wait_ms, self._settings.max_records)
        except (Transient, OffsetLost) as error:
            await self._poll_failed(ready, error)
            return
        taken = {where: self._unhandled(where, records) for where, records in found.items()}
        await self._serve({where: records for where, records in taken.items() if records})

    async def _poll_failed(self, wanted: Sequence[TopicPartition], error: Transient | OffsetLost) -> None:
        """Read partitions again from where we are; raises where Kafka does not hold that offset any more.

        A rebalance during a poll makes it fail for an offset that nobody has set yet: then nothing is wrong.
        """
        _logger.warning("poll failed", error=str(error))
        for where in wanted:
            if not self._is_ready(where):
                continue
            try:
                await self._check_range(where, self._held[where].next_offset)
                if self._is_ready(where):
                    self._consumer.seek_and_resume(where, self._held[where].next_offset)
            except Transient as away:
                self._postpone(where, away)

    def _timer_due(self, where: TopicPartition) -> bool:
        wake = self._handler.wake_at_ms(where)
        return wake is not None and wake <= self._clock.now_ms()

    async def _handle(self, where: TopicPartition, records: Sequence[Record]) -> None:
        started = time.perf_counter()
        try:
            await self._after_poll()
            await self._handler.handle(where, records)
        except Transient as error:
            self._postpone(where, error)
            return
        except Fenced as error:
            self._postpone(where, error)
            await self._close(where)
            return
        self._troubles.over(where)
        self._handled(where, records, time.perf_counter() - started)

    async def _handle_jointly(
        self, joint: JointHandler, batches: Mapping[TopicPartition, Sequence[Record]]
    ) -> None:
        started = time.perf_counter()
        try:
            await self._after_poll()
            await joint.handle_jointly(batches)
        except Transient as error:
            for where in batches:
                self._postpone(where, error)
            return
        except Fenced:
            # Some of them were lost: each alone, so that the others get on.
            await self._handle_each(batches)
            return
        seconds = time.perf_counter() - started
        for where, records in batches.items():
            self._troubles.over(where)
            self._handled(where, records, seconds)

    async def _after_poll(self) -> None:
        await failpoint(f"{self._settings.service}.after_poll")

    def _handled(self, where: TopicPartition, records: Sequence[Record], seconds: float) -> None:
        self._metrics.observe(SECONDS, seconds, topic=where.topic)
        if not records:
            return
        held = self._held[where]
        held.next_offset = records[-1].offset + 1
        held.reached_ms = records[-1].timestamp_ms
        self._metrics.add(RECORDS, len(records), topic=where.topic, partition=where.partition)
        self._metrics.observe(BATCHES, len(records), topic=where.topic)

    def _postpone(self, where: TopicPartition, error: Transient | Fenced) -> None:
        """Stop reading a partition and open it anew later; raises when it has failed for too long."""
        wait_ms = self._troubles.postpone(where, error, time.monotonic())
        self._metrics.add(FENCED if isinstance(error, Fenced) else RETRIES, topic=where.topic)
        self._unready(where)
        _logger.warning("postponed", partition=str(where), wait_ms=wait_ms, error=str(error))

    def _unready(self, where: TopicPartition) -> None:
        held = self._held.get(where)
        if held is not None and held.ready:
            held.ready = False
            with suppress(Transient):
                self._consumer.pause(where)

    async def _close(self, where: TopicPartition) -> None:
        self._held.pop(where, None)
        self._watch.forget(where)
        await self._handler.close(where)

    async def _leave(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._watch.commit(), self._settings.probe_timeout_ms / 1000)
        self._assigned = None
        for where in sorted(self._held):
            await self._close(where)
        await self._consumer.stop()


def _raise_if_ended(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        if task.done():
            task.result()
