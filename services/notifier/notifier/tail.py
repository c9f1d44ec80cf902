"""The newest frames of one feed, each encoded once, in a ring of bounded length."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from notifier.domain.frames import frame
from notifier.feed import FeedEntry

_DATA = b"\ndata: "


@dataclass(frozen=True, slots=True)
class Frame:
    """One entry, encoded for streams."""

    number: int
    type: str
    data: bytes

    @property
    def message(self) -> bytes:
        """The CloudEvent in it."""
        return self.data[self.data.index(_DATA) + len(_DATA) : -2]


@dataclass(frozen=True, slots=True)
class Ring:
    """What tails may keep: frames of each, bytes of all together; how long a client may be behind, in ms."""

    events: int
    bytes: int
    slow_ms: int


class Tail:
    """The newest frames of one feed. `start` is the number before the oldest frame it still has."""

    def __init__(self, start: int, most: int) -> None:
        self.start = start
        self.last = start
        self.size = 0
        self.watchers = 0
        self._frames: deque[Frame] = deque()
        self._most = most
        self._grown = asyncio.Event()

    def append(self, entries: Sequence[FeedEntry]) -> None:
        """Add entries that follow `last`, drop the oldest beyond the bound, wake who waits."""
        for entry in entries:
            self._frames.append(encoded(entry))
            self.size += len(self._frames[-1].data)
            self.last = entry.number
        while len(self._frames) > self._most:
            self._drop()
        self.wake()

    def trim(self, most_bytes: int) -> None:
        """Drop the oldest frames beyond so many bytes; who still needs them reads them from the table."""
        while self.size > most_bytes:
            self._drop()

    def since(self, number: int) -> list[Frame]:
        """Return the frames behind a number that is not below `start`."""
        found = []
        for each in reversed(self._frames):
            if each.number <= number:
                break
            found.append(each)
        found.reverse()
        return found

    def wake(self) -> None:
        """Wake everybody who waits for this tail."""
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    async def wait(self, timeout_s: float) -> bool:
        """Return whether the tail was woken within a time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._grown.wait(), timeout_s)
            return True
        return False

    def _drop(self) -> None:
        dropped = self._frames.popleft()
        self.start = dropped.number
        self.size -= len(dropped.data)


def encoded(entry: FeedEntry) -> Frame:
    """Return an entry as a frame."""
    return Frame(entry.number, entry.type, frame(entry.number, entry.type, entry.message()))
