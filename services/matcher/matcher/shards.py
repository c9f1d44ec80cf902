"""The databases of the partitions that this process owns, as one store.

Each is asked for its own partitions only, all at the same time. What fails in one leaves the others as they
are: the rounds of one partition are in one transaction, those of two databases are not.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeVar

from matcher.store import SCHEMA, RoundToTell, Store, ToStore
from tenon.backlog import Backlog
from tenon.db import Database
from tenon.positions import Position, Positions
from tenon.sharding import Sharding

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Shard:
    """One database: the rounds of its partitions, and how far they are."""

    store: Store
    positions: Positions


class Shards:
    """All of them. `number_of` says which holds a partition."""

    def __init__(self, shards: Sequence[Shard], number_of: Callable[[int], int] = lambda _: 0) -> None:
        self._shards = shards
        self._number_of = number_of

    def of(self, partition: int) -> Shard:
        """Return the database of a partition."""
        return self._shards[self._number_of(partition)]

    async def commit_all(self, rounds: Sequence[ToStore]) -> list[Position]:
        """Store a round of each of some partitions, all or none of one database; returns their positions.

        Raises `Fenced` or `Transient` when any of them is not stored: those of other databases may be.
        """
        parts = self._parts(rounds, lambda each: each[0].partition)
        stored = await _all(shard.store.commit_all(some) for shard, some in parts)
        after = {
            each[0]: position
            for (_, some), positions in zip(parts, stored, strict=True)
            for each, position in zip(some, positions, strict=True)
        }
        return [after[each[0]] for each in rounds]

    async def to_tell(self, epochs: Mapping[int, int], limit: int) -> list[RoundToTell]:
        """Return rounds of these partitions that are not told yet, as `Store.to_tell`, in turn of each."""
        parts = self._parts(epochs.items(), lambda each: each[0])
        found = await _all(shard.store.to_tell(dict(some), limit) for shard, some in parts)
        return [told for turn in zip_longest(*found) for told in turn if told is not None][:limit]

    async def mark_told(self, rounds: Sequence[RoundToTell]) -> dict[int, int]:
        """Mark rounds as told; returns for each partition the first of them that another had told before."""
        parts = self._parts(rounds, lambda told: told.partition)
        late = await _all(shard.store.mark_told(some) for shard, some in parts)
        return {partition: number for each in late for partition, number in each.items()}

    async def tell_again(self, after: Mapping[int, int]) -> None:
        """Let whoever owns these partitions tell again what was told after a round of each."""
        parts = self._parts(after.items(), lambda each: each[0])
        await _all(shard.store.tell_again(dict(some)) for shard, some in parts)

    async def backlog(self) -> Backlog:
        """Return how many rounds are not told yet or were set aside, in all databases."""
        found = await _all(shard.store.backlog() for shard in self._shards)
        return Backlog(
            sum(each.waiting for each in found),
            max(each.oldest_seconds for each in found),
            sum(each.parked for each in found),
        )

    def _parts(self, things: Iterable[T], partition: Callable[[T], int]) -> list[tuple[Shard, list[T]]]:
        """Return things by the database that holds their partition, in their order."""
        parts: dict[int, list[T]] = {}
        for thing in things:
            parts.setdefault(self._number_of(partition(thing)), []).append(thing)
        return [(self._shards[number], some) for number, some in parts.items()]


async def _all(works: Iterable[Awaitable[R]]) -> list[R]:
    """Return what all of them return; raises what the first that failed did, when all have ended."""
    ends = await asyncio.gather(*works, return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return [end for end in ends if not isinstance(end, BaseException)]


@asynccontextmanager
async def connected(sharding: Sharding, pool_size: int) -> AsyncIterator[list[Database]]:
    """Connect every database, in the order of `sharding.urls`; all are closed at the end."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(Database.connect(url, schema=SCHEMA, pool_size=pool_size))
            for url in sharding.urls
        ]


def shards_of(databases: Sequence[Database], sharding: Sharding, *, owner: str, log_id: str) -> Shards:
    """Return connected databases as one store."""
    return Shards(
        [Shard(Store(database), Positions(database, owner=owner, log_id=log_id)) for database in databases],
        sharding.number_of,
    )
