"""A matcher on the real broker and database, driven by records that a test writes into its log."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager

from matcher.service import bind
from matcher.settings import MatcherSettings
from tenon.app import serve
from tenon.contracts import topics
from tenon.contracts.cloudevents import CloudEvent, to_kafka
from tenon.contracts.codec import decode_tolerant, encode
from tenon.contracts.dockings import Docking
from tenon.contracts.families import LOG_BY_TYPE
from tenon.contracts.markets import MarketTable
from tenon.contracts.rounds import RoundDecided
from tenon.contracts.values import Shape
from tenon.kafka import KafkaSettings, Producer, ensure_topics
from tenon.kafka.admin import ensure_layout
from tenon.kafka.tail import read
from tenon.migrations import migrate
from tenon.records import OutRecord, Record
from tests.support.market import MARKET
from tests.support.streams import producing

_TYPE_OF = {family.data: name for name, family in LOG_BY_TYPE.items()}


async def prepare(kafka: KafkaSettings, postgres: str, partitions: int = 1) -> None:
    """Make the topics, the layout and the matcher's schema."""
    await ensure_topics(kafka, topics.TOPICS, partitions=partitions)
    await ensure_layout(kafka, MarketTable(partitions=partitions))
    await migrate(postgres, package="matcher")


def settings_of(kafka: KafkaSettings, postgres: str, **said: object) -> MatcherSettings:
    """Return the settings of a matcher that answers quickly to the loss of its peers."""
    fields: dict[str, object] = {
        "kafka_bootstrap": kafka.bootstrap,
        "topic_prefix": kafka.prefix,
        "database_url": postgres,
        "http_port": 0,
        "session_timeout_ms": 2_000,
        "rebalance_timeout_ms": 4_000,
        **said,
    }
    return MatcherSettings.model_validate(fields)


@asynccontextmanager
async def matching(
    settings: MatcherSettings, listening: Callable[[str], None] = lambda url: None
) -> AsyncIterator[None]:
    """Run a matcher inside this process; at the end stop it and raise what ended it before."""
    stop = asyncio.Event()
    task = asyncio.create_task(serve(bind, settings, stop, listening))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


def log_record(data: Shape, number: int, partition: int = 0, market: str = MARKET) -> OutRecord:
    """Return an entry of the log as ingest writes it."""
    event = CloudEvent(
        id=str(number),
        source="test",
        type=_TYPE_OF[type(data)],
        data=encode(data),
        extensions={"market": market},
    )
    return OutRecord(topics.MARKET.name, market.encode(), event.data, to_kafka(event), partition)


async def append(kafka: KafkaSettings, records: Iterable[OutRecord]) -> None:
    """Write records into the log and wait until they are there."""
    async with producing(kafka) as producer:
        await write(producer, list(records))


async def write(producer: Producer, records: Sequence[OutRecord]) -> None:
    """Write records and wait until they are there."""
    for receipt in await producer.send_and_wait(records, deadline_ms=30_000):
        assert receipt.state == "written", receipt


async def topic_records(kafka: KafkaSettings, topic: str) -> list[Record]:
    """Return everything a topic holds now."""
    async with aclosing(read(kafka, topic)) as records:
        return [record async for record in records]


async def dockings(kafka: KafkaSettings) -> list[Docking]:
    """Return every docking step that was told, each once."""
    told = await topic_records(kafka, topics.DOCKINGS.name)
    steps = {dict(record.headers)["ce_id"]: decode_tolerant(Docking, record.value or b"") for record in told}
    return list(steps.values())


async def rounds(kafka: KafkaSettings) -> list[RoundDecided]:
    """Return every round that was told, each once, in order per partition."""
    told = [
        decode_tolerant(RoundDecided, record.value or b"")
        for record in await topic_records(kafka, topics.ROUNDS.name)
    ]
    return sorted(
        {(one.partition, one.round): one for one in told}.values(), key=lambda one: (one.partition, one.round)
    )


async def until_decided(
    kafka: KafkaSettings, next_offset: int, partition: int = 0, seconds: float = 30
) -> None:
    """Wait until the rounds told of a partition reach an offset of its log."""
    async with asyncio.timeout(seconds):
        while True:
            if any(
                one.partition == partition and one.next_offset >= next_offset for one in await rounds(kafka)
            ):
                return
            await asyncio.sleep(0.1)
