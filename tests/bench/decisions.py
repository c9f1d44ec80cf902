"""What `matcher.rounds` says of a matcher: how fast it decided, and for how long it did not.

The arithmetic is pure; what asks the database is at the end. Must not know why a matcher was fast or slow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import asyncpg

from tenon.contracts.topics import MARKET
from tenon_local.stack import Stack
from tests.support.waiting import until

_ROUNDS = """
SELECT partition, next_offset - first_offset, extract(epoch FROM decided_at), extract(epoch FROM published_at)
FROM matcher.rounds WHERE decided_at >= to_timestamp($1) AND next_offset > first_offset ORDER BY decided_at
"""
_DONE = """
SELECT (SELECT sum(next_offset) FROM matcher.positions WHERE topic = $1) >= $2
    AND NOT EXISTS (SELECT FROM matcher.rounds WHERE published_at IS NULL)
"""
_PASSED = "SELECT sum(next_offset) > $2 FROM matcher.positions WHERE topic = $1"
_OWNED = "SELECT count(DISTINCT owner) = $2 FROM matcher.positions WHERE topic = $1"
_DEADLINE_S = 1_500


@dataclass(frozen=True, slots=True)
class Decided:
    """A round that read something. Unix seconds of its commit, and of its being told."""

    partition: int
    records: int
    at: float
    told: float | None


def per_s(rounds: Sequence[Decided]) -> float:
    """Return how many records a second were decided and told, from the first commit to the last telling.

    The first commit is where the clock starts, so what it decided does not count.
    """
    began = min(each.at for each in rounds)
    ended = max(each.told for each in rounds if each.told is not None)
    return sum(each.records for each in rounds if each.at > began) / (ended - began)


def first_rounds(rounds: Iterable[Decided]) -> dict[int, float]:
    """Return when each partition had its first round."""
    firsts: dict[int, float] = {}
    for each in rounds:
        firsts[each.partition] = min(each.at, firsts.get(each.partition, each.at))
    return firsts


def longest_without(rounds: Iterable[Decided], began: float, ended: float, partitions: int) -> float:
    """Return the longest time between two moments in which one of the partitions had no round."""
    times: dict[int, list[float]] = {number: [began] for number in range(partitions)}
    for each in sorted(rounds, key=lambda each: each.at):
        if began <= each.at <= ended:
            times[each.partition].append(each.at)
    return max(after - before for one in times.values() for before, after in pairwise([*one, ended]))


async def decided_since(stack: Stack, began: float) -> list[Decided]:
    """Return the rounds that were decided since a moment, in order."""
    rows = await _ask(stack, _ROUNDS, began)
    return [Decided(row[0], row[1], float(row[2]), None if row[3] is None else float(row[3])) for row in rows]


async def until_decided(stack: Stack, records: int) -> None:
    """Return when so many records of the log are decided and told."""
    await _until(stack, f"{records} records decided and told", _DONE, MARKET.name, records)


async def until_beyond(stack: Stack, records: int) -> None:
    """Return when more than so many records of the log are decided."""
    await _until(stack, f"more than {records} records decided", _PASSED, MARKET.name, records)


async def until_owned_by(stack: Stack, matchers: int) -> None:
    """Return when the partitions are with so many matchers."""
    await _until(stack, f"partitions with {matchers} matchers", _OWNED, MARKET.name, matchers)


async def _until(stack: Stack, what: str, question: str, *arguments: object) -> None:
    connection = await asyncpg.connect(stack.postgres.url("auditor"))
    try:
        await until(lambda: connection.fetchval(question, *arguments), what, _DEADLINE_S)
    finally:
        await connection.close()


async def _ask(stack: Stack, question: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(stack.postgres.url("auditor"))
    try:
        return list(await connection.fetch(question, *arguments))
    finally:
        await connection.close()
