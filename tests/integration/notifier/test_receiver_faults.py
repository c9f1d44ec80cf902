"""What a receiver can do wrong, each by a real server: the call fails in time, with a reason to act on.

What follows from a failure (the schedule, parking, the circuit) is the same for all; see `test_webhooks`.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from notifier.domain.ways import Message
from notifier.ways import Report, Target
from notifier.ways.webhook import Webhooks
from tenon.clock import WallClock
from tenon.guard import Resolver, session

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SECRET = "whsec_" + "YWJj" * 16
TIMEOUT_MS = 1_500


async def called(url: str, *, allow_private: bool = True, ca_file: Path | None = None) -> Report:
    """Call a server as the service does."""
    resolver = Resolver(threads=1, allow_private=allow_private)
    async with session(
        resolver, allow_private=allow_private, timeout_ms=TIMEOUT_MS, connections=4, ca_file=ca_file
    ) as client:
        way = Webhooks(client, response_bytes=100, clock=WallClock())
        target = Target("sub_1", "mill", "webhook", url, (SECRET,))
        return await anext(way.send(target, [Message(1, "e-1", "t", "d-1", b'{"data":{}}')]))


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Run a server that does what it is told to each connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://localhost:{port}/"
    finally:
        server.close()


def answering(text: bytes, then: float = 0) -> Handler:
    """Answer a request with these bytes, then wait, then close."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text)
        await writer.drain()
        await asyncio.sleep(then)

    return handle


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" * 9:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.2)


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-le")
    await writer.drain()
    writer.transport.abort()


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"400\r\n" + b"x" * 1_024 + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize(
    ("handler", "status", "detail"),
    [
        (answering(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"), 500, ""),
        (
            answering(b"HTTP/1.1 302 Go\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n"),
            302,
            "",
        ),
        (answering(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nonly this", then=9), 200, ""),
        (endless, 500, ""),
        (dripping, None, "no answer in time"),
        (answering(b"", then=9), None, "no answer in time"),
        (resetting, None, "Disconnected|reset"),
        (answering(b"SSH-2.0-OpenSSH_9.2\r\n"), None, "Bad"),
        (answering(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 90_000 + b"\r\n"), None, "."),
    ],
    ids=["500", "redirect", "slow-body", "endless", "drip", "silence", "reset", "no-http", "large-head"],
)
async def test_whatever_a_receiver_answers_is_known_in_time(
    handler: Handler, status: int | None, detail: str
) -> None:
    async with serving(handler) as url, asyncio.timeout(20):
        report = await called(url)
    assert report.attempt.status == status
    assert len(report.response) <= 100
    assert re.search(detail, report.attempt.detail)


async def test_a_server_that_speaks_no_tls_is_no_receiver() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with serving(plain) as url:
        report = await called(url.replace("http:", "https:"))
    assert (report.attempt.status, "SSL" in report.attempt.detail) == (None, True)


@pytest.mark.parametrize(
    ("name", "trusted", "taken"),
    [("localhost", True, True), ("localhost", False, False), ("other.example", True, False)],
)
async def test_a_certificate_has_to_be_of_that_name_and_vouched_for(
    name: str, trusted: bool, taken: bool, tmp_path: Path
) -> None:
    authority, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    got: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 OK\r\n\r\n")
        await writer.drain()

    async with serving(take, tls) as url:
        report = await called(url, ca_file=tmp_path / "ca.pem" if trusted else None)
    assert (report.attempt.status == 204, bool(got)) == (taken, taken)
    assert taken or "certificate" in report.attempt.detail.lower()


async def test_nobody_listens_there() -> None:
    async with serving(endless) as url:
        pass
    report = await called(url)
    assert (report.attempt.status, "connect" in report.attempt.detail.lower()) == (None, True)


async def test_a_name_that_leads_inside_is_not_called() -> None:
    async with serving(endless) as url:
        report = await called(url, allow_private=False)
    assert report.attempt.detail == "not allowed: this name has an address that is not public"
