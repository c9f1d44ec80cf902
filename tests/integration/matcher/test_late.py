"""Rounds that a process tells late, when another has told them and more: on the real database alone."""

from functools import partial

from matcher.domain.step import step
from matcher.relaying import RoundSource
from matcher.shards import Shard, Shards
from matcher.store import RoundToTell, Store
from tenon.contracts import topics
from tenon.db import Database
from tenon.migrations import migrate
from tenon.positions import Positions
from tenon.records import TopicPartition
from tenon.relay import Done
from tests.support.market import START_MS, offer, read_of
from tests.support.waiting import until

PARTITION = TopicPartition(topics.MARKET.name, 0)


async def test_what_was_told_after_a_round_that_came_late_is_told_again(postgres: str) -> None:
    await migrate(postgres, package="matcher")
    async with Database.connect(postgres, schema="matcher") as database:
        store, epoch = Store(database), await _decide(database, "a", "b", "c")
        epochs = {0: epoch}
        shards = Shards([Shard(store, Positions(database, owner="one", log_id="log"))])
        cut_off, heir = RoundSource(shards, lambda: epochs), RoundSource(shards, lambda: {0: epoch})
        (under_way, *_) = await cut_off.claim(10)
        epochs.clear()
        await heir.settle([(told, Done()) for told in await heir.claim(10)])
        assert await heir.claim(10) == []

        await cut_off.settle([(under_way, Done())])
        again = await until(partial(_claimed, cut_off, heir), "rounds are to be told again", 10)
        assert [told.round for told in again] == [2, 3]

        await heir.settle([(told, Done()) for told in again])
        assert await _claimed(cut_off, heir) == []


async def _claimed(cut_off: RoundSource, heir: RoundSource) -> list[RoundToTell]:
    """Let both look for work; what there is for the heir."""
    assert await cut_off.claim(10) == []
    return list(await heir.claim(10))


async def _decide(database: Database, *offers: str) -> int:
    """Store a round for each offer; returns the epoch."""
    store, positions = Store(database), Positions(database, owner="one", log_id="log")
    position = await positions.take(PARTITION)
    state = await store.load(0, position.next_offset)
    for name in offers:
        decisions = step(state, read_of([offer(name, 70)], state.next_offset, START_MS))
        position = await store.commit(PARTITION, position, decisions)
    return position.epoch
