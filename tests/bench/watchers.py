"""Many clients of live streams, a process of its own: `python -m tests.bench.watchers COUNT URL…`.

Each follows the wall from its first event; when its stream ends it goes on behind the last number it got,
at the next address. Counts what comes and what is missing; must not know what was to come.
"""

import asyncio
import re
import sys
import time
from contextlib import suppress
from urllib.parse import urlsplit

import uvloop

from tests.bench.messages import Arrived, Followed, Judge, Ready, say, told

_TELL_S = 0.05
_PAUSE_S = 0.2
_NUMBER = re.compile(rb"^id: (\d+)$", re.MULTILINE)


class Watcher:
    """One client: the last number it got, and how many it missed or got twice."""

    def __init__(self) -> None:
        self.last = 0
        self.faults = 0
        self.events = 0
        self.began = 0.0
        self.ended = 0.0

    async def follow(self, urls: list[str]) -> None:
        """Follow for ever."""
        turn = 0
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._connection(urls[turn % len(urls)])
            turn += 1
            await asyncio.sleep(_PAUSE_S)

    async def _connection(self, url: str) -> None:
        where = urlsplit(url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port, limit=2**20)
        try:
            writer.write(
                f"GET /v1/stream?after=0 HTTP/1.1\r\nhost: {where.netloc}\r\n"
                f"last-event-id: {self.last}\r\n\r\n".encode()
            )
            rest = b""
            while chunk := await reader.read(2**18):
                whole, cut, rest = (rest + chunk).rpartition(b"\n\n")
                self._take(whole + cut)
        finally:
            writer.close()

    def _take(self, frames: bytes) -> None:
        numbers = [int(found) for found in _NUMBER.findall(frames)]
        if not numbers:
            return
        expected = range(self.last + 1, self.last + 1 + len(numbers))
        self.faults += sum(one != other for one, other in zip(numbers, expected, strict=True))
        self.last = numbers[-1]
        self.events += len(numbers)
        self.ended = time.monotonic()
        self.began = self.began or self.ended


async def _main(count: str, *urls: str) -> None:
    watchers = [Watcher() for _ in range(int(count))]
    tasks = [asyncio.create_task(each.follow(list(urls))) for each in watchers]
    say(Ready())
    telling = asyncio.create_task(_tell(watchers))
    async for message in told():
        if isinstance(message, Judge):
            say(
                Followed(
                    events=sum(each.events for each in watchers),
                    faults=sum(each.faults for each in watchers),
                    least=min(each.last for each in watchers),
                    began=min(each.began for each in watchers),
                    ended=max(each.ended for each in watchers),
                )
            )
    for task in (telling, *tasks):
        task.cancel()


async def _tell(watchers: list[Watcher]) -> None:
    before = -1
    while True:
        events = sum(each.events for each in watchers)
        if events != before:
            before = events
            say(Arrived(events))
        await asyncio.sleep(_TELL_S)


if __name__ == "__main__":
    uvloop.run(_main(*sys.argv[1:]))
