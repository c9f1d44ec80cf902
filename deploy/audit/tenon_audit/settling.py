"""Waiting until a line has done all that it was given: what an audit at rest compares.

At rest: no outbox holds anything to be told, the matcher stands at the end of each partition of its log, its
rounds are told, and the notifier stands at the end of each of its topics. Endpoints may be behind: their
receivers decide that.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass

from tenon.contracts import topics
from tenon.db import Database, Row
from tenon.kafka import KafkaSettings
from tenon.sharding import Sharding
from tenon_audit import log
from tenon_audit.finding import Finding, record, row

NOTIFIED = (
    topics.DOCKINGS.name,
    topics.POSITIONS.name,
    topics.ALERTS.name,
    topics.REJECTED.name,
    topics.ROUNDS.name,
    topics.PARTIES.name,
)
_LOOK_EVERY_S = 0.25
_DUE = "published_at IS NULL AND parked_why IS NULL"


async def settled(
    kafka: KafkaSettings,
    sharding: Sharding,
    *,
    seconds: float,
    say: Callable[[str], None] = lambda text: None,
) -> list[Finding]:
    """Wait until the line rests, for at most so many seconds; return what still moves then.

    Rest counts when it is seen twice in a row: what one part hands on, the next may have still to take.
    """
    ends = asyncio.get_running_loop().time() + seconds
    async with AsyncExitStack() as stack:
        line = _Line(kafka, sharding, [await stack.enter_async_context(_open(url)) for url in sharding.urls])
        rested = False
        while True:
            left = await line.unsettled()
            if not left and rested:
                return []
            if left and asyncio.get_running_loop().time() >= ends:
                return left
            rested = not left
            if left:
                say(f"waiting: {left[0].what}")
                await asyncio.sleep(_LOOK_EVERY_S)


def _open(url: str) -> AbstractAsyncContextManager[Database]:
    return Database.connect(url, schema="audit", pool_size=1, statement_deadline_ms=None)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that may still move. The first database has every schema, others rows of the matcher."""

    kafka: KafkaSettings
    sharding: Sharding
    databases: Sequence[Database]

    async def unsettled(self) -> list[Finding]:
        """Look along the way that data takes: so nothing is missed between two places."""
        found = await self._untold("ingest.outbox", 1)
        found += await self._behind("matcher", (topics.MARKET.name,), 6)
        found += await self._rounds_untold()
        found += await self._untold("notifier.outbox", 5)
        found += await self._behind("notifier", NOTIFIED, 5)
        return found

    async def _untold(self, table: str, guarantee: int) -> list[Finding]:
        waiting = await self.databases[0].fetchval(f"SELECT count(*) FROM {table} WHERE {_DUE}")  # noqa: S608
        return _waiting(table, waiting, guarantee)

    async def _rounds_untold(self) -> list[Finding]:
        query = f"SELECT partition, count(*) AS due FROM matcher.rounds WHERE {_DUE} GROUP BY 1"  # noqa: S608
        return _waiting("matcher.rounds", sum([row["due"] for row in await self._matcher(query)]), 5)

    async def _behind(self, service: str, names: tuple[str, ...], guarantee: int) -> list[Finding]:
        ends = await log.ends(self.kafka, names)
        query = f"SELECT topic, partition, next_offset FROM {service}.positions"  # noqa: S608 - one of ours
        stored = await (self._matcher(query) if service == "matcher" else self.databases[0].fetch(query))
        positions = {(entry[0], entry[1]): entry[2] for entry in stored}
        return [
            Finding(
                guarantee,
                "unsettled",
                f"the {service} is {end - positions.get(place, 0)} records behind in {place}",
                f"{row(f'{service}.positions', *place)}, {record(*place, positions.get(place, 0))}",
                f"see whether the {service} runs and gets on: `tenon status`, `tenon logs {service}`",
            )
            for place, end in sorted(ends.items())
            if positions.get(place, 0) < end
        ]

    async def _matcher(self, query: str) -> list[Row]:
        """Return rows of each partition from the database that holds it."""
        return [
            found
            for number, database in enumerate(self.databases)
            for found in await database.fetch(query)
            if self.sharding.number_of(found["partition"]) == number
        ]


def _waiting(table: str, waiting: int, guarantee: int) -> list[Finding]:
    if not waiting:
        return []
    todo = "see why nothing is told: `tenon logs`, and whether Kafka takes records"
    return [Finding(guarantee, "unsettled", f"{waiting} rows of {table} are still to be told", table, todo)]
