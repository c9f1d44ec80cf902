"""The client against a server of this test: what it repeats, and what it raises."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tenon.client import (
    NoLongerKept,
    NotAllowed,
    NotThere,
    Refused,
    TenonClient,
    Unreachable,
    Upload,
    new_event,
)
from tenon.client.transport import wait_seconds
from tenon.errors import Misconfigured

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def client_of(
    path: str, handler: Handler, *, method: str = "GET", deadline_ms: int = 5_000
) -> AsyncIterator[TenonClient]:
    app = web.Application()
    app.router.add_route(method, path, handler)
    async with TestServer(app) as server:
        url = str(server.make_url("/"))
        async with TenonClient(url, url, "tenon_k_s", deadline_ms=deadline_ms) as client:
            yield client


def problem(status: int, **headers: str) -> web.Response:
    body = {"type": "/problems/x", "title": "No", "status": status, "detail": "because"}
    return web.Response(status=status, body=msgspec.json.encode(body), headers=headers)


def accepted(body: bytes) -> web.Response:
    events = msgspec.json.decode(body)
    results = [
        {"index": index, "status": "accepted", "id": event["id"]} for index, event in enumerate(events)
    ]
    return web.Response(status=202, body=msgspec.json.encode({"results": results}))


async def test_events_are_sent_again_with_the_same_ids_until_they_are_taken() -> None:
    seen: list[bytes] = []

    async def busy_at_first(request: web.Request) -> web.StreamResponse:
        assert request.headers["authorization"] == "Bearer tenon_k_s"
        assert request.content_type == "application/cloudevents-batch+json"
        seen.append(await request.read())
        if len(seen) == 1:
            return problem(503, **{"retry-after": "0"})
        if len(seen) == 2:
            return problem(429)
        if len(seen) == 3:
            assert request.transport is not None
            request.transport.abort()
        return accepted(seen[-1])

    events = [new_event("tenon.test.v1", "/test", {"n": n}) for n in range(3)]
    async with client_of("/v1/events", busy_at_first, method="POST") as client:
        told = await client.publish(events)
    assert [one.event.id for one in told if one.accepted] == [event.id for event in events]
    assert len(seen) == 4
    assert len(set(seen)) == 1


async def test_large_batches_are_cut() -> None:
    sizes = []

    async def take(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        sizes.append(len(msgspec.json.decode(body)))
        return accepted(body)

    async with client_of("/v1/events", take, method="POST") as client:
        told = await client.publish(new_event("tenon.test.v1", "/test", n) for n in range(2_500))
    assert sizes == [1_000, 1_000, 500]
    assert len(told) == 2_500


async def test_what_nobody_takes_until_the_deadline_is_unreachable() -> None:
    async def busy(request: web.Request) -> web.StreamResponse:
        return problem(503)

    async with client_of("/v1/events", busy, method="POST", deadline_ms=300) as client:
        with pytest.raises(Unreachable, match="503 No: because"):
            await client.publish([new_event("tenon.test.v1", "/test", {})])


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, NotAllowed), (403, NotAllowed), (404, NotThere), (410, NoLongerKept), (422, Refused)],
)
async def test_each_refusal_has_its_kind(status: int, kind: type[Refused]) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return problem(status)

    async with client_of("/v1/dockings/d", refuse) as client:
        with pytest.raises(kind, match="because") as caught:
            await client.docking("d")
    assert caught.value.status == status


async def test_an_error_that_is_no_problem_document_is_told_too() -> None:
    async def proxy(request: web.Request) -> web.StreamResponse:
        return web.Response(status=500, text="<html>bad proxy")

    async with client_of("/v1/dockings/d", proxy) as client:
        with pytest.raises(Refused, match="bad proxy"):
            await client.docking("d")


@pytest.mark.parametrize("status", [502, 504])
async def test_a_gateway_without_an_answer_is_asked_again_where_that_does_no_harm(status: int) -> None:
    asked: list[str] = []

    async def gateway(request: web.Request) -> web.StreamResponse:
        asked.append(request.method)
        return problem(status) if len(asked) == 1 else web.json_response({"docking": "d"})

    async with client_of("/v1/dockings/d", gateway) as client:
        assert (await client.docking("d"))["docking"] == "d"
    assert asked == ["GET", "GET"]
    asked.clear()
    async with client_of("/v1/parties/p/keys", gateway, method="POST") as client:
        with pytest.raises(Refused, match=str(status)):
            await client.make_key("p")
    assert asked == ["POST"]


async def test_an_address_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(Misconfigured, match="'localhost:8100' is no address"):
        TenonClient("localhost:8100", "http://notifier")


async def test_making_a_key_is_never_repeated_behind_the_callers_back() -> None:
    calls = []

    async def breaks(request: web.Request) -> web.StreamResponse:
        calls.append(1)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with client_of("/v1/parties/p/keys", breaks, method="POST") as client:
        with pytest.raises(Unreachable, match="it may have been done"):
            await client.make_key("p")
    assert calls == [1]


async def test_pages_are_followed_to_the_end() -> None:
    async def pages(request: web.Request) -> web.StreamResponse:
        assert request.query["class"] == "hs:30"
        if request.query.get("page") == "two":
            return web.json_response({"items": [{"n": 3}]})
        return web.json_response({"items": [{"n": 1}, {"n": 2}], "next": "two"})

    async with client_of("/v1/demands", pages) as client:
        assert [item["n"] async for item in client.demands(class_="hs:30")] == [1, 2, 3]


def frame(number: int) -> bytes:
    event = {"specversion": "1.0", "id": f"e{number}", "source": "/t", "type": "tenon.t.v1", "data": {}}
    return b"id: %d\nevent: tenon.t.v1\ndata: %s\n\n" % (number, msgspec.json.encode(event))


async def test_a_stream_goes_on_where_it_broke() -> None:
    asked: list[tuple[str | None, str | None]] = []

    async def stream(request: web.Request) -> web.StreamResponse:
        asked.append((request.query.get("after"), request.headers.get("last-event-id")))
        if len(asked) == 3:
            return problem(503)
        first = int(asked[-1][0] or asked[-1][1] or 0) + 1
        response = web.StreamResponse(headers={"tenon-after": str(first - 1)})
        await response.prepare(request)
        await response.write(b"retry: 10\n\n" + frame(first) + frame(first + 1) + b"id: 99\ndata: cut")
        assert request.transport is not None
        request.transport.abort()
        return response

    numbers = []
    async with client_of("/v1/stream", stream) as client, aclosing(client.stream(after=4)) as entries:
        async for entry in entries:
            assert entry.event.id == f"e{entry.number}"
            numbers.append(entry.number)
            if len(numbers) == 6:
                break
    assert numbers == [5, 6, 7, 8, 9, 10]
    assert asked == [("4", None), (None, "6"), (None, "8"), (None, "8")]


async def test_a_stream_from_now_on_misses_nothing_when_it_breaks_before_the_first_event() -> None:
    asked: list[str | None] = []

    async def stream(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers.get("last-event-id"))
        response = web.StreamResponse(headers={"tenon-after": "41"})
        await response.prepare(request)
        await response.write(frame(42) if len(asked) > 1 else b": \n\n")
        return response

    async with client_of("/v1/stream", stream) as client, aclosing(client.stream()) as entries:
        assert (await anext(entries)).number == 42
    assert asked == [None, "41"]


async def test_a_stream_that_reaches_too_far_back_is_refused() -> None:
    async def gone(request: web.Request) -> web.StreamResponse:
        return problem(410)

    async with client_of("/v1/stream", gone) as client, aclosing(client.stream(after=1)) as entries:
        with pytest.raises(NoLongerKept):
            await anext(entries)


async def test_a_stream_that_nobody_serves_is_unreachable() -> None:
    nobody = "http://127.0.0.1:1"
    async with (
        asyncio.timeout(10),
        TenonClient(nobody, nobody, deadline_ms=200) as client,
        aclosing(client.stream()) as entries,
    ):
        with pytest.raises(Unreachable):
            await anext(entries)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 0), ("3", 3), ("999999", 60), ("soon", 0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0)],
)
def test_retry_after_is_read_in_both_its_forms(header: str | None, seconds: float) -> None:
    assert wait_seconds(header) == seconds


async def test_an_upload_is_sent_again_under_the_same_words_until_it_is_taken() -> None:
    seen: list[tuple[str, list[tuple[str, str]]]] = []

    async def lost_at_first(request: web.Request) -> web.StreamResponse:
        assert await request.read() == b"a,b"
        seen.append((request.headers["idempotency-key"], list(request.query.items())))
        if len(seen) == 1:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"job": "j"}, status=202)

    upload = Upload("offers", "csv", b"a,b", "x.csv", {"a=b": "offer"}, {"unit": "C62"}, {"zone": "UTC"})
    async with client_of("/v1/imports", lost_at_first, method="POST") as client:
        assert (await client.imports.begin(upload, dry_run=True))["job"] == "j"
    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert seen[0][1][3:] == [("dry_run", "true"), ("map", "a=b=offer"), ("set", "unit=C62"), ("zone", "UTC")]


async def test_the_report_of_an_import_is_read_to_its_end() -> None:
    async def pages(request: web.Request) -> web.StreamResponse:
        after = int(request.query["after"])
        rows = [{"row": after + 1}, {"row": after + 2}]
        return web.json_response({"rows": rows, "next": after + 2 if after < 4 else None})

    async with client_of("/v1/imports/j/rows", pages) as client:
        assert [row["row"] async for row in client.imports.rows("j", "rejected")] == [1, 2, 3, 4, 5, 6]
