"""A small line that has done its work: three services on the real broker and database, fed by HTTP.

What is deterministic: what docks, who answers what, who hears of it. What is not: how polls cut the log into
rounds.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr

from ingest.service import bind as bind_ingest
from ingest.settings import IngestSettings
from matcher.service import bind as bind_matcher
from matcher.settings import MatcherSettings
from notifier.service import bind as bind_notifier
from notifier.settings import NotifierSettings
from tenon import app
from tenon.contracts.markets import MarketTable
from tenon.contracts.topics import TOPICS
from tenon.db import Database
from tenon.kafka import KafkaSettings, ensure_layout, ensure_topics, read
from tenon.migrations import migrate
from tenon.records import OutRecord, Record
from tenon.retry import retrying
from tenon.settings import CommonSettings
from tenon.sharding import Sharding
from tenon_audit import settled
from tests.support.streams import producing
from tests.support.waiting import until

ADMIN_KEY = "administrator-of-tests"
SOURCE = "/audit/tests"
_ITEM = {"class": {"scheme": "own", "code": "mask"}, "unit": "C62"}


@dataclass
class Line:
    """How to reach what the line wrote; `journal`: what its sender was answered, as JSON lines."""

    kafka: KafkaSettings
    database_url: str
    journal: list[dict[str, Any]] = field(default_factory=list)

    def write_journal(self, file: Path, *more: dict[str, Any]) -> Path:
        """Write the journal, with lines of a test behind it."""
        lines = [*self.journal, *more]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return file


@dataclass
class _Sender:
    """Sends events one by one, and writes down what it was answered."""

    line: Line
    session: aiohttp.ClientSession
    url: str
    sent: int = 0

    async def __call__(self, kind: str, **data: Any) -> None:
        self.sent += 1
        event = {"specversion": "1.0", "id": f"e{self.sent}", "source": SOURCE, "type": f"tenon.{kind}.v1"}
        headers = {"authorization": f"Bearer {ADMIN_KEY}", "content-type": "application/cloudevents+json"}
        for _ in range(2):  # each is said twice, as a sender that lost the answer does
            async with self.session.post(
                f"{self.url}/v1/events", data=json.dumps({**event, "data": data}), headers=headers
            ) as answer:
                assert answer.status == 202, await answer.text()
                self.line.journal.append(
                    {"id": event["id"], "source": SOURCE, "answer": answer.status, **_about(kind, data)}
                )


async def played(kafka: KafkaSettings, database_url: str) -> Line:
    """Run the story, wait until all of it is told, and stop the services."""
    await ensure_topics(kafka, TOPICS, partitions=MarketTable().partitions)
    await retrying("write the layout", lambda: ensure_layout(kafka, MarketTable()), deadline_ms=120_000)
    for service in ("ingest", "matcher", "notifier"):
        await migrate(database_url, package=service)
    line = Line(kafka, database_url)
    common: dict[str, Any] = {
        "kafka_bootstrap": kafka.bootstrap,
        "topic_prefix": kafka.prefix,
        "database_url": database_url,
    }
    common |= {"http_port": 0, "admin_key": SecretStr(ADMIN_KEY)}
    async with AsyncExitStack() as stack:
        ingest = await stack.enter_async_context(_served(bind_ingest, IngestSettings(**common)))
        quick: dict[str, Any] = {"session_timeout_ms": 3_000, "rebalance_timeout_ms": 5_000}
        matcher = {name: value for name, value in common.items() if name != "admin_key"}
        await stack.enter_async_context(_served(bind_matcher, MatcherSettings(**matcher, **quick)))
        await stack.enter_async_context(_served(bind_notifier, NotifierSettings(**common, **quick)))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        database = await stack.enter_async_context(Database.connect(database_url, schema="matcher"))
        await _story(_Sender(line, session, ingest), database)
        assert await settled(kafka, Sharding.of(database_url), seconds=60) == []
    return line


async def _story(say: _Sender, database: Database) -> None:
    """Two offers, three demands; one docking delivered, one declined and docked anew, one offer cut."""
    for name in ("acme", "bolt", "clinic", "depot"):
        await say("party.registered", party=name, revision=1, name=name.title())
        where = {"position": {"latitude": 48.1, "longitude": 11.6}, "region": "DE-BY"}
        await say("site.published", party=name, site="main", revision=1, **where)
    ever = {"from": "2026-01-01T00:00:00Z", "until": "2036-01-01T00:00:00Z"}
    hours = {"unit": "MIN", "windows": [{"id": "h", **ever, "quantity": 200}]}
    await say("resource.published", party="acme", resource="line", revision=1, **_place(), **hours)
    draw = {"id": "line", "load_factor": 1.5, "unit": "MIN"}
    await say("offer.published", **_entry("acme", "offer", "o1", 70), resource=draw)
    await say("offer.published", **_entry("bolt", "offer", "o2", 50))
    await say("demand.published", **_entry("clinic", "demand", "d1", 60))
    await say("demand.published", **_entry("depot", "demand", "d2", 90))
    first = await _dockings(database, "proposed", 3)
    of_clinic = next(name for name, demand in first if demand == "clinic/d1")
    of_depot = next(name for name, demand in first if demand == "depot/d2")
    for party in ("acme", "bolt"):
        for name, _ in first:
            await say("docking.answered", **_answer(party, name, "accept"))
    await say("docking.answered", **_answer("clinic", of_clinic, "accept"))
    await say("docking.answered", **_answer("depot", of_depot, "decline"))
    await _dockings(database, "declined", 1)
    report = {"class": _ITEM["class"], "unit": "C62", "docking": of_clinic}
    await say("docking.progressed", party="clinic", revision=1, delivered=5, **report)
    await say("offer.published", **_entry("bolt", "offer", "o2", 40, revision=2))
    await say("demand.published", **_entry("clinic", "demand", "d3", 10))
    await say("demand.withdrawn", party="clinic", demand="d3", revision=2, **{"class": _ITEM["class"]})


def _entry(party: str, kind: str, name: str, quantity: int, revision: int = 1) -> dict[str, Any]:
    ever = {"from": "2026-01-01T00:00:00Z", "until": "2036-01-01T00:00:00Z"}
    said = {"site": "main", "item": _ITEM, "windows": [{"id": "w", **ever, "quantity": quantity}]}
    return {"party": party, kind: name, "revision": revision, **said}


def _place() -> dict[str, Any]:
    return {"site": "main", "class": _ITEM["class"]}


def _answer(party: str, docking: str, answer: str) -> dict[str, Any]:
    return {
        "party": party,
        "docking": docking,
        "docking_revision": 1,
        "class": _ITEM["class"],
        "answer": answer,
    }


def _about(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """What a journal says of a statement of the registry."""
    if kind == "party.registered":
        return {"kind": "party", "key": data["party"], "revision": data["revision"]}
    if kind == "site.published":
        return {"kind": "site", "key": f"{data['party']}/{data['site']}", "revision": data["revision"]}
    return {}


async def _dockings(database: Database, status: str, many: int) -> Sequence[tuple[str, str]]:
    async def found() -> list[tuple[str, str]]:
        rows = await database.fetch("SELECT docking, demand FROM dockings WHERE status = $1", status)
        return [(row[0], row[1]) for row in rows] if len(rows) >= many else []

    return await until(found, f"{many} dockings are {status}")


@asynccontextmanager
async def _served(bind: Any, settings: CommonSettings) -> AsyncIterator[str]:
    """Run a service until the block ends; yields its address."""
    stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(app.serve(bind, settings, stop, address.set_result))
    await asyncio.wait([task, address], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    try:
        yield await address
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


Change = Callable[[Record], OutRecord | None]
"""What becomes of a record in a copy; None: it is left out."""


async def copied(line: Line, kafka: KafkaSettings, change: Change) -> Line:
    """Write the line's topics again under another prefix, but for what a test changes."""
    await ensure_topics(kafka, TOPICS, partitions=MarketTable().partitions)
    async with producing(kafka) as producer:
        for topic in TOPICS:
            records = [change(record) async for record in read(line.kafka, topic.name)]
            kept = [record for record in records if record is not None]
            receipts = await producer.send_and_wait(kept, deadline_ms=30_000)
            assert {receipt.state for receipt in receipts} <= {"written"}
    return Line(kafka, line.database_url, line.journal)


def as_it_is(record: Record) -> OutRecord:
    """Return a record to be written as it was read."""
    return OutRecord(record.topic, record.key, record.value, record.headers, record.partition)
