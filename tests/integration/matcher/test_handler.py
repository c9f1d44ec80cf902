"""The handler on the real database, driven without Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from matcher.domain.state import FIRST_DIGEST, State
from matcher.handler import MatcherHandler
from matcher.store import Store
from tenon.clock import WallClock
from tenon.contracts import topics
from tenon.contracts.rounds import RoundDecided
from tenon.contracts.values import Shape
from tenon.db import Database
from tenon.metrics import Metrics
from tenon.migrations import migrate
from tenon.positions import Positions
from tenon.records import Record, TopicPartition
from tests.support.market import demand, offer
from tests.support.matching import log_record

PARTITION = TopicPartition(topics.MARKET.name, 0)


async def nobody_was_told(partition: int) -> RoundDecided | None:
    return None


def record(data: Shape, offset: int) -> Record:
    out = log_record(data, offset)
    return Record(out.topic, 0, offset, out.key, out.value, out.headers, 0)


class Watched(Store):
    """A store that lets a test look at the state it loaded."""

    state: State

    async def load(self, partition: int, next_offset: int, market: str | None = None) -> State:
        self.state = await super().load(partition, next_offset, market)
        return self.state

    @property
    def is_deciding(self) -> bool:
        """True from the first to the last moment of a partition's first round."""
        return self.state.round == 1 and self.state.digest == FIRST_DIGEST


@asynccontextmanager
async def handling(postgres: str) -> AsyncIterator[tuple[MatcherHandler, Watched]]:
    await migrate(postgres, package="matcher")
    async with Database.connect(postgres, schema="matcher") as database:
        store = Watched(database)
        handler = MatcherHandler(
            store,
            Positions(database, owner="one", log_id="log"),
            WallClock(),
            Metrics(),
            simulated=False,
            max_skipped_in_a_row=1,
            last_told=nobody_was_told,
            on_commit=lambda: None,
        )
        await handler.open(PARTITION)
        yield handler, store


async def test_what_else_the_process_does_goes_on_while_a_round_is_decided(postgres: str) -> None:
    async with handling(postgres) as (handler, store):
        data = [each for n in range(100) for each in (offer(f"o{n}", 10), demand(f"d{n}", 10))]
        records = [record(each, offset) for offset, each in enumerate(data)]
        deciding = asyncio.create_task(handler.handle(PARTITION, records))
        turns = 0
        while not deciding.done():
            turns += store.is_deciding
            await asyncio.sleep(0)
        await deciding
        assert turns > 0
