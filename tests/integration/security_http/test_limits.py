"""Every limit of docs/limits.md at it and above it: taken, or refused with its place and what would be right.

Heads of requests are in tests/unit/shared/test_wire.py, packed bodies and memory in test_hostile_bodies.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from ingest import reading
from ingest.keys import MOST_KEYS
from tenon.contracts.cloudevents import BATCH, STRUCTURED
from tenon.kafka import KafkaSettings
from tests.integration.ingest import running
from tests.integration.ingest.running import event, offer, party
from tests.integration.notifier.support import MILL, Bench, authorized, bench, eventually

WINDOW = {"id": "w1", "from": "2030-01-01T00:00:00Z", "until": "2030-02-01T00:00:00Z", "quantity": 10}
ITEM = {"class": {"scheme": "hs", "code": "630790"}, "unit": "C62"}


@dataclass(frozen=True)
class Limit:
    """A body at its limit, one above it, and how that is refused."""

    name: str
    at: bytes
    above: bytes
    status: int
    pointer: str
    kind: str = STRUCTURED


def padded(body: bytes, length: int) -> bytes:
    """Return a JSON text of so many bytes that says the same."""
    return body[:-1] + b" " * (length - len(body)) + body[-1:]


def of_offer(name: str, pointer: str, at: dict[str, Any], above: dict[str, Any]) -> Limit:
    """Return a limit of what an offer says."""
    one, other = (json.dumps(offer("acme", f"o-{name}", **said)).encode() for said in (at, above))
    return Limit(name, one, other, 422, pointer)


def having(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return an offer's item with these attributes."""
    return {"item": {**ITEM, "attributes": attributes}}


def quantity(text: str) -> dict[str, Any]:
    """Return an offer's one window, with a quantity written like this."""
    return {"windows": [{**WINDOW, "quantity": text}]}


def windows(count: int) -> dict[str, Any]:
    """Return so many windows, one after the other."""
    times = [f"{2030 + number // 12}-{number % 12 + 1:02d}-01T00:00:00Z" for number in range(count + 1)]
    return {
        "windows": [
            {"id": f"w{number}", "from": times[number], "until": times[number + 1], "quantity": 1}
            for number in range(count)
        ]
    }


def limits() -> Iterator[Limit]:
    """Yield what is tried with the events address."""
    small = json.dumps(offer("acme")).encode()
    batch = b"[" + small + b"]"
    withdrawn = {"party": "acme", "offer": "o", "revision": 1, "class": ITEM["class"]}
    many = [event("tenon.offer.withdrawn.v1", withdrawn)] * (reading.MOST_EVENTS + 1)
    body, one = reading.MOST_BYTES, reading.MOST_EVENT_BYTES
    yield Limit("body", padded(batch, body), padded(batch, body + 1), 413, "", BATCH)
    yield Limit("event", padded(small, one), padded(small, one + 1), 413, "")
    full, over = json.dumps(many[:-1]).encode(), json.dumps(many).encode()
    yield Limit("batch", full, over, 413, "", BATCH)
    for name in ("id", "source"):
        at_most, longer = (json.dumps({**offer("acme"), name: "x" * most}).encode() for most in (512, 513))
        yield Limit(f"attribute {name}", at_most, longer, 400, f"/{name}")
    yield of_offer("revision", "/data/revision", {"revision": 2**53 - 1}, {"revision": 2**53})
    yield of_offer("offer", "/data/offer", {"offer": "o" * 64}, {"offer": "o" * 65})
    texts = [having({"x": "y" * length}) for length in (500, 501)]
    yield of_offer("attribute", "/data/item/attributes/x", *texts)
    counts = [having({f"x{number}": 1 for number in range(most)}) for most in (50, 51)]
    yield of_offer("attributes", "/data/item/attributes", *counts)
    yield of_offer("windows", "/data/windows", windows(500), windows(501))
    where = "/data/windows/0/quantity"
    yield of_offer("quantity", where, quantity("1000000000000"), quantity("1000000000001"))
    yield of_offer("exponent", where, quantity("1e12"), quantity("1e13"))
    yield of_offer("huge-exponent", where, quantity("0e0"), quantity("1e999999999"))
    yield of_offer("tiny-exponent", where, quantity("0e0"), quantity("1e-999999999"))
    yield of_offer("digits", where, quantity("1." + "0" * 28), quantity("1." + "0" * 5_000))
    prices = [{"price": {"amount": text, "currency": "EUR"}} for text in ("9.123456", "9.1234567")]
    yield of_offer("price", "/data/price/amount", *prices)
    named, misnamed = (json.dumps(party("acme", most, name="n" * most)).encode() for most in (200, 201))
    yield Limit("name", named, misnamed, 422, "/data/name")


