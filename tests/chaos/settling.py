"""Whether everything that was accepted is decided and told, asked of the stores; for `judge`."""

from __future__ import annotations

from notifier.handler import CONSUMED
from tenon.contracts import topics
from tenon.kafka import end_offsets
from tests.chaos.line import Line


async def unsettled(line: Line) -> list[str]:
    """What is left to do, in words; nothing when all is decided and told."""
    waiting = {
        "events in ingest's outbox": "SELECT count(*) FROM ingest.outbox WHERE published_at IS NULL",
        "rounds not told": "SELECT count(*) FROM matcher.rounds WHERE published_at IS NULL",
    }
    found = [
        f"{many} {what}"
        for what, question in waiting.items()
        if (many := await line.stack.postgres.psql(question)) != "0"
    ]
    for service, names in (("matcher", (topics.MARKET.name,)), ("notifier", CONSUMED)):
        rows = await line.stack.postgres.psql(
            f"SELECT topic, partition, next_offset FROM {service}.positions"
        )
        at = {(topic, int(number)): int(offset) for topic, number, offset in _cells(rows)}
        for name in names:
            for number, end in (await end_offsets(line.kafka, name)).items():
                if end and at.get((name, number), 0) < end:
                    found.append(f"{service} is at {at.get((name, number))} of {end} in {name}/{number}")
    return found


def _cells(rows: str) -> list[list[str]]:
    return [row.split("|") for row in rows.splitlines()]
