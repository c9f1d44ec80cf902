"""Writing to Kafka: idempotent, acknowledged by all in-sync replicas, in order per partition.

What gathers for a partition while its last batch is on the way is the next batch, so batches grow with the
load. A record that was handed over can't be taken back: a caller whose patience ends is told `pending`, and
must not send it again while it is. A batch the broker refuses poisons its partition for that producer (every
later one fails with OutOfOrderSequenceNumber), so after any failure everything in hand fails and the producer
is built anew; whoever sends again may write a record twice, which readers undo by event id and `sequence`.
Where Kafka does not let us in or forbids the topic no repetition helps: the producer gives up and says so.

This module decides how records travel; it must not know what they say.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from tenon import log
from tenon.contracts.topics import BY_NAME, MAX_RECORD_BYTES
from tenon.errors import Misconfigured, TenonError, Transient, Unusable
from tenon.kafka import _driver
from tenon.kafka.batching import (
    BATCH_BYTES,
    BATCH_OVERHEAD_BYTES,
    Lane,
    Parcel,
    next_batch,
    size_bytes_of,
)
from tenon.kafka.connection import KafkaSettings
from tenon.records import OutRecord, TopicPartition
from tenon.retry import backoff_ms

_logger = log.get("kafka.producer")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one record: `written`; `pending`: it may still be; `failed`: it was not taken."""

    state: Literal["written", "pending", "failed"]
    error: TenonError | None = None


WRITTEN = Receipt("written")
PENDING = Receipt("pending")


