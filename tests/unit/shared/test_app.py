"""The runner: a service inside this process, stopped in order and out of order."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tenon.app import Bind, Loop, LoopEnded, Service, StopTooSlow, serve
from tenon.errors import Misconfigured, Transient
from tenon.settings import CommonSettings

SETTINGS = CommonSettings(http_port=0, stop_deadline_ms=1_000)


async def until_stopped(stop: asyncio.Event) -> None:
    await stop.wait()


async def ready() -> Mapping[str, str | None]:
    return {}


def binding(loops: Mapping[str, Loop], http: ASGIApp | None = None) -> Bind[CommonSettings]:
    @asynccontextmanager
    async def bind(settings: CommonSettings) -> AsyncIterator[Service]:
        yield Service("test", http or PlainTextResponse("here"), loops, ready)

    return bind


async def run(
    bind: Bind[CommonSettings], stop: asyncio.Event, settings: CommonSettings = SETTINGS
) -> tuple["asyncio.Task[None]", str]:
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(bind, settings, stop, listening.set_result))
    return task, await asyncio.wait_for(listening, 10)


async def get(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.text()


async def status(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status


async def test_a_service_serves_until_it_is_stopped() -> None:
    stop = asyncio.Event()
    task, url = await run(binding({"loop": until_stopped}), stop)
    assert await get(f"{url}/") == "here"
    assert await get(f"{url}/health/live") == '{"status":"alive"}'
    stop.set()
    await asyncio.wait_for(task, 5)
    with pytest.raises(aiohttp.ClientConnectorError):
        await get(f"{url}/")


async def test_a_loop_that_ends_ends_the_service_and_the_other_loops() -> None:
    others = []

    async def ends(stop: asyncio.Event) -> None:
        await asyncio.sleep(0.05)

    async def other(stop: asyncio.Event) -> None:
        await stop.wait()
        others.append("stopped in order")

    task, _ = await run(binding({"ends": ends, "other": other}), asyncio.Event())
    with pytest.raises(LoopEnded, match="loop ends ended"):
        await asyncio.wait_for(task, 5)
    assert others == ["stopped in order"]


async def test_what_a_loop_raises_is_what_ends_the_service() -> None:
    async def fails(stop: asyncio.Event) -> None:
        raise Transient("Kafka is away")

    task, _ = await run(binding({"fails": fails, "other": until_stopped}), asyncio.Event())
    with pytest.raises(Transient, match="Kafka is away"):
        await asyncio.wait_for(task, 5)


async def test_a_loop_that_does_not_stop_is_not_waited_for_longer_than_the_deadline() -> None:
    async def deaf(stop: asyncio.Event) -> None:
        await asyncio.sleep(60)

    stop = asyncio.Event()
    task, _ = await run(binding({"deaf": deaf}), stop, CommonSettings(http_port=0, stop_deadline_ms=300))
    stop.set()
    with pytest.raises(StopTooSlow, match="deaf did not stop in 300 ms"):
        await asyncio.wait_for(task, 5)


async def test_a_request_under_way_is_answered_before_the_end() -> None:
    entered = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            entered.set()
            await asyncio.sleep(0.3)
            await PlainTextResponse("done")(scope, receive, send)

    stop = asyncio.Event()
    task, url = await run(binding({"loop": until_stopped}, slow), stop)
    asking = asyncio.create_task(get(f"{url}/"))
    await asyncio.wait_for(entered.wait(), 5)
    stop.set()
    assert await asking == "done"
    await asyncio.wait_for(task, 5)


async def test_a_port_that_is_taken_says_what_to_set() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = CommonSettings(http_port=taken.getsockname()[1])
        with pytest.raises(Misconfigured, match="set TENON_HTTP_PORT"):
            await serve(binding({}), settings, asyncio.Event())


async def test_a_service_that_waits_for_a_dependency_is_alive_and_not_ready() -> None:
    arrived = asyncio.Event()

    @asynccontextmanager
    async def bind(settings: CommonSettings) -> AsyncIterator[Service]:
        await arrived.wait()
        yield Service("test", PlainTextResponse("here"), {"loop": until_stopped}, ready)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, stop = f"http://127.0.0.1:{port}", asyncio.Event()
    settings = CommonSettings(http_port=port, stop_deadline_ms=1_000)
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(bind, settings, stop, listening.set_result))
    await asyncio.sleep(0)
    assert await status(f"{url}/health/live") == 200
    assert await status(f"{url}/health/ready") == 503
    assert await status(f"{url}/") == 503
    arrived.set()
    await asyncio.wait_for(listening, 5)
    assert await status(f"{url}/health/ready") == 200
    assert await get(f"{url}/") == "here"
    stop.set()
    await asyncio.wait_for(task, 5)


async def test_an_address_that_is_not_ours_says_what_to_set() -> None:
    settings = CommonSettings(http_host="192.0.2.1", http_port=0)
    with pytest.raises(Misconfigured, match="set TENON_HTTP_HOST"):
        await serve(binding({}), settings, asyncio.Event())


async def test_a_service_that_waits_for_a_dependency_can_be_stopped() -> None:
    closed = []

    @asynccontextmanager
    async def bind(settings: CommonSettings) -> AsyncIterator[Service]:
        try:
            await asyncio.sleep(60)
            yield Service("test", PlainTextResponse("here"), {}, ready)
        finally:
            closed.append("closed")

    stop = asyncio.Event()
    task = asyncio.create_task(serve(bind, SETTINGS, stop))
    await asyncio.sleep(0.1)
    stop.set()
    await asyncio.wait_for(task, 2)
    assert closed == ["closed"]
