"""The proxy fails as it is told to: each mode against a server that echoes, over real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.proxy import HOST, Proxy, proxies
from tests.support.waiting import until

SHORT_S = 0.2


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with proxies(1) as (one,):
        yield one


@pytest.fixture(autouse=True)
async def echo(proxy: Proxy) -> AsyncIterator[None]:
    """What is behind the proxy: it answers with what it is told."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, HOST, 0)
    proxy.target = server.sockets[0].getsockname()[1]
    yield
    server.close()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def of(cls, proxy: Proxy) -> Client:
        return cls(*await asyncio.open_connection(HOST, proxy.port))

    async def ask(self, text: bytes) -> bytes:
        self.writer.write(text)
        return await self.hear(len(text))

    async def hear(self, count: int) -> bytes:
        return await self.reader.readexactly(count)

    async def hears_nothing(self) -> bool:
        """Whether nothing comes for a while; what comes later is still to be read."""
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(self.reader.readexactly(1), SHORT_S)
        return True


async def test_what_comes_passes_both_ways(proxy: Proxy) -> None:
    client = await Client.of(proxy)
    large = b"x" * 1_000_000
    assert await client.ask(b"a") == b"a"
    assert await client.ask(large) == large


async def test_an_end_passes_too(proxy: Proxy) -> None:
    client = await Client.of(proxy)
    client.writer.write(b"last")
    client.writer.write_eof()
    assert await client.reader.read() == b"last"

    async def gone() -> bool:
        return proxy.connections == 0

    await until(gone, "the proxy lets go of the client")


async def test_a_hole_keeps_everything_and_gives_it_back_when_it_is_healed(proxy: Proxy) -> None:
    old = await Client.of(proxy)
    assert await old.ask(b"before") == b"before"
    proxy.be("hole")
    new = await Client.of(proxy)
    old.writer.write(b"during")
    new.writer.write(b"later")
    assert await old.hears_nothing()
    assert await new.hears_nothing()
    proxy.be("pass")
    assert (await old.hear(6), await new.hear(5)) == (b"during", b"later")


async def test_a_reset_tears_off_what_is_connected_and_what_comes(proxy: Proxy) -> None:
    old = await Client.of(proxy)
    assert await old.ask(b"before") == b"before"
    proxy.be("reset")
    with pytest.raises(ConnectionResetError):
        await old.hear(1)
    with pytest.raises(ConnectionError):
        await (await Client.of(proxy)).ask(b"during")
    proxy.be("pass")
    assert await (await Client.of(proxy)).ask(b"after") == b"after"


async def test_a_delay_keeps_the_order_and_does_not_add_up(proxy: Proxy) -> None:
    client = await Client.of(proxy)
    assert await client.ask(b"before") == b"before"
    proxy.be("delay", SHORT_S)
    began = time.monotonic()
    for number in range(20):
        client.writer.write(b"%02d" % number)
        await client.writer.drain()
        await asyncio.sleep(0.01)
    assert await client.hear(40) == b"".join(b"%02d" % number for number in range(20))
    assert 2 * SHORT_S <= time.monotonic() - began < 20 * SHORT_S


async def test_who_comes_while_the_target_is_away_is_torn_off(proxy: Proxy) -> None:
    with proxies(1) as (other,):
        other.target = proxy.target
    proxy.target = other.port
    with pytest.raises(ConnectionError):
        await (await Client.of(proxy)).ask(b"a")
