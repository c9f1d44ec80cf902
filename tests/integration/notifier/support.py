"""A running notifier to test against: real Kafka, real PostgreSQL, the service inside the test's process."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from tempfile import TemporaryFile
from typing import Any

import aiohttp
import msgspec
from pydantic import SecretStr

from notifier.service import bind
from notifier.settings import NotifierSettings
from tenon.app import serve
from tenon.contracts.markets import MarketTable
from tenon.contracts.topics import TOPICS
from tenon.contracts.values import Shape
from tenon.kafka import KafkaSettings, Producer, ensure_layout, ensure_topics
from tenon.migrations import migrate
from tenon.records import OutRecord
from tests.support.told import key_of, party_state, record

PARTITIONS = 2
ADMIN_KEY = "administrator-of-tests"
MILL, CLINIC = "tenon_k1_mill", "tenon_k1_clinic"


@dataclass(frozen=True)
class Event:
    """An event of a stream."""

    number: int
    type: str
    body: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.body["data"]
        return data


@dataclass
class Bench:
    """Kafka with the matcher's topics, a schema, and any number of notifiers on them."""

    kafka: KafkaSettings
    database_url: str
    producer: Producer
    session: aiohttp.ClientSession
    settings: Mapping[str, Any] = field(default_factory=dict)
    names: count[int] = field(default_factory=lambda: count(1))
    sequences: dict[str, int] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)

    @asynccontextmanager
    async def notifier(self, **settings: Any) -> AsyncIterator[str]:
        """Run a notifier; yields its address when it is ready."""
        stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
        task = asyncio.create_task(
            serve(bind, self.settings_of(**settings), stop, lambda url: address.set_result(url))
        )
        try:
            await asyncio.wait([task, address], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            await eventually(lambda: self._is_ready(address.result()))
            yield address.result()
        finally:
            stop.set()
            await task

    def settings_of(self, **settings: Any) -> NotifierSettings:
        """Return settings that are quick enough for tests."""
        given = {
            "kafka_bootstrap": self.kafka.bootstrap,
            "topic_prefix": self.kafka.prefix,
            "database_url": self.database_url,
            "http_port": 0,
            "instance": f"notifier-{next(self.names)}",
            "admin_key": SecretStr(ADMIN_KEY),
            "session_timeout_ms": 6_000,
            "rebalance_timeout_ms": 8_000,
            "stream_heartbeat_ms": 300,
            "stream_poll_ms": 100,
            "webhook_allow_private": True,
            "webhook_poll_ms": 50,
            "webhook_retry_schedule": "20ms,20ms,20ms",
            "webhook_timeout_ms": 2_000,
            "webhook_lease_ms": 1_500,
            **self.settings,
            **settings,
        }
        return NotifierSettings(**given)

    async def tell(self, *messages: Shape) -> list[OutRecord]:
        """Write messages as their senders do, with the next sequence of their keys; return the records."""
        records = [self.next_record(message) for message in messages]
        await self.write(records)
        return records

    def next_record(self, message: Shape, partition: int = 0) -> OutRecord:
        """Return the record of a message with the next sequence of its key."""
        key = key_of(message)
        self.sequences[key] = self.sequences.get(key, 0) + 1
        return record(message, self.sequences[key], partition=partition)

    async def write(self, records: Sequence[OutRecord]) -> None:
        """Write records and wait until they are there."""
        for receipt in await self.producer.send_and_wait(records, deadline_ms=30_000):
            assert receipt.state == "written", receipt

    async def get(self, url: str, key: str | None = ADMIN_KEY, **params: str) -> Any:
        """Return what a GET answers; anything but 200 is an error."""
        await self._until_known(url, key)
        async with self.session.get(url, params=params, headers=authorized(key)) as answer:
            assert answer.status == 200, await answer.text()
            return msgspec.json.decode(await answer.read())

    async def status(self, url: str, key: str | None = ADMIN_KEY, method: str = "GET", **params: str) -> int:
        """Return the status of a request."""
        async with self.session.request(method, url, params=params, headers=authorized(key)) as answer:
            return answer.status

    async def post(self, url: str, key: str = ADMIN_KEY, body: object = None) -> tuple[int, Any]:
        """Return status and document of a POST."""
        await self._until_known(url, key)
        data = None if body is None else msgspec.json.encode(body)
        async with self.session.post(url, data=data, headers=authorized(key)) as answer:
            return answer.status, msgspec.json.decode(await answer.read())

    async def subscribe(self, address: str, key: str = MILL, /, **wanted: Any) -> dict[str, Any]:
        """Subscribe and send the trial; return the subscription with its secret."""
        status, made = await self.post(f"{address}/v1/subscriptions", key, wanted)
        assert status == 201, made
        status, trial = await self.post(f"{address}/v1/subscriptions/{made['id']}/ping", key)
        assert trial["taken"], trial
        return dict(made)

    @asynccontextmanager
    async def process(self, failpoints: str) -> AsyncIterator[Process]:
        """Run a notifier as a process of its own, which dies at its failpoint."""
        settings = self.settings_of()
        environment = {
            "TENON_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "TENON_TOPIC_PREFIX": settings.topic_prefix,
            "TENON_DATABASE_URL": settings.database_url,
            "TENON_HTTP_PORT": "0",
            "TENON_MAX_POLL_RECORDS": str(settings.max_poll_records),
            "TENON_SESSION_TIMEOUT_MS": "6000",
            "TENON_WEBHOOK_ALLOW_PRIVATE": "true",
            "TENON_WEBHOOK_LEASE_MS": str(settings.webhook_lease_ms),
            "TENON_WEBHOOK_BATCH": str(settings.webhook_batch),
            "TENON_FAILPOINTS": failpoints,
        }
        with TemporaryFile() as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "notifier", env={**os.environ, **environment}, stderr=log, stdout=log
            )
            try:
                yield process
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()

    @asynccontextmanager
    async def stream(
        self, address: str, key: str | None = None, headers: Mapping[str, str] | None = None, **params: str
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """Open a live stream."""
        await self._until_known(address, key)
        async with self.session.get(
            f"{address}/v1/stream", params=params, headers={**authorized(key), **(headers or {})}
        ) as answer:
            assert answer.status == 200, await answer.text()
            yield events(answer.content)

    async def _until_known(self, url: str, key: str | None) -> None:
        """Wait until the notifier has read of a party's key: it learns of keys as of everything else."""
        if key not in (MILL, CLINIC) or key in self.known:
            return
        address = "/".join(url.split("/")[:3])
        await eventually(lambda: self._signs_in(address, key))
        self.known.add(key)

    async def _signs_in(self, address: str, key: str) -> bool:
        return await self.status(f"{address}/v1/dockings", key) == 200

    async def _is_ready(self, address: str) -> bool:
        return await self.status(f"{address}/health/ready") == 200


@asynccontextmanager
async def bench(kafka: KafkaSettings, database_url: str, **settings: Any) -> AsyncIterator[Bench]:
    """Make topics and schema, and register the two parties of the tests."""
    async with AsyncExitStack() as stack:
        await ensure_topics(kafka, TOPICS, partitions=PARTITIONS)
        await ensure_layout(kafka, MarketTable(partitions=PARTITIONS))
        await migrate(database_url, package="notifier")
        producer = Producer(kafka)
        await producer.start()
        stack.push_async_callback(producer.stop)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        )
        made = Bench(kafka, database_url, producer, session, settings)
        await made.tell(party_state("mill", [MILL]), party_state("clinic", [CLINIC]))
        yield made


async def events(content: aiohttp.StreamReader) -> AsyncIterator[Event]:
    """Read server-sent events."""
    fields: dict[str, str] = {}
    async for raw in content:
        line = raw.decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield Event(int(fields["id"]), fields["event"], msgspec.json.decode(fields["data"]))
            fields = {}


async def take(stream: AsyncIterator[Event], number: int, timeout_s: float = 20) -> list[Event]:
    """Return the next events of a stream."""
    taken: list[Event] = []
    async with asyncio.timeout(timeout_s):
        while len(taken) < number:
            taken.append(await anext(stream))
    return taken


async def eventually(check: Callable[[], Awaitable[object]], timeout_s: float = 30) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(timeout_s):
        while True:
            if await check():
                return
            await asyncio.sleep(0.05)


def authorized(key: str | None) -> dict[str, str]:
    """Return the header that a key goes into."""
    return {} if key is None else {"authorization": f"Bearer {key}"}
