"""A running ingest, inside this process, on the real Kafka and PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from ingest.service import bind
from ingest.settings import IngestSettings
from tenon import app
from tenon.contracts.cloudevents import BATCH, STRUCTURED, CloudEvent, from_kafka
from tenon.contracts.markets import MarketTable
from tenon.contracts.topics import LAYOUT, MARKET, PARTIES
from tenon.kafka import KafkaSettings, ensure_layout, ensure_topics, read
from tenon.migrations import migrate

ADMIN_KEY = "the-administrators-own-key"
PARTITIONS = MarketTable().partitions
PATIENT: Mapping[str, Any] = {"send_deadline_ms": 60_000, "body_deadline_ms": 60_000}
"""Settings for tests in which an answer may take its time, as on a machine that does much else."""


@dataclass
class Answer:
    """A response that was read."""

    status: int
    headers: Any
    body: Any

    @property
    def pointers(self) -> list[str]:
        return [error["pointer"] for error in self.body.get("errors", [])]


@dataclass
class Ingest:
    """A caller of a running ingest, with one key."""

    url: str
    session: aiohttp.ClientSession
    key: str = ADMIN_KEY

    def having(self, key: str) -> "Ingest":
        return Ingest(self.url, self.session, key)

    async def call(self, method: str, path: str, **more: Any) -> Answer:
        headers = {"authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        async with self.session.request(method, self.url + path, headers=headers, **more) as response:
            raw = await response.read()
            is_json = "json" in response.headers.get("content-type", "")
            return Answer(response.status, response.headers, json.loads(raw) if is_json else raw)

    async def send(self, event: dict[str, Any] | bytes, kind: str = STRUCTURED) -> Answer:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return await self.call("POST", "/v1/events", data=body, headers={"content-type": kind})

    async def batch(self, events: Sequence[Any]) -> Answer:
        return await self.send(json.dumps(events).encode(), BATCH)

    async def accept(self, *events: dict[str, Any]) -> None:
        answer = await self.batch(events)
        assert answer.status == 202, answer.body
        assert answer.body["accepted"] == len(events), answer.body

    async def new_key(self, party: str) -> "Ingest":
        answer = await self.call("POST", f"/v1/parties/{party}/keys", json={"label": "test"})
        assert answer.status == 201, answer.body
        return self.having(answer.body["secret"])

    async def outbox_empty(self) -> None:
        for _ in range(1_000):
            if not (await self.call("GET", "/v1/outbox")).body["pending"]:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("the outbox did not become empty")


async def prepare(kafka: KafkaSettings, postgres: str, table: MarketTable | None = None) -> None:
    """Make topics, layout and schema."""
    markets = table or MarketTable()
    await ensure_topics(kafka, [MARKET, PARTIES, LAYOUT], partitions=markets.partitions)
    await ensure_layout(kafka, markets)
    await migrate(postgres, package="ingest")


def settings_for(kafka: KafkaSettings, postgres: str, **more: Any) -> IngestSettings:
    values: dict[str, Any] = {
        "kafka_bootstrap": kafka.bootstrap,
        "topic_prefix": kafka.prefix,
        "database_url": postgres,
        "http_port": 0,
        "admin_key": ADMIN_KEY,
        "clock": "log",
        "stop_deadline_ms": 5_000,
        **more,
    }
    return IngestSettings(**values)


@asynccontextmanager
async def running(settings: IngestSettings) -> AsyncIterator[Ingest]:
    """Run ingest until the block ends."""
    stop, listening = asyncio.Event(), asyncio.Event()
    urls: list[str] = []

    def told(url: str) -> None:
        urls.append(url)
        listening.set()

    task = asyncio.create_task(app.serve(bind, settings, stop, told))
    started = asyncio.create_task(listening.wait())
    await asyncio.wait([task, started], return_when=asyncio.FIRST_COMPLETED)
    started.cancel()
    if task.done():
        task.result()
    try:
        async with aiohttp.ClientSession() as session:
            yield Ingest(urls[0], session)
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


@asynccontextmanager
async def ready(kafka: KafkaSettings, postgres: str, **more: Any) -> AsyncIterator[Ingest]:
    """Prepare and run."""
    await prepare(kafka, postgres)
    async with running(settings_for(kafka, postgres, **more)) as ingest:
        yield ingest


async def written(kafka: KafkaSettings, topic: str = "tenon.market.v1") -> list[tuple[int, CloudEvent]]:
    """Return partition and event of every record of a topic."""
    return [(r.partition, from_kafka(r.headers, r.value)) async for r in read(kafka, topic)]


def event(event_type: str, data: dict[str, Any], event_id: str = "e1", **more: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": event_id, "source": "/test", "type": event_type, "data": data, **more}


def party(owner: str, revision: int = 1, **more: Any) -> dict[str, Any]:
    data = {"party": owner, "revision": revision, "name": f"Party {owner}", **more}
    return event("tenon.party.registered.v1", data, f"party-{owner}-{revision}")


def site(owner: str, site_id: str = "s1", revision: int = 1, **more: Any) -> dict[str, Any]:
    data = {
        "party": owner,
        "site": site_id,
        "revision": revision,
        "region": "CN-SD",
        "position": {"latitude": 36.0, "longitude": 117.0},
        **more,
    }
    return event("tenon.site.published.v1", data, f"site-{owner}-{site_id}-{revision}")


def offer(owner: str, offer_id: str = "o1", revision: int = 1, **more: Any) -> dict[str, Any]:
    data = {
        "party": owner,
        "offer": offer_id,
        "revision": revision,
        "site": "s1",
        "item": {"class": {"scheme": "hs", "code": "630790"}, "unit": "C62"},
        "windows": [
            {"id": "w1", "from": "2030-01-01T00:00:00Z", "until": "2030-02-01T00:00:00Z", "quantity": 10}
        ],
        **more,
    }
    return event("tenon.offer.published.v1", data, f"offer-{owner}-{offer_id}-{revision}")
