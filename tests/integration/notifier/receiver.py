"""A webhook receiver of the tests: a real HTTP server that answers as it is told and keeps what it got."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web


@dataclass
class Receiver:
    """What came in, and what is answered: `answer` is asked for each request but trials, which are taken."""

    url: str = ""
    got: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    pings: list[bytes] = field(default_factory=list)
    takes_pings: bool = True
    answer: Callable[[int], Awaitable[web.Response]] | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if b'"tenon.endpoint.pinged.v1"' in body and self.takes_pings:
            self.pings.append(body)
            return web.Response(status=204)
        self.bodies.append(body)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.got.append(msgspec.json.decode(body))
        self.arrived.set()
        if self.answer is None:
            return web.Response(status=204)
        return await self.answer(len(self.got))

    def steps(self) -> list[str]:
        """Return docking and revision of each step of a docking, in the order of arrival."""
        data = [each["data"] for each in self.got]
        return [f"{each['docking']}/{each['revision']}" for each in data if "docking" in each]

    async def wait(self, number: int, timeout_s: float = 20) -> None:
        """Wait for so many requests."""
        async with asyncio.timeout(timeout_s):
            while len(self.got) < number:
                self.arrived.clear()
                await self.arrived.wait()


@asynccontextmanager
async def receiving(
    answer: Callable[[int], Awaitable[web.Response]] | None = None,
) -> AsyncIterator[Receiver]:
    """Run a receiver on a free port."""
    receiver = Receiver(answer=answer)
    app = web.Application()
    app.router.add_post("/{tail:.*}", receiver.handle)
    async with serving(app) as address:
        receiver.url = f"{address}/hook"
        yield receiver


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """Run a server on a free port; yields its address."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def statuses(*given: int, retry_after: str | None = None) -> Callable[[int], Awaitable[web.Response]]:
    """Return answers with these statuses, one after the other, then 204."""

    async def answer(number: int) -> web.Response:
        status = given[number - 1] if number <= len(given) else 204
        headers = {"retry-after": retry_after} if retry_after and status != 204 else None
        return web.Response(status=status, text="x" * 5_000, headers=headers)

    return answer
