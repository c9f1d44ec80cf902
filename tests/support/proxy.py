"""A TCP proxy that fails as networks do, whenever it is told to.

    pass    what comes goes on, both ways
    hole    nothing goes on and nobody is told: as packets that are dropped. What was sent arrives when the
            hole is healed, unless its sender has given up; a new connection is taken and never answered
    reset   what is connected is torn off, and so is everything new
    delay   what comes goes on later, in its order

It runs in a thread of its own, so that it outlives the event loop of a test. Knows no protocol.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Literal, TypeVar

HOST = "127.0.0.1"
_CHUNK_BYTES, _CHUNKS = 1 << 16, 64
_NOW_S = 10
T = TypeVar("T")
Mode = Literal["pass", "hole", "reset", "delay"]


class Proxy:
    """One port in front of another; made by `proxies`. `target` may be set until the first client comes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.port = 0
        self.target = 0
        self._loop = loop
        self._mode: Mode = "pass"
        self._delay_s = 0.0
        self._open = asyncio.Event()
        self._open.set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._ends)

    def be(self, mode: Mode, delay_s: float = 0.0) -> None:
        """Behave like this from now on, to what is connected and to what comes; returns when it does."""
        _done(self._loop, self._be(mode, delay_s))

    def begin(self) -> None:
        """Listen on a free port."""
        _done(self._loop, self._begin())

    def end(self) -> None:
        """Listen no longer, and tear off what is connected."""
        _done(self._loop, self._end())

    async def _begin(self) -> None:
        self._server = await asyncio.start_server(self._met, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        for end in list(self._ends):
            _tear(end)

    async def _be(self, mode: Mode, delay_s: float) -> None:
        self._mode, self._delay_s = mode, delay_s
        if mode == "hole":
            self._open.clear()
        else:
            self._open.set()
        if mode == "reset":
            for end in list(self._ends):
                _tear(end)

    def _met(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        serving = self._loop.create_task(self._serve(reader, client))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self._ends.add(client)
        try:
            await self._open.wait()
            if self._mode != "reset":
                await self._join(reader, client)
        except OSError:
            pass  # the target is away: the client is torn off, as below
        finally:
            self._ends.discard(client)
            _tear(client)

    async def _join(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_connection(HOST, self.target)
        ways = [asyncio.ensure_future(self._way(*way)) for way in ((reader, server), (answers, client))]
        try:
            await asyncio.gather(*ways)
        finally:
            for way in ways:
                way.cancel()
            _tear(server)

    async def _way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry what is read to where it is written, until its end."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_CHUNKS)
        taking = asyncio.ensure_future(self._take(reader, under_way))
        try:
            while True:
                due, chunk = await under_way.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                await self._open.wait()
                if not chunk:
                    writer.write_eof()
                    return
                writer.write(chunk)
                await writer.drain()
        finally:
            taking.cancel()

    async def _take(
        self, reader: asyncio.StreamReader, under_way: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        chunk = b"-"
        while chunk:
            chunk = b""
            with suppress(OSError):
                chunk = await reader.read(_CHUNK_BYTES)
            await under_way.put((self._loop.time() + self._delay_s, chunk))


@contextmanager
def proxies(count: int) -> Iterator[Sequence[Proxy]]:
    """So many proxies that listen until the block ends; give each a `target`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxies", daemon=True)
    thread.start()
    with ExitStack() as stack:
        stack.callback(_end, loop, thread)
        made = [Proxy(loop) for _ in range(count)]
        for proxy in made:
            proxy.begin()
            stack.callback(proxy.end)
        yield made


def _done(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, loop).result(_NOW_S)


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    _done(loop, _cancel_all())
    loop.call_soon_threadsafe(loop.stop)
    thread.join(_NOW_S)
    loop.close()


async def _cancel_all() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def _tear(end: asyncio.StreamWriter) -> None:
    """Close with a reset instead of an end in order."""
    own = end.get_extra_info("socket")
    if own is not None and own.fileno() >= 0:
        with suppress(OSError):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.transport.abort()
