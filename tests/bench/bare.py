"""The bare pipeline: batched HTTP → Kafka → one transaction per batch → Kafka, as plainly as it can be.

The baseline of every ratio: the same server, parser, broker and database, and the same events, with nothing
checked and nothing decided. `python -m tests.bench.bare http PORT` and `… work`; TENON_KAFKA_… and
BENCH_DATABASE say where. Beside it `… call URL ENDPOINTS EACH`, the baseline of webhooks, and
`… stream PORT CLIENTS EVENTS`, that of live streams.
"""

import asyncio
import os
import sys
from collections.abc import Iterable
from typing import Any
from zlib import crc32

import aiohttp
import asyncpg
import msgspec
import uvicorn
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

MARKET, DECIDED, PARTITIONS = "bare.market", "bare.decided", 8
SCHEMA = """
CREATE SCHEMA bare;
CREATE TABLE bare.positions (partition int PRIMARY KEY, next_offset bigint NOT NULL);
INSERT INTO bare.positions SELECT generate_series(0, 7), 0;
CREATE TABLE bare.events (
  id text PRIMARY KEY, class text NOT NULL, quantity bigint NOT NULL, body bytea NOT NULL
);
"""
_INSERT = "INSERT INTO bare.events SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[])"
_MOVE = (
    "UPDATE bare.positions p SET next_offset = d.next_offset"
    " FROM unnest($1::int[], $2::bigint[]) AS d (partition, next_offset) WHERE p.partition = d.partition"
)
_GATHER_S = 0.002
_BATCH_BYTES = 512 * 1024
_CALL_BYTES = 1_300
"""About a step of a docking, as a party sees it."""
_FRAME_BYTES, _CHUNK = 550, 100
"""About a step of a docking, as the wall shows it; how many of them make 64 KiB."""


class _Class(msgspec.Struct):
    code: str


class _Item(msgspec.Struct):
    class_: _Class = msgspec.field(name="class")


class _Window(msgspec.Struct):
    quantity: int | str


class _Said(msgspec.Struct):
    item: _Item
    windows: list[_Window]


class Event(msgspec.Struct):
    """As much of an event as the bare pipeline reads."""

    id: str
    data: _Said


decode_event = msgspec.json.Decoder(Event).decode
_decode_batch = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Intake:
    """Gathers what requests bring, and writes it in batches."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self._waiting: dict[int, list[bytes]] = {}
        self._written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._some = asyncio.Event()

    async def post(self, request: Request) -> Response:
        """Answer when the events of a request are in Kafka."""
        body = await request.body()
        raws = _decode_batch(body) if body.startswith(b"[") else [msgspec.Raw(body)]
        for raw in raws:
            code = decode_event(raw).data.item.class_.code
            self._waiting.setdefault(crc32(code.encode()) % PARTITIONS, []).append(bytes(raw))
        self._some.set()
        await asyncio.shield(self._written)
        results = [{"index": index, "status": "accepted"} for index in range(len(raws))]
        return Response(msgspec.json.encode({"results": results}), 202)

    async def write(self) -> None:
        """Write what was gathered, again and again."""
        while await self._some.wait():
            await asyncio.sleep(_GATHER_S)
            self._some.clear()
            waiting, self._waiting = self._waiting, {}
            written, self._written = self._written, asyncio.get_running_loop().create_future()
            await asyncio.gather(*(_send(self._producer, MARKET, *each) for each in waiting.items()))
            written.set_result(None)


async def _send(producer: Any, topic: str, partition: int, values: Iterable[bytes]) -> None:
    batch, sent = producer.create_batch(), []
    for value in values:
        if batch.append(key=None, value=value, timestamp=None) is None:
            sent.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(key=None, value=value, timestamp=None)
    sent.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*sent)


async def _http(producer: Any, port: str) -> None:
    intake = Intake(producer)
    app = Starlette(routes=[Route("/v1/events", intake.post, methods=["POST"])])
    async with asyncio.TaskGroup() as group:
        group.create_task(intake.write())
        group.create_task(_server(app, port).serve())


async def _work(producer: Any) -> None:
    database = await asyncpg.connect(os.environ["BENCH_DATABASE"])
    consumer = AIOKafkaConsumer(**_access(), auto_offset_reset="none", enable_auto_commit=False)
    await consumer.start()
    consumer.assign([TopicPartition(MARKET, number) for number in range(PARTITIONS)])
    for where in consumer.assignment():
        consumer.seek(where, 0)
    while True:
        found = await consumer.getmany(timeout_ms=200)
        if found:
            await _store(database, found)
            await asyncio.gather(
                *(_send(producer, DECIDED, where.partition, _values(found[where])) for where in found)
            )


async def _store(database: Any, found: dict[Any, list[Any]]) -> None:
    values = [value for records in found.values() for value in _values(records)]
    events = [decode_event(value) for value in values]
    classes = [event.data.item.class_.code for event in events]
    quantities = [int(event.data.windows[0].quantity) for event in events]
    moved = [(where.partition, records[-1].offset + 1) for where, records in found.items()]
    async with database.transaction():
        await database.execute(_INSERT, [event.id for event in events], classes, quantities, values)
        await database.execute(_MOVE, *(list(column) for column in zip(*moved, strict=True)))


def _values(records: Iterable[Any]) -> list[bytes]:
    return [record.value for record in records]


def _access() -> dict[str, Any]:
    said = os.environ
    return {
        "bootstrap_servers": said["TENON_KAFKA_BOOTSTRAP"],
        "security_protocol": said["TENON_KAFKA_SECURITY"],
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": said["TENON_KAFKA_USERNAME"],
        "sasl_plain_password": said["TENON_KAFKA_PASSWORD"],
    }


async def _call(url: str, endpoints: str, each: str) -> None:
    """Call each endpoint so many times, one call at a time."""
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        for endpoint in range(int(endpoints)):
            group.create_task(_call_one(http, f"{url}/bare-{endpoint}", int(each)))


async def _call_one(http: aiohttp.ClientSession, url: str, times: int) -> None:
    body = b"x" * _CALL_BYTES
    for number in range(times):
        async with http.post(url, data=body, headers={"webhook-id": str(number)}) as answer:
            answer.raise_for_status()
            await answer.read()


async def _stream(port: str, clients: str, events: str) -> None:
    """Send so many events to each of so many clients, once all are there, in chunks of 64 KiB."""
    there, all_there = 0, asyncio.Event()
    data = b"x" * _FRAME_BYTES
    frames = [b"id: %d\nevent: bare\ndata: %s\n\n" % (number + 1, data) for number in range(int(events))]
    chunks = [b"".join(frames[at : at + _CHUNK]) for at in range(0, len(frames), _CHUNK)]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal there
        await send({"type": "http.response.start", "status": 200, "headers": []})
        there += 1
        if there == int(clients):
            all_there.set()
        await all_there.wait()
        for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await asyncio.Event().wait()

    await _server(app, port).serve()


def _server(app: Any, port: str) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            port=int(port),
            http="httptools",
            loop="none",
            interface="asgi3",
            lifespan="off",
            log_level="warning",
            access_log=False,
        )
    )


async def _main(role: str, *arguments: str) -> None:
    if role == "call":
        await _call(*arguments)
        return
    if role == "stream":
        await _stream(*arguments)
        return
    producer = AIOKafkaProducer(
        **_access(),
        enable_idempotence=True,
        acks="all",
        max_batch_size=_BATCH_BYTES,
    )
    await producer.start()
    await (_http(producer, *arguments) if role == "http" else _work(producer))


if __name__ == "__main__":
    uvloop.run(_main(*sys.argv[1:]))
