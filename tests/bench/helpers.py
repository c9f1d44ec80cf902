"""The helper processes as the bench holds them: load generator and reader, by their pipes."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from os import environ
from typing import Any

from msgspec import Struct

from tenon_local.parent import die_with_parent
from tenon_local.process import ManagedProcess
from tests.bench.messages import Heard, Ready, heard, line

_WATCH_S = 0.2
_LINE_BYTES = 64 * 1024 * 1024


class HelperEnded(Exception):
    """A helper process ended before it was told to."""


class Helper:
    """A helper that runs and is ready."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    def say(self, message: Struct) -> None:
        """Tell it something."""
        assert self._process.stdin is not None
        self._process.stdin.write(line(message))

    async def hear(self) -> Heard:
        """Return what it says next."""
        assert self._process.stdout is not None
        text = await self._process.stdout.readline()
        if not text:
            raise HelperEnded(f"process {self.pid} ended with code {await self._process.wait()}")
        return heard(text)


@asynccontextmanager
async def helper(module: str, *arguments: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Helper]:
    """Start a module of the bench, and yield it once it is ready; kill it at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", f"tests.bench.{module}", *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**environ, **(env or {})},
        limit=_LINE_BYTES,
        preexec_fn=die_with_parent(signal.SIGKILL),
    )
    try:
        started = Helper(process)
        if not isinstance(await started.hear(), Ready):
            raise HelperEnded(f"{module} did not say that it is ready")
        yield started
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def listening(to: Helper, each: Callable[[Heard], None]) -> AsyncIterator[None]:
    """Hand on what a helper says while the block runs; the block ends with an error when the helper does."""

    async def listen() -> None:
        while True:
            each(await to.hear())

    async with _beside(listen()):
        yield


@asynccontextmanager
async def watched(processes: Sequence[ManagedProcess]) -> AsyncIterator[None]:
    """End the block with an error as soon as one of the processes ends."""

    async def watch() -> None:
        while True:
            for process in processes:
                if not process.alive:
                    raise process.failure(f"ended with code {process.exit_code}")
            await asyncio.sleep(_WATCH_S)

    async with _beside(watch()):
        yield


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do endless work while the block runs; whichever fails first ends both, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work)
            yield
            task.cancel()
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
