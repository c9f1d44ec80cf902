"""The runner: what every service's process does, so that no service has a main of its own.

A service is one function, `bind`: given settings, it builds everything and yields a `Service`. The runner
serves its HTTP app (adding `/health/live`, `/health/ready` and `/metrics`), runs its loops, and owns signals
and the end. It listens before it binds: a service that still waits for a database is alive, and not ready.
SIGTERM and SIGINT begin a graceful stop with a deadline. A loop that ends, or raises, before that ends the
process with status 1: no process stays alive with a dead worker. What a service does is not known here.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import uvloop
from starlette.types import ASGIApp

from tenon import clock, failpoints, log, positions
from tenon.db import Database
from tenon.errors import Misconfigured, TenonError
from tenon.health import Ready
from tenon.listening import Front, http_server, listening_socket, serve_http, url_of
from tenon.metrics import Metrics
from tenon.migrations import migrate
from tenon.records import TopicPartition
from tenon.settings import CommonSettings, load

Loop = Callable[[asyncio.Event], Awaitable[None]]
S = TypeVar("S", bound=CommonSettings)
# Services hold many objects for long: the default, a pass per 700 new ones, took 15 % of the matcher's time.
_GC_THRESHOLDS = (50_000, 20, 50)
_logger = log.get("app")


@dataclass(frozen=True)
class Service:
    """What a process runs. `ready` returns for each dependency None, or why it is not ready."""

    name: str
    http: ASGIApp
    loops: Mapping[str, Loop]
    ready: Ready
    metrics: Metrics = field(default_factory=Metrics)


Bind = Callable[[S], AbstractAsyncContextManager[Service]]


class LoopEnded(TenonError):
    """A loop of the service ended though nobody asked it to."""


class StopTooSlow(TenonError):
    """The graceful stop took longer than `TENON_STOP_DEADLINE_MS`."""


def main(bind: Bind[S], settings_type: type[S], package: str) -> NoReturn:
    """Run a service: `python -m <package>` serves, with `migrate` it upgrades its schema.

    `positions` lists how far it is in each partition; `positions set TOPIC/PARTITION OFFSET` changes that
    by hand, while the service is stopped.
    """
    log.configure(service=package)
    gc.set_threshold(*_GC_THRESHOLDS)
    try:
        settings = load(settings_type)
        log.configure(settings.log_level, settings.log_format, service=package, instance=settings.instance)
        failpoints.install(settings.failpoints)
        clock.set_offset(settings.clock_offset_ms)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_command(sys.argv[1:], bind, settings, package))
    except TenonError as error:
        _end(package, error)
    except Exception as error:
        _end(package, error, exc_info=True)
    _exit(0)


async def serve(
    bind: Bind[S],
    settings: S,
    stop: asyncio.Event,
    listening: Callable[[str], None] = lambda address: None,
) -> None:
    """Run a service inside this process until `stop` is set; `listening` is told its URL.

    Raises whatever ended a loop, `LoopEnded`, or `StopTooSlow`.
    """
    with listening_socket(settings) as listener:
        front = Front()
        http = asyncio.create_task(serve_http(http_server(front, settings), listener, stop), name="http")
        try:
            async with AsyncExitStack() as stack:
                service = await _enter(stack, bind(settings), stop)
                if service is None:
                    return
                front.show(service.http, service.ready, service.metrics)
                url = url_of(listener)
                listening(url)
                _logger.info("started", url=url, loops=sorted(service.loops))
                await _supervise([http, *_started(service.loops, stop)], stop, settings.stop_deadline_ms)
        finally:
            http.cancel()
            await asyncio.wait([http])
    _logger.info("stopped")


async def _enter(
    stack: AsyncExitStack, binding: AbstractAsyncContextManager[Service], stop: asyncio.Event
) -> Service | None:
    """Build the service; None when it was told to stop meanwhile, as while it waits for a dependency."""
    try:
        async with asyncio.timeout(None) as patience:
            cutting = asyncio.create_task(_cut_short(patience, stop))
            try:
                return await stack.enter_async_context(binding)
            finally:
                cutting.cancel()
    except TimeoutError:
        if stop.is_set():
            return None
        raise


async def _cut_short(patience: asyncio.Timeout, stop: asyncio.Event) -> None:
    await stop.wait()
    patience.reschedule(asyncio.get_running_loop().time())


async def _command(arguments: list[str], bind: Bind[S], settings: S, package: str) -> None:
    schema = package.rpartition(".")[2]
    match arguments:
        case []:
            stop = _stop_on_signals()
            overdue = asyncio.create_task(_end_when_overdue(stop, settings.stop_deadline_ms))
            await serve(bind, settings, stop)
            overdue.cancel()
        case ["migrate"]:
            for url in settings.databases():
                await migrate(url, package=package)
            _logger.info("schema is up to date", schema=schema)
        case ["positions"]:
            for position in await _positions(settings, schema):
                sys.stdout.write(f"{position.partition}\t{position.next_offset}\t{position.owner}\n")
        case ["positions", "set", where, offset] if offset.isdecimal():
            topic, _, text = where.rpartition("/")
            partition = TopicPartition(topic, _whole(text))
            url = settings.database_of(partition.partition)
            async with Database.connect(url, schema=schema) as database:
                await positions.put(database, partition, int(offset))
        case _:
            raise Misconfigured(
                f"unknown arguments {' '.join(arguments)!r}; python -m {package} [migrate | positions"
                " [set TOPIC/PARTITION OFFSET]]"
            )


async def _positions(settings: CommonSettings, schema: str) -> list[positions.StoredPosition]:
    """Return how far a service is in each partition, from the database that holds it."""
    found = []
    for url in settings.databases():
        async with Database.connect(url, schema=schema) as database:
            stored = await positions.stored(database)
        found += [each for each in stored if settings.database_of(each.partition.partition) == url]
    return sorted(found, key=lambda each: each.partition)


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise Misconfigured(f"{text!r} is no partition; write TOPIC/PARTITION")
    return int(text)


def _started(loops: Mapping[str, Loop], stop: asyncio.Event) -> list["asyncio.Task[None]"]:
    return [asyncio.create_task(_run(loop, stop), name=name) for name, loop in loops.items()]


async def _supervise(tasks: Sequence["asyncio.Task[None]"], stop: asyncio.Event, deadline_ms: int) -> None:
    """Run loops until `stop`; end all of them within the deadline, and raise what went wrong first."""
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        failure = None if stop.is_set() else _failure(tasks)
        if failure is not None:
            _logger.error("a loop ended; stopping", error=f"{type(failure).__name__}: {failure}")
        stop.set()
        _, late = await asyncio.wait(tasks, timeout=deadline_ms / 1000)
    finally:
        stopping.cancel()
        for task in tasks:
            task.cancel()
    if failure is not None:
        raise failure
    if late:
        raise StopTooSlow(
            f"{', '.join(sorted(task.get_name() for task in late))} did not stop in {deadline_ms} ms"
        )
    for task in tasks:
        task.result()


async def _run(loop: Loop, stop: asyncio.Event) -> None:
    await loop(stop)


def _failure(tasks: Sequence["asyncio.Task[None]"]) -> BaseException:
    """Return why the first loop ended."""
    ended = next(task for task in tasks if task.done())
    error = None if ended.cancelled() else ended.exception()
    return error or LoopEnded(f"loop {ended.get_name()} ended")


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop_or_end, stop)
    return stop


def _stop_or_end(stop: asyncio.Event) -> None:
    """Begin a graceful stop; end at once when asked a second time."""
    if stop.is_set():
        _logger.warning("ended by a second signal")
        _exit(1)
    stop.set()


async def _end_when_overdue(stop: asyncio.Event, deadline_ms: int) -> None:
    """End the process when its end takes too long, wherever it hangs."""
    await stop.wait()
    await asyncio.sleep(deadline_ms / 1000)
    _logger.error("ended: the stop took too long", deadline_ms=deadline_ms)
    _exit(1)


def _end(package: str, error: Exception, **extra: Any) -> NoReturn:
    _logger.error("ended", service=package, error=f"{type(error).__name__}: {error}", **extra)
    _exit(1)


def _exit(status: int) -> NoReturn:
    """End the process at once: a client that still waits for a dead broker must not hold it up."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
