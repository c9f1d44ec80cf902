"""What tests of the consumer loop need: topics, records, a handler that keeps what it was given."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tenon.clock import WallClock
from tenon.contracts.topics import Topic
from tenon.errors import Fenced, Transient
from tenon.kafka import KafkaSettings, Producer, ensure_topics
from tenon.kafka.consumer import GroupTimes
from tenon.metrics import Metrics
from tenon.records import OutRecord, Record, TopicPartition
from tenon.stream import ConsumerLoop, Handler, StreamSettings

QUICK = GroupTimes(session_ms=2_000, rebalance_ms=4_000)


async def make_topic(kafka: KafkaSettings, name: str, partitions: int) -> None:
    """Make a topic that only this test uses."""
    await ensure_topics(
        kafka, [Topic(name, "key", "for a test", partitions=partitions)], partitions=partitions
    )


@asynccontextmanager
async def producing(kafka: KafkaSettings) -> AsyncIterator[Producer]:
    """A producer that is started, and stopped at the end."""
    producer = Producer(kafka)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def write(producer: Producer, topic: str, partition: int, values: Iterable[int]) -> None:
    """Write numbers as records of one partition and wait until they are there."""
    records = [OutRecord(topic, b"k", str(value).encode(), partition=partition) for value in values]
    for receipt in await producer.send_and_wait(records, deadline_ms=30_000):
        assert receipt.state == "written", receipt


@dataclass
class Keeper:
    """A handler whose store is this object: positions and values by partition, and every call it got."""

    positions: dict[TopicPartition, int] = field(default_factory=dict)
    values: dict[TopicPartition, list[int]] = field(default_factory=dict)
    batches: list[tuple[TopicPartition, list[int]]] = field(default_factory=list)
    opened: list[TopicPartition] = field(default_factory=list)
    closed: list[TopicPartition] = field(default_factory=list)
    before_open: Callable[[TopicPartition], Awaitable[None]] | None = None
    before_handle: Callable[[TopicPartition], Awaitable[None]] | None = None
    wake_ms: int | None = None

    async def open(self, partition: TopicPartition) -> int:
        if self.before_open is not None:
            await self.before_open(partition)
        self.opened.append(partition)
        return self.positions.setdefault(partition, 0)

    async def handle(self, partition: TopicPartition, records: Sequence[Record]) -> None:
        if self.before_handle is not None:
            await self.before_handle(partition)
        values = [int(record.value or b"0") for record in records]
        self.batches.append((partition, values))
        if records:
            assert records[0].offset >= self.positions[partition]
            self.positions[partition] = records[-1].offset + 1
        self.values.setdefault(partition, []).extend(values)

    def wake_at_ms(self, partition: TopicPartition) -> int | None:
        return self.wake_ms

    async def close(self, partition: TopicPartition) -> None:
        self.closed.append(partition)

    def total(self) -> int:
        """How many records were handled."""
        return sum(len(values) for values in self.values.values())


@dataclass
class JointKeeper(Keeper):
    """A keeper that handles several partitions in one go: all of them or, where one of them fails, none."""

    together: list[dict[TopicPartition, list[int]]] = field(default_factory=list)

    async def handle_jointly(self, batches: Mapping[TopicPartition, Sequence[Record]]) -> None:
        for partition in batches:
            if self.before_handle is not None:
                await self.before_handle(partition)
        self.together.append({})
        hook, self.before_handle = self.before_handle, None
        for partition, records in batches.items():
            await self.handle(partition, records)
            self.together[-1][partition] = self.batches[-1][1]
        self.before_handle = hook


def new_loop(
    kafka: KafkaSettings,
    topic: str,
    handler: Handler,
    max_records: int = 2_000,
    retry_deadline_ms: int = 20_000,
    metrics: Metrics | None = None,
) -> ConsumerLoop:
    """A consumer loop that is not running yet."""
    return ConsumerLoop(
        kafka,
        [topic],
        "group",
        handler,
        settings=StreamSettings("test", max_records, QUICK, retry_deadline_ms, probe_every_ms=300),
        clock=WallClock(),
        metrics=metrics or Metrics(),
    )


@asynccontextmanager
async def looping(
    kafka: KafkaSettings,
    topic: str,
    handler: Handler,
    max_records: int = 2_000,
    metrics: Metrics | None = None,
) -> AsyncIterator[ConsumerLoop]:
    """A running consumer loop; raises what ended it before it was asked to."""
    loop = new_loop(kafka, topic, handler, max_records, metrics=metrics)
    stop = asyncio.Event()
    task = asyncio.create_task(loop.run(stop))
    try:
        yield loop
    finally:
        stop.set()
        await asyncio.wait_for(task, 20)


async def eventually(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Wait until a condition holds."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - the condition is somebody else's state
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not within {seconds:g} s: {what}") from None


def failing(
    times: int, error: Transient | Fenced, only: TopicPartition | None = None
) -> Callable[[TopicPartition], Awaitable[None]]:
    """A hook that raises the first `times` times, that of one partition only where it is given."""
    left = times

    async def hook(partition: TopicPartition) -> None:
        nonlocal left
        if left > 0 and only in (None, partition):
            left -= 1
            raise error

    return hook
