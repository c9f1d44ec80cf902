"""What ingest depends on freezes or is away: refused in time, within bounded memory, and over by itself.

Deterministic: no answer after the deadline (with slack for a busy machine), what was accepted is there
afterwards. Not: which of the events that were refused is written all the same.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest

from tenon.db import Database
from tenon.kafka import KafkaSettings
from tenon_local.kafka import EmbeddedKafka
from tests.integration.ingest.running import Answer, Ingest, event, offer, party, ready, site, written
from tests.support.stack import running_kafka, settings_for
from tests.support.waiting import until

DEADLINE_MS, SLACK_S = 1_000, 2.0
MASKS = {"scheme": "hs", "code": "630790"}


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedKafka]:
    with running_kafka() as server:
        yield server


@pytest.fixture
def own_kafka(own_server: EmbeddedKafka) -> Iterator[KafkaSettings]:
    yield settings_for(own_server)
    thaw(own_server)
    asyncio.run(own_server.wait_ready())


def freeze(server: EmbeddedKafka) -> None:
    for broker in server.brokers:
        broker.process.freeze()


def thaw(server: EmbeddedKafka) -> None:
    for broker in server.brokers:
        broker.process.thaw()


async def timed(ingest: Ingest, *events: object) -> tuple[Answer, float]:
    started = time.monotonic()
    answer = await (ingest.send(events[0]) if len(events) == 1 else ingest.batch(events))  # type: ignore[arg-type]
    return answer, time.monotonic() - started


async def accepted_again(ingest: Ingest, sent: dict[str, object]) -> None:
    for _ in range(300):
        if (await ingest.send(sent)).status == 202:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("nothing was accepted within 30 s")


async def is_ready(ingest: Ingest) -> bool:
    return (await ingest.call("GET", "/health/ready")).status == 200


async def test_a_frozen_broker_costs_an_answer_in_time_and_nothing_that_was_accepted(
    own_server: EmbeddedKafka, own_kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(own_kafka, postgres, send_deadline_ms=DEADLINE_MS) as ingest:
        await ingest.accept(party("acme"), site("acme"), offer("acme", "before"))
        freeze(own_server)
        answer, seconds = await timed(ingest, offer("acme", "during"))
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert answer.headers["content-type"] == "application/problem+json"
        assert seconds < DEADLINE_MS / 1000 + SLACK_S
        answer, seconds = await timed(ingest, offer("acme", "during"), offer("nobody"))
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert [result["status"] for result in answer.body["results"]] == ["unavailable", "rejected"]
        assert (await ingest.call("GET", "/health/live")).status == 200
        assert (await ingest.call("GET", "/health/ready")).status == 503
        thaw(own_server)
        await accepted_again(ingest, offer("acme", "during"))
        await until(partial(is_ready, ingest), "ingest is ready again: its relays come back by themselves")
        listed = [json.loads(record.data)["offer"]["offer"] for _, record in await written(own_kafka)]
        assert listed[0] == "before"
        assert set(listed) == {"before", "during"}


async def test_what_the_registry_has_committed_is_told_when_the_broker_is_back(
    own_server: EmbeddedKafka, own_kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(own_kafka, postgres, send_deadline_ms=DEADLINE_MS) as ingest:
        await ingest.accept(party("acme"), site("acme"), offer("acme"))
        await ingest.outbox_empty()
        freeze(own_server)
        answer, _ = await timed(ingest, site("acme", revision=2))
        assert answer.status == 202
        waiting = (await ingest.call("GET", "/v1/outbox")).body
        assert waiting["pending"] == 1
        thaw(own_server)
        await ingest.outbox_empty()
        types = [record.type for _, record in await written(own_kafka)]
        assert types == ["tenon.offer.listed.v1", "tenon.site.changed.v1"]


async def test_memory_is_bounded_while_a_broker_is_frozen(
    own_server: EmbeddedKafka, own_kafka: KafkaSettings, postgres: str
) -> None:
    far = {f"{'p' * 60}{index:04d}/{'s' * 60}": index for index in range(5_000)}
    data = {"party": "acme", "site": "s1", "revision": 1, "class": MASKS, "distances_m": far}
    large = json.dumps(event("tenon.routes.published.v1", data)).encode()
    most = 8 * 1024 * 1024
    assert 30 * len(large) > 2 * most
    async with ready(own_kafka, postgres, send_deadline_ms=DEADLINE_MS, max_in_flight_bytes=most) as ingest:
        await ingest.accept(party("acme"), site("acme"), offer("acme"))
        freeze(own_server)
        rounds = [await asyncio.gather(*(ingest.send(large) for _ in range(10))) for _ in range(3)]
        assert {answer.status for answers in rounds for answer in answers} == {503}
        numbers = (await ingest.call("GET", "/metrics")).body.decode().splitlines()
        waiting = [line for line in numbers if line.startswith("tenon_ingest_kafka_waiting_bytes")]
        assert 0 < float(waiting[0].split()[1]) <= most
        _, seconds = await timed(ingest, event("tenon.routes.published.v1", data))
        assert seconds < DEADLINE_MS / 1000 / 2 + SLACK_S
        thaw(own_server)
        await accepted_again(ingest, event("tenon.routes.published.v1", data))


async def test_a_registry_that_stands_still_costs_an_answer_in_time(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres, send_deadline_ms=DEADLINE_MS, look_up_ttl_ms=0) as ingest:
        await ingest.accept(party("acme"), site("acme"))
        acme = await ingest.new_key("acme")
        calls = [("GET", ""), ("GET", "/sites"), ("GET", "/keys"), ("POST", "/keys"), ("DELETE", "/keys/k")]
        async with Database.connect(postgres, schema="ingest") as own, own.transaction() as holding:
            await holding.execute("LOCK TABLE parties, sites, api_keys IN ACCESS EXCLUSIVE MODE")
            answers = await asyncio.gather(
                *(acme.send(sent) for sent in (offer("acme"), site("acme", revision=2))),
                *(ingest.send(sent) for sent in (offer("acme", "o2"), site("acme", revision=2))),
                *(ingest.call(method, f"/v1/parties/acme{path}") for method, path in calls),
            )
        assert [answer.status for answer in answers] == [503] * 9
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
        assert (await acme.send(offer("acme"))).status == 202


async def test_a_slow_body_is_not_waited_for(kafka: KafkaSettings, postgres: str) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" "
            await asyncio.sleep(0.1)

    async with ready(kafka, postgres, body_deadline_ms=300) as ingest:
        headers = {"content-type": "application/cloudevents+json"}
        answer = await ingest.call("POST", "/v1/events", data=dripping(), headers=headers)
        assert answer.status == 408