class Producer:
    """A producer for any number of topics and callers of one event loop."""

    def __init__(
        self,
        kafka: KafkaSettings,
        *,
        linger_ms: float = 0,
        max_waiting_bytes: int = 64 * 1024 * 1024,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        self._kafka = kafka
        self._linger_ms = linger_ms
        self._max_waiting_bytes = max_waiting_bytes
        self._limits = limits or {name: topic.max_message_bytes for name, topic in BY_NAME.items()}
        self._lanes: dict[TopicPartition, Lane] = {}
        self._in_hand: dict[Parcel, None] = {}
        self._partitions: dict[str, int] = {}
        self._driver: _driver.DriverProducer | None = None
        self._connected = asyncio.Event()
        self._rebuild: asyncio.Task[None] | None = None
        self._closing = False
        self._useless: Misconfigured | None = None
        self._gave_up = asyncio.Event()
        self.waiting_bytes = 0

    async def start(self) -> None:
        """Connect; raises `Transient` when no broker answers."""
        driver = _driver.new_producer(self._kafka, batch_bytes=BATCH_BYTES + MAX_RECORD_BYTES)
        try:
            await _driver.start(driver, self._kafka)
        except BaseException:
            await _driver.end_producer(driver, clean=False)
            raise
        _driver.on_sender_end(driver, partial(self._sender_ended, driver))
        self._driver = driver
        self._connected.set()

    async def stop(self, deadline_ms: int = 5_000) -> None:
        """Wait until everything is written, at most `deadline_ms`; then let go of what is not."""
        futures = [parcel.written for parcel in self._in_hand]
        if futures:
            await asyncio.wait(futures, timeout=deadline_ms / 1000)
        self._closing = True
        if self._rebuild is not None:
            self._rebuild.cancel()
        clean = not self._in_hand
        self._drop(Transient("the producer was stopped"))
        if self._driver is not None:
            await _driver.end_producer(self._driver, clean=clean)

    async def send(self, records: Sequence[OutRecord]) -> "list[asyncio.Future[None]]":
        """Hand records over, in order; returns for each a future of its being written.

        The future raises `Transient` when the record may not have been written, `Unusable` when it is too
        large. Raises `Transient`, with nothing handed over, when too much waits or a topic is not known, and
        `Misconfigured` once Kafka has refused this process.
        """
        for topic in {record.topic for record in records} - self._partitions.keys():
            self._partitions[topic] = await self._count_partitions(topic)
        if self._useless is not None:
            raise self._useless
        measured = [(record, size_bytes_of(record)) for record in records]
        if self.waiting_bytes + sum(size for _, size in measured) > self._max_waiting_bytes:
            raise Transient(f"Kafka is behind: {self.waiting_bytes} bytes wait to be written")
        parcels: dict[TopicPartition, Parcel] = {}
        futures = [self._place(record, size, parcels) for record, size in measured]
        for where, parcel in parcels.items():
            self._hand_over(where, parcel)
        return futures

    async def send_and_wait(self, records: Sequence[OutRecord], *, deadline_ms: int) -> list[Receipt]:
        """Hand records over and wait for them, until the deadline at most; returns a receipt for each."""
        clock = asyncio.get_running_loop()
        ends = clock.time() + deadline_ms / 1000
        try:
            async with asyncio.timeout_at(ends):
                futures = await self.send(records)
        except TimeoutError:
            return [Receipt("failed", Transient("Kafka does not answer"))] * len(records)
        except TenonError as error:
            return [Receipt("failed", error)] * len(records)
        if futures:
            await asyncio.wait(set(futures), timeout=max(0.0, ends - clock.time()))
        return [receipt(future) for future in futures]

    async def watch(self, stop: asyncio.Event) -> None:
        """Return at `stop`; raises `Misconfigured` as soon as Kafka refuses this process for good."""
        ends = [asyncio.ensure_future(event.wait()) for event in (stop, self._gave_up)]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        if self._useless is not None:
            raise self._useless

    def problem(self) -> str | None:
        """Return why nothing can be written now, None if it can: for readiness."""
        if self._useless is not None:
            return str(self._useless)
        return None if self._connected.is_set() else "the Kafka producer is being connected"

    async def _count_partitions(self, topic: str) -> int:
        await self._connected.wait()
        if self._useless is not None:
            raise self._useless
        assert self._driver is not None
        try:
            with _driver.mapped_errors():
                return len(await self._driver.partitions_for(self._kafka.prefix + topic))
        except Misconfigured as error:
            self._give_up(error)
            raise

    def _place(
        self, record: OutRecord, size: int, parcels: dict[TopicPartition, Parcel]
    ) -> "asyncio.Future[None]":
        limit = self._limit_bytes(record.topic)
        if size > limit:
            return _refused(Unusable(f"a record of {size} bytes; {record.topic} takes {limit}"))
        where = TopicPartition(record.topic, self._partition_of(record))
        parcel = parcels.get(where)
        if parcel is None:
            parcel = parcels[where] = Parcel(asyncio.get_running_loop().create_future())
        parcel.records.append((record, size))
        parcel.size_bytes += size
        return parcel.written

    def _limit_bytes(self, topic: str) -> int:
        return self._limits.get(topic, MAX_RECORD_BYTES) - BATCH_OVERHEAD_BYTES

    def _partition_of(self, record: OutRecord) -> int:
        count = self._partitions[record.topic]
        if record.partition is None:
            if record.key is None:
                raise ValueError("a record without a key needs a partition")
            return _driver.murmur2_partition(record.key, count)
        if not 0 <= record.partition < count:
            raise Misconfigured(f"{record.topic} has {count} partitions, there is no {record.partition}")
        return record.partition

    def _hand_over(self, where: TopicPartition, parcel: Parcel) -> None:
        lane = self._lanes.get(where)
        if lane is None:
            lane = self._lanes[where] = Lane(where, min(BATCH_BYTES, self._limit_bytes(where.topic)))
        lane.parcels.append(parcel)
        self._in_hand[parcel] = None
        self.waiting_bytes += parcel.size_bytes
        if lane.pump is None:
            lane.pump = asyncio.create_task(self._pump(lane), name=f"pump {where}")

    async def _pump(self, lane: Lane) -> None:
        """Send what waits for a partition until nothing does."""
        try:
            if self._linger_ms:
                await asyncio.sleep(self._linger_ms / 1000)
            while lane.parcels:
                await self._connected.wait()
                if lane.parcels and self._driver is not None:
                    await self._send_batch(lane, self._driver)
        finally:
            lane.pump = None

    async def _send_batch(self, lane: Lane, driver: _driver.DriverProducer) -> None:
        try:
            batch, finished = next_batch(lane, driver)
            written = await self._submit(driver, batch, lane.partition)
        except Exception as error:
            self._fail_all(driver, error)
            return
        written.add_done_callback(partial(self._batch_done, driver, finished))

    async def _submit(
        self, driver: _driver.DriverProducer, batch: _driver.DriverBatch, where: TopicPartition
    ) -> "asyncio.Future[object]":
        while True:
            try:
                written: asyncio.Future[object] = await driver.send_batch(
                    batch, self._kafka.prefix + where.topic, partition=where.partition
                )
            except _driver.NotEnqueued:
                # Not taken, so giving it again can't double it.
                _logger.warning("kafka is slow to take records", partition=str(where))
                continue
            return written

    def _batch_done(
        self, driver: _driver.DriverProducer, finished: list[Parcel], written: "asyncio.Future[object]"
    ) -> None:
        error = None if written.cancelled() else written.exception()
        if written.cancelled() or error is not None:
            self._fail_all(driver, error)
            return
        for parcel in finished:
            self._settle(parcel, None)

    def _settle(self, parcel: Parcel, error: TenonError | None) -> None:
        if parcel not in self._in_hand:
            return
        del self._in_hand[parcel]
        self.waiting_bytes -= parcel.size_bytes
        if parcel.written.done():
            return
        if error is None:
            parcel.written.set_result(None)
        else:
            parcel.written.set_exception(error)
            parcel.written.exception()

    def _drop(self, error: TenonError) -> None:
        lanes, self._lanes = self._lanes, {}
        for lane in lanes.values():
            if lane.pump is not None:
                lane.pump.cancel()
        for parcel in list(self._in_hand):
            self._settle(parcel, error)

    def _sender_ended(self, driver: _driver.DriverProducer, error: BaseException | None) -> None:
        self._fail_all(driver, error or Transient("the sender ended"))

    def _fail_all(self, driver: _driver.DriverProducer, error: BaseException | None) -> None:
        """Fail everything in hand and build a new producer: after an error the rest would lose its order."""
        if driver is not self._driver or self._closing:
            return
        self._driver = None
        self._connected.clear()
        forbidden = _driver.not_allowed(error)
        why = "cancelled" if error is None else repr(error)
        _logger.error("the producer failed", why=why, records_failed_in=len(self._in_hand))
        self._drop(forbidden or Transient(f"Kafka refused a batch ({why}); it may or may not be written"))
        if forbidden is not None:
            self._give_up(forbidden)
        self._rebuild = asyncio.create_task(self._reconnect(driver), name="producer rebuild")

    def _give_up(self, error: Misconfigured) -> None:
        """Take nothing more, and let nobody wait for a connection that will not come."""
        self._useless = self._useless or error
        self._gave_up.set()
        self._connected.set()
        self._drop(error)

    async def _reconnect(self, old: _driver.DriverProducer) -> None:
        await _driver.end_producer(old, clean=False)
        attempt = 0
        while not self._closing and self._useless is None:
            try:
                await self.start()
            except Misconfigured as error:
                self._give_up(error)
            except TenonError as error:
                _logger.warning("kafka can't be reached", error=str(error))
                await asyncio.sleep(backoff_ms(attempt) / 1000)
                attempt += 1
            else:
                return


def receipt(future: "asyncio.Future[None]") -> Receipt:
    """Return what a future of `Producer.send` says at this moment."""
    if not future.done():
        return PENDING
    error = future.exception()
    if error is None:
        return WRITTEN
    return Receipt("failed", error if isinstance(error, TenonError) else Transient(repr(error)))


def _refused(error: Unusable) -> "asyncio.Future[None]":
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    future.exception()
    return future
