"""The head of a request: taken up to its bounds, refused above them by a problem document, not waited for."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from tenon.listening import http_server, listening_socket, serve_http
from tenon.settings import CommonSettings
from tenon.wire import MOST_ADDRESS_BYTES, MOST_HEAD_BYTES, BoundedHttp

SETTINGS = CommonSettings(http_port=0)


class Hasty(BoundedHttp):
    """Waits for no head."""

    head_deadline_ms = 50


async def sizes(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer how long address and headers were."""
    said = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    address = len(scope["raw_path"]) + len(scope["query_string"])
    await JSONResponse({"address": address, "headers": said})(scope, receive, send)


@asynccontextmanager
async def serving(protocol: type[BoundedHttp] | None = None) -> AsyncIterator[int]:
    """Serve on a free port, as every service does."""
    server, stop = http_server(sizes, SETTINGS), asyncio.Event()
    if protocol is not None:
        server.config.http_protocol_class = protocol
        server.config.http = protocol
    with listening_socket(SETTINGS) as listener:
        task = asyncio.create_task(serve_http(server, listener, stop))
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            await task


async def sent(port: int, *parts: bytes) -> tuple[int, dict[str, str], Any]:
    """Send bytes; return status, headers and document of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(30):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:-2])
            body = await reader.readexactly(int(headers["content-length"]))
            if headers.get("connection") == "close":
                assert await reader.read() == b""
    finally:
        writer.close()
    return int(head[0].split()[1]), headers, json.loads(body)


def of_length(address: int, head: int) -> bytes:
    """Return a request with so many bytes of address and of both address and headers."""
    path = b"/" + b"a" * (address - 1)
    given = b"host: x\r\n"
    rest = head - address - len(given) - len("x-more: \r\n")
    return b"GET " + path + b" HTTP/1.1\r\n" + given + b"x-more: " + b"b" * rest + b"\r\n\r\n"


async def test_a_head_is_taken_up_to_its_bounds_and_refused_above_them() -> None:
    async with serving() as port:
        for address, head, status in (
            (MOST_ADDRESS_BYTES, 20_000, 200),
            (MOST_ADDRESS_BYTES + 1, 20_000, 414),
            (10, MOST_HEAD_BYTES, 200),
            (10, MOST_HEAD_BYTES + 1, 431),
            (MOST_ADDRESS_BYTES, MOST_HEAD_BYTES + 1, 431),
        ):
            got, headers, body = await sent(port, of_length(address, head))
            assert got == status, (address, head)
            if status == 200:
                assert body == {"address": address, "headers": head - address}
            else:
                assert headers["content-type"] == "application/problem+json"
                assert headers["connection"] == "close"
                assert body["status"] == status
                assert body["errors"][0]["expected"].startswith("at most ")


@pytest.mark.parametrize(
    ("begun", "status"),
    [
        (b"GET /" + b"a" * 300_000, 414),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nx: " + b"b" * 300_000, 414),
        (b"GET / HTTP/1.1\r\nx: " + b"b" * 300_000, 431),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 50_000, 431),
        (b"\r\n" * 100_000, 431),
    ],
)
async def test_a_head_that_never_ends_is_not_kept(begun: bytes, status: int) -> None:
    async with serving() as port:
        got, headers, _ = await sent(port, begun)
        assert (got, headers["connection"]) == (status, "close")


@pytest.mark.parametrize("begun", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nx: y\r\n"])
async def test_a_head_that_does_not_come_is_not_waited_for(begun: bytes) -> None:
    async with serving(Hasty) as port:
        got, headers, body = await sent(port, begun)
        assert (got, headers["content-type"]) == (408, "application/problem+json")
        assert "50 ms" in body["detail"]


async def test_what_is_no_http_is_told_so() -> None:
    async with serving() as port:
        for nonsense in (b"\x16\x03\x01\x02\x00", b"hello\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"):
            got, headers, body = await sent(port, nonsense)
            assert (got, headers["content-type"], body["status"]) == (400, "application/problem+json", 400)


async def test_a_connection_serves_one_request_after_another_and_each_is_bounded_by_itself() -> None:
    async with serving(Hasty) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(of_length(4_000, MOST_HEAD_BYTES))
            assert b" 200 " in await asyncio.wait_for(reader.readuntil(b"}"), 30)
        writer.write(of_length(4_000, MOST_HEAD_BYTES + 1))
        assert b" 431 " in await asyncio.wait_for(reader.read(), 30)
        writer.close()


def test_no_service_speaks_anything_else() -> None:
    config: uvicorn.Config = http_server(sizes, SETTINGS).config
    assert (config.http, config.ws) == (BoundedHttp, "none")
