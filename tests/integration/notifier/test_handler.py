"""The handler on the real database: what partitions have together is stored as if each had come alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from notifier.handler import FeedHandler
from tenon.clock import WallClock
from tenon.contracts import topics
from tenon.contracts.cloudevents import CloudEvent, to_kafka
from tenon.contracts.codec import encode
from tenon.contracts.rejections import EventRejected, Origin
from tenon.contracts.topics import POSITIONS
from tenon.db import Database
from tenon.errors import Fenced, Misconfigured
from tenon.metrics import Metrics
from tenon.migrations import migrate
from tenon.positions import Positions, stored
from tenon.records import OutRecord, Record, TopicPartition
from tests.support.told import (
    START,
    demand_position,
    docking,
    offer_position,
    party_state,
    record,
    round_decided,
    unmet,
)

Batches = dict[TopicPartition, list[Record]]
ENDED = OutRecord(POSITIONS.name, b"clinic/demand/demand-1", None, [("ce_sequence", b"%020d" % 9)])
REJECTED = EventRejected(
    service="matcher",
    code="not_json",
    detail="odd",
    origin=Origin(topic="tenon.market.v1", partition=1, offset=9, party="mill"),
    at=START,
)


def rejected(event_id: str) -> OutRecord:
    """A rejection as the matcher tells it."""
    event = CloudEvent(event_id, "/tenon/matcher", "tenon.event.rejected.v1", encode(REJECTED))
    return OutRecord(topics.REJECTED.name, b"tenon.market.v1/1", event.data, to_kafka(event), 0)


STORY: Sequence[OutRecord] = [
    record(party_state("mill"), 1),
    record(demand_position(), 1),
    record(offer_position(), 1, partition=1),
    record(docking("d-1"), 1),
    record(docking("d-2", demand="ward"), 1, partition=1),
    record(docking("d-1"), 1),
    record(docking("d-1", "confirmed", 2), 2),
    record(docking("d-1"), 1, partition=1),
    record(unmet(), 1, event_id="alert-1"),
    record(unmet(), 1, event_id="alert-1", partition=1),
    rejected("alert-1"),
    rejected("rejected-1"),
    record(docking("d-3"), 1),
    record(docking("d-3", "declined"), 2),
    record(round_decided(0, 7), 1),
    record(round_decided(1, 3), 1, partition=1),
    record(demand_position(market="own:gown"), 1),
    record(demand_position(open_=1), 2),
    record(docking("d-1", "shipped", 3, shipped=Decimal(40)), 3),
    ENDED,
    record(demand_position(), 1),
]
TABLES: Mapping[str, str] = {
    "feed": "SELECT audience, number, event_id, type, subject, body FROM feed ORDER BY 1, 2",
    "counters": "SELECT * FROM feed_counters ORDER BY 1",
    "dockings": "SELECT * FROM dockings ORDER BY 1",
    "steps": "SELECT docking, revision, data FROM steps ORDER BY 1, 2",
    "offers": "SELECT * FROM offers ORDER BY 1, 2",
    "demands": "SELECT * FROM demands ORDER BY 1, 2",
    "parties": "SELECT * FROM parties ORDER BY 1",
    "rejections": "SELECT event_id, party, type, data FROM rejections ORDER BY 1",
    "partitions": "SELECT * FROM partitions ORDER BY 1",
    "sequences": "SELECT topic, key, sequence FROM sequences ORDER BY 1, 2",
    "seen": "SELECT event_id FROM seen_events ORDER BY 1",
    "outbox": "SELECT topic, key FROM outbox ORDER BY id",
    "positions": "SELECT topic, partition, next_offset, epoch FROM positions ORDER BY 1, 2",
    "totals": "SELECT unit, name, sum(count), sum(quantity) FROM totals GROUP BY 1, 2"
    " HAVING sum(count) <> 0 ORDER BY 1, 2",
}


@dataclass
class Stored:
    """A handler and what it has stored."""

    database: Database
    positions: Positions
    handler: FeedHandler

    async def tables(self) -> dict[str, list[Any]]:
        """Return the rows of all tables."""
        return {name: [tuple(row) for row in await self.database.fetch(q)] for name, q in TABLES.items()}


@asynccontextmanager
async def storing(url: str, batches: Iterable[TopicPartition]) -> AsyncIterator[Stored]:
    """A handler that has opened partitions."""
    await migrate(url, package="notifier")
    async with Database.connect(url, schema="notifier") as database:
        positions = Positions(database, owner="one", log_id="log")
        handler = FeedHandler(
            database,
            positions,
            pseudonym_key=b"k" * 32,
            most_unusable=3,
            wake=lambda: None,
            clock=WallClock(),
            metrics=Metrics(),
        )
        for where in batches:
            await handler.open(where)
        yield Stored(database, positions, handler)


def read(told: Iterable[OutRecord]) -> Batches:
    """Return records as they are read, by partition."""
    found: Batches = {}
    for each in told:
        batch = found.setdefault(TopicPartition(each.topic, each.partition or 0), [])
        batch.append(
            Record(each.topic, each.partition or 0, len(batch), each.key, each.value, each.headers, 0)
        )
    return dict(sorted(found.items()))


async def test_what_comes_together_is_stored_as_if_each_had_come_alone(
    postgres_pair: tuple[str, str],
) -> None:
    batches = read(STORY)
    async with storing(postgres_pair[0], batches) as alone, storing(postgres_pair[1], batches) as joint:
        for where, records in batches.items():
            await alone.handler.handle(where, records)
        await joint.handler.handle_jointly(batches)
        expected = await alone.tables()
        assert await joint.tables() == expected
        assert len(expected["steps"]) == 5
        assert len(expected["seen"]) == 2
        assert [row[1] for row in expected["feed"] if row[0] == "*"] == list(range(1, 8))


async def test_where_one_partition_was_lost_nothing_of_the_others_is_stored(postgres: str) -> None:
    batches = read(STORY)
    lost = min(batches)
    async with storing(postgres, batches) as one:
        before = await one.tables()
        await one.positions.take(lost)
        with pytest.raises(Fenced):
            await one.handler.handle_jointly(batches)
        after = await one.tables()
        assert {**after, "positions": []} == {**before, "positions": []}
        kept = {where: records for where, records in batches.items() if where != lost}
        await one.handler.handle_jointly(kept)
        assert all(each.next_offset > 0 for each in await stored(one.database) if each.partition != lost)


async def test_too_many_unusable_records_of_one_partition_stop_all_that_came_with_it(postgres: str) -> None:
    bad = [OutRecord(POSITIONS.name, b"k", b"{", [], 1)] * 3
    batches = read([*STORY[:5], *bad])
    async with storing(postgres, batches) as one:
        before = await one.tables()
        with pytest.raises(Misconfigured, match=r"tenon.positions.v1/1: 3 records in a row"):
            await one.handler.handle_jointly(batches)
        assert await one.tables() == before


async def test_unusable_records_in_a_row_are_counted_per_partition(postgres: str) -> None:
    bad = [OutRecord(POSITIONS.name, b"k", b"{", [], partition) for partition in (0, 1) for _ in range(2)]
    batches = read(bad)
    async with storing(postgres, batches) as one:
        await one.handler.handle_jointly(batches)
        rows = await one.database.fetch("SELECT partition, length FROM unusable_runs ORDER BY 1")
        assert [tuple(row) for row in rows] == [(0, 2), (1, 2)]
        assert len((await one.tables())["outbox"]) == 4
