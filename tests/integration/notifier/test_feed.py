"""The feed itself, written by several transactions at once: gap-free whatever becomes of them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from notifier.domain.plan import Entry
from notifier.feed import Extent, Feed, FeedEntry
from notifier.store import write_feed
from tenon.db import Database
from tenon.migrations import migrate

AUDIENCES = ("*", "_admin", "clinic", "mill")


async def test_a_transaction_that_is_undone_leaves_no_gap(postgres: str) -> None:
    async with stored(postgres) as database:
        await write(database, entry("mill", "e-1"))
        with pytest.raises(ZeroDivisionError):
            await write_and_fail(database)
        await write(database, entry("mill", "e-2"))
        kept = [(each.number, each.event_id) for each in await Feed(database).page("mill", 0, 9)]
        assert kept == [(1, "e-1"), (2, "e-2")]


async def test_many_writers_at_once_wait_for_each_other_and_never_in_a_circle(postgres: str) -> None:
    chance = random.Random(7)
    async with stored(postgres) as database:
        batches = [
            [
                entry(audience, f"{batch}-{index}")
                for index, audience in enumerate(chance.choices(AUDIENCES, k=6))
            ]
            for batch in range(60)
        ]
        async with asyncio.timeout(60):
            await asyncio.gather(*[write(database, *batch) for batch in batches])
        for audience in AUDIENCES:
            found = await Feed(database).page(audience, 0, 500)
            wanted = {each.event_id for batch in batches for each in batch if each.audience == audience}
            assert [each.number for each in found] == list(range(1, len(wanted) + 1))
            assert {each.event_id for each in found} == wanted
            assert runs(found) == len({name.partition("-")[0] for name in wanted})


async def test_a_feed_shows_only_what_is_committed_and_nothing_before_it(postgres: str) -> None:
    async with stored(postgres) as database:
        async with database.transaction() as tx:
            await write_feed(tx, [entry("mill", "first")])
            second = asyncio.create_task(write(database, entry("mill", "second")))
            other = asyncio.create_task(write(database, entry("clinic", "other")))
            await other
            assert await Feed(database).page("mill", 0, 9) == []
            assert not second.done()
        await second
        assert [each.event_id for each in await Feed(database).page("mill", 0, 9)] == ["first", "second"]


async def test_a_feed_says_what_it_still_has(postgres: str) -> None:
    async with stored(postgres) as database:
        feed = Feed(database)
        assert await feed.extent("mill") == Extent(0, 0)
        await write(database, *[entry("mill", f"e-{number}") for number in range(5)])
        assert await feed.extent("mill") == Extent(0, 5)
        await database.execute("DELETE FROM feed WHERE number <= 3")
        assert await feed.extent("mill") == Extent(3, 5)
        await database.execute("DELETE FROM feed")
        assert await feed.extent("mill") == Extent(5, 5)
        assert await feed.last_numbers(["mill", "clinic"]) == {"mill": 5}


@asynccontextmanager
async def stored(url: str) -> AsyncIterator[Database]:
    """Make the notifier's schema."""
    await migrate(url, package="notifier")
    async with Database.connect(url, schema="notifier") as database:
        yield database


async def write(database: Database, *entries: Entry) -> None:
    """Write entries in a transaction of their own."""
    async with database.transaction() as tx:
        await write_feed(tx, entries)


async def write_and_fail(database: Database) -> None:
    """Write an entry, and fail before the commit."""
    async with database.transaction() as tx:
        await write_feed(tx, [entry("mill", "undone")])
        raise ZeroDivisionError


def entry(audience: str, name: str) -> Entry:
    """An entry of a feed."""
    return Entry(audience, name, "tenon.docking.proposed.v1", name, "2026-03-02T00:00:00Z", b'{"id":"e"}')


def runs(found: Sequence[FeedEntry]) -> int:
    """How many batches follow each other in a feed: each is there in one piece."""
    batches = [each.event_id.partition("-")[0] for each in found]
    return 1 + sum(left != right for left, right in pairwise(batches))
