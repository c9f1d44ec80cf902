"""Waiting until a line has done all that it was given: what an audit at rest compares.

At rest: no outbox holds anything to be told, the matcher stands at the end of each partition of its log, its
rounds are told, and the notifier stands at the end of each of its topics. Endpoints may be behind: their
receivers decide that.
"""

import asyncio
from collections.abc import Callable

from tenon.contracts import topics
from tenon.db import Database
from tenon.kafka import KafkaSettings
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
_WAITING = f"""
SELECT (SELECT count(*) FROM ingest.outbox WHERE {_DUE}) AS ingest,
       (SELECT count(*) FROM notifier.outbox WHERE {_DUE}) AS notifier,
       (SELECT count(*) FROM matcher.rounds WHERE {_DUE}) AS rounds
"""  # noqa: S608 - only the constant above is put in


async def settled(
    kafka: KafkaSettings,
    database_url: str,
    *,
    seconds: float,
    say: Callable[[str], None] = lambda text: None,
) -> list[Finding]:
    """Wait until the line rests, for at most so many seconds; return what still moves then.

    Rest counts when it is seen twice in a row: what one part hands on, the next may have still to take.
    """
    ends = asyncio.get_running_loop().time() + seconds
    async with Database.connect(
        database_url, schema="audit", pool_size=1, statement_deadline_ms=None
    ) as database:
        rested = False
        while True:
            left = await _unsettled(kafka, database)
            if not left and rested:
                return []
            if left and asyncio.get_running_loop().time() >= ends:
                return left
            rested = not left
            if left:
                say(f"waiting: {left[0].what}")
                await asyncio.sleep(_LOOK_EVERY_S)


async def _unsettled(kafka: KafkaSettings, database: Database) -> list[Finding]:
    """Look along the way that data takes: so nothing is missed between two places."""
    found = await _waiting(database, "ingest", 1)
    found += await _behind(kafka, database, "matcher", (topics.MARKET.name,), 6)
    found += await _waiting(database, "rounds", 5)
    found += await _waiting(database, "notifier", 5)
    found += await _behind(kafka, database, "notifier", NOTIFIED, 5)
    return found


async def _waiting(database: Database, what: str, guarantee: int) -> list[Finding]:
    waiting = (await database.fetch(_WAITING))[0][what]
    if not waiting:
        return []
    where = "matcher.rounds" if what == "rounds" else f"{what}.outbox"
    todo = "see why nothing is told: `tenon logs`, and whether Kafka takes records"
    return [Finding(guarantee, "unsettled", f"{waiting} rows of {where} are still to be told", where, todo)]


async def _behind(
    kafka: KafkaSettings, database: Database, service: str, names: tuple[str, ...], guarantee: int
) -> list[Finding]:
    ends = await log.ends(kafka, names)
    stored = f"SELECT topic, partition, next_offset FROM {service}.positions"  # noqa: S608 - one of ours
    positions = {(entry[0], entry[1]): entry[2] for entry in await database.fetch(stored)}
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
