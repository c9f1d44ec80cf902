"""Bodies that are made to cost much: refused early, read beside everything else, in bounded memory."""

import asyncio
import gzip
import json
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress

import pytest

from ingest import reading
from ingest.domain.faults import Refused
from tenon.contracts.cloudevents import BATCH, JSON, STRUCTURED
from tenon.kafka import KafkaSettings
from tests.integration.ingest import running
from tests.integration.notifier.support import ADMIN_KEY, bench

MOST = reading.MOST_BYTES
HEAD = b'{"specversion":"1.0","id":"1","source":"s","type":"tenon.offer.withdrawn.v1","data":'


def one(data: bytes) -> bytes:
    """Return an event with this data."""
    return HEAD + data + b"}"


def filled(item: bytes, most: int) -> bytes:
    """Return a JSON array of as many items as fit into so many bytes."""
    return b"[" + b",".join([item] * ((most - 2) // (len(item) + 1))) + b"]"


def hostile() -> Iterator[tuple[str, str, bytes]]:
    """Yield name, media type and body."""
    room = reading.MOST_EVENT_BYTES - len(HEAD) - 2
    whole = {
        "numbers": filled(b"1", room),
        "objects": filled(b"{}", room),
        "escapes": filled(b'{"\\u0061":"\\n"}', room),
        "a name again and again": b'{"a":1' + b',"a":1' * ((room - 8) // 6) + b"}",
        "many names": b"{" + b",".join(b'"%x":1' % number for number in range(room // 10)) + b"}",
        "depth": b"[" * room,
        "digits": b"1" * room,
    }
    for name, data in whole.items():
        yield name, STRUCTURED, one(data)
        yield f"five of {name}", BATCH, b"[" + b",".join([one(data)[:-9] + b'"}'] * 5)[: MOST - 2] + b"]"
    yield "a batch of numbers", BATCH, filled(b"1", MOST)
    yield "a batch of objects", BATCH, filled(b"{}", MOST)
    yield "a batch of strings", BATCH, filled(b'""', MOST)
    yield "a deep batch", BATCH, b"[" * MOST


@pytest.mark.parametrize(("kind", "body"), [pytest.param(*case[1:], id=case[0]) for case in hostile()])
def test_reading_a_hostile_body_takes_bounded_memory(kind: str, body: bytes) -> None:
    tracemalloc.start()
    try:
        with suppress(Refused):
            reading.items_of(kind, {}, body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * 1024 * 1024


async def test_a_body_that_takes_long_holds_up_nobody(kafka: KafkaSettings, postgres: str) -> None:
    twice = b'{"a":1' + b',"a":1' * 150_000 + b"}"
    body = b"[" + b",".join([one(twice)] * 5) + b"]"
    began = time.perf_counter()
    reading.items_of(BATCH, {}, body)
    alone_s = time.perf_counter() - began
    async with running.ready(kafka, postgres, **running.PATIENT) as ingest:
        sending = asyncio.create_task(ingest.send(body, BATCH))
        longest_s, last = 0.0, time.perf_counter()
        while not sending.done():
            await asyncio.sleep(0.001)
            longest_s, last = max(longest_s, time.perf_counter() - last), time.perf_counter()
        assert (await sending).status == 422
    assert longest_s < alone_s / 2


async def test_a_packed_body_is_refused_before_it_is_unpacked(kafka: KafkaSettings, postgres: str) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    async with running.ready(kafka, postgres, **running.PATIENT) as ingest:
        for path, kind in (("/v1/events", BATCH), ("/v1/parties/acme/keys", JSON)):
            for encoding in ("gzip", "deflate", "br", "gzip, gzip"):
                headers = {"content-type": kind, "content-encoding": encoding}
                answer = await ingest.call("POST", path, data=bomb, headers=headers)
                assert answer.status == 415
                assert answer.body["errors"][0] == {
                    "pointer": "",
                    "reason": f"content-encoding: {encoding}",
                    "expected": "no content-encoding",
                }
        plain = {"content-type": STRUCTURED, "content-encoding": "identity"}
        answer = await ingest.call(
            "POST", "/v1/events", data=json.dumps(running.party("acme")), headers=plain
        )
        assert answer.status == 202


async def test_the_notifier_unpacks_nothing_either(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        headers = {"authorization": f"Bearer {ADMIN_KEY}", "content-encoding": "gzip"}
        url = f"{address}/v1/subscriptions"
        async with b.session.post(url, data=gzip.compress(b"{}"), headers=headers) as answer:
            assert answer.status == 415
            assert answer.content_type == "application/problem+json"