async def test_every_limit_of_events_is_taken_at_and_refused_above(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with running.ready(kafka, postgres, **running.PATIENT) as ingest:
        await ingest.accept(party("acme"), running.site("acme"))
        for limit in limits():
            at = await ingest.send(limit.at, limit.kind)
            assert at.status == 202, (limit.name, at.body)
            above = await ingest.send(limit.above, limit.kind)
            assert (above.status, above.pointers) == (limit.status, [limit.pointer]), (limit.name, above.body)
            assert above.headers["content-type"] == "application/problem+json"
            assert above.body["errors"][0]["expected"], limit.name


async def test_depth_is_bounded_by_what_is_described_and_beyond_that_by_the_reader(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with running.ready(kafka, postgres, **running.PATIENT) as ingest:
        await ingest.accept(party("acme"), running.site("acme"))
        for depth, status in ((1, 422), (100, 422), (100_000, 400), (400_000, 400)):
            deep = "[" * depth + "]" * depth
            for text in (offer("acme", windows="DEEP"), {**offer("acme"), "data": "DEEP"}):
                answer = await ingest.send(json.dumps(text).replace('"DEEP"', deep).encode())
                assert answer.status == status, depth
                assert answer.body["errors"][0]["expected"]
            text = {**offer("acme"), "extension": "DEEP"}
            answer = await ingest.send(json.dumps(text).replace('"DEEP"', deep).encode())
            assert answer.status == 400
        assert (await ingest.call("GET", "/health/live")).status == 200


async def test_keys_have_a_label_of_some_length_and_are_so_many(kafka: KafkaSettings, postgres: str) -> None:
    async with running.ready(kafka, postgres, **running.PATIENT) as ingest:
        await ingest.accept(party("acme"))
        for body, status, pointers in (
            (json.dumps({"label": "x" * 200}), 201, []),
            (json.dumps({"label": "x" * 201}), 422, ["/label"]),
            ("{}".ljust(4_096), 201, []),
            ("{}".ljust(4_097), 413, [""]),
        ):
            answer = await ingest.call("POST", "/v1/parties/acme/keys", data=body)
            assert (answer.status, answer.pointers if status != 201 else []) == (status, pointers)
        for _ in range(MOST_KEYS - 2):
            assert (await ingest.call("POST", "/v1/parties/acme/keys")).status == 201
        assert (await ingest.call("POST", "/v1/parties/acme/keys")).status == 409


async def test_every_limit_of_subscriptions_is_taken_at_and_refused_above(
    kafka: KafkaSettings, postgres: str
) -> None:
    url = "http://127.0.0.1:9/"
    async with bench(kafka, postgres) as b, b.notifier() as address:
        await eventually(partial(_signs_in, b, address))
        for at, above, status, pointer in (
            (body(url=url).ljust(65_536), body(url=url).ljust(65_537), 413, ""),
            (body(url=url.ljust(2_000, "x")), body(url=url.ljust(2_001, "x")), 422, "/url"),
            (
                body(url=url, description="x" * 500),
                body(url=url, description="x" * 501),
                422,
                "/description",
            ),
            (body(url=url, after=0), body(url=url, after=2**63), 422, "/after"),
            (body(url=url, types=["tenon.docking.proposed.v1"]), body(url=url, types=["x"]), 422, "/types"),
        ):
            assert (await _subscribes(b, address, at))[0] == 201
            assert await _subscribes(b, address, above) == (status, [pointer])


async def test_every_limit_of_a_question_is_taken_at_and_refused_above(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        await eventually(partial(_signs_in, b, address))
        assert await _asks(b, f"{address}/v1/dockings", limit="500") == (200, [])
        assert await _asks(b, f"{address}/v1/dockings", limit="501") == (422, ["/query/limit"])
        for nonsense in ("x" * 4_000, "W10", "W1tbW1tbW1tbW1tbW1tbW11dXV1dXV1dXV1dXV0"):
            assert await _asks(b, f"{address}/v1/dockings", page=nonsense) == (400, ["/page"])
        for path in ("dockings/" + "d" * 4_000, "demands/mill/" + "d" * 4_000):
            assert (await _asks(b, f"{address}/v1/{path}"))[0] == 404


def body(**said: Any) -> str:
    return json.dumps(said)


async def _subscribes(b: Bench, address: str, text: str) -> tuple[int, list[str]]:
    async with b.session.post(
        f"{address}/v1/subscriptions", data=text.encode(), headers=authorized(MILL)
    ) as answer:
        told = await answer.json(content_type=None)
        return answer.status, [each["pointer"] for each in told.get("errors", [])]


async def _asks(b: Bench, url: str, **queries: str) -> tuple[int, list[str]]:
    async with b.session.get(url, params=queries, headers=authorized(MILL)) as answer:
        told = await answer.json(content_type=None)
        return answer.status, [each["pointer"] for each in told.get("errors", [])]


async def _signs_in(b: Bench, address: str) -> bool:
    return await b.status(f"{address}/v1/dockings", MILL) == 200
