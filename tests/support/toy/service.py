"""A service that handles the records of one topic: it stores each number, once, with its position.

Everything around the numbers is the shared mechanism, so a test of this service is a test of that.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from starlette.responses import PlainTextResponse

from tenon.app import Service
from tenon.clock import WallClock
from tenon.db import Database
from tenon.failpoints import failpoint
from tenon.kafka import KafkaSettings
from tenon.metrics import Metrics
from tenon.positions import ADVANCE, Position, Positions
from tenon.records import Record, TopicPartition
from tenon.settings import CommonSettings
from tenon.stream import ConsumerLoop, StreamSettings

TOPIC = "numbers"


class Store:
    """The handler: reads nothing back, so its state is its position alone."""

    def __init__(self, database: Database, positions: Positions) -> None:
        self._database = database
        self._positions = positions
        self._held: dict[TopicPartition, Position] = {}

    async def open(self, partition: TopicPartition) -> int:
        self._held[partition] = await self._positions.take(partition)
        await failpoint("toy.during_load")
        return self._held[partition].next_offset

    async def handle(self, partition: TopicPartition, records: Sequence[Record]) -> None:
        held, following = self._held[partition], records[-1].offset + 1
        await failpoint("toy.after_step")
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT INTO effects (value) SELECT unnest($1::bigint[])",
                [int(record.value or b"") for record in records],
            )
            await connection.execute(ADVANCE, *partition, held.next_offset, held.epoch, following)
            await failpoint("toy.before_commit")
        await failpoint("toy.after_commit")
        self._held[partition] = Position(following, held.epoch)

    def wake_at_ms(self, partition: TopicPartition) -> int | None:
        return None

    async def close(self, partition: TopicPartition) -> None:
        self._held.pop(partition, None)


@asynccontextmanager
async def _ending(settings: CommonSettings) -> AsyncIterator[None]:
    """Nothing, but an instance called `hangs` never lets go."""
    yield
    if settings.instance == "hangs":
        await asyncio.sleep(3600)


@asynccontextmanager
async def bind(settings: CommonSettings) -> AsyncIterator[Service]:
    """Build the service."""
    metrics = Metrics()
    async with Database.connect(settings.database_url, schema="toy") as database, _ending(settings):
        loop = ConsumerLoop(
            KafkaSettings.of(settings),
            [TOPIC],
            "toy",
            Store(database, Positions(database, owner=settings.instance, log_id="log")),
            settings=StreamSettings.of(settings, "toy"),
            clock=WallClock(),
            metrics=metrics,
        )

        async def ready() -> Mapping[str, str | None]:
            return {"consumer": loop.problem(), "database": await database.problem()}

        yield Service("toy", PlainTextResponse("toy"), {"consumer": loop.run}, ready, metrics)
