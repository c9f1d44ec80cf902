"""Live streams: every client of a feed reads the same recent frames, each encoded once.

A *tail* follows one feed as long as somebody watches it, and keeps the newest frames in a ring of bounded
length. A client has nothing but a cursor. It first catches up from the table, then goes on from the ring. One
that was live, fell out of the ring and does not come back soon is too slow: it is disconnected and may resume
where it was. No entry can fall between table and ring, because both are read by number.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from notifier import metrics
from notifier.bell import Bell
from notifier.domain.audiences import WALL
from notifier.domain.frames import HEARTBEAT, closing, joined, opening
from notifier.domain.selecting import Selection
from notifier.feed import Feed
from notifier.settings import NotifierSettings
from notifier.tail import Frame, Ring, Tail, encoded
from tenon import log
from tenon.errors import Transient
from tenon.metrics import Metrics

Allowed = Callable[[], Awaitable[bool]]
_PAGE = 500
_CHUNK_BYTES = 65_536
_RETRY_MS = 2_000
_logger = log.get("live")


@dataclass(frozen=True, slots=True)
class Room:
    """How many streams one process serves, and how many of them may be one party's."""

    streams: int
    of_one: int

    def of(self, audience: str) -> int:
        """Return how many streams of a feed may be open; of the wall, where anybody looks, half of all."""
        return max(1, self.streams // 2) if audience == WALL else self.of_one


class _Client:
    """Where one client is: its cursor, since when it is quiet, since when it is behind the ring."""

    def __init__(self, cursor: int, slow_s: float) -> None:
        self.cursor = cursor
        self._slow_s = slow_s
        self._spoke = time.monotonic()
        self._live = False
        self._behind_since: float | None = None

    def spoke(self) -> None:
        """Note that it was checked and got a sign of life."""
        self._spoke = time.monotonic()

    def quiet_for(self) -> float:
        """Return the seconds since the last check."""
        return time.monotonic() - self._spoke

    def fault(self, frames: Sequence[Frame], behind: bool) -> str | None:
        """Return why the stream must end, None if it goes on: it is too slow, or entries are missing."""
        if frames and frames[0].number != self.cursor + 1:
            return "entries were removed"
        if not behind:
            self._live, self._behind_since = True, None
        elif self._live:
            self._behind_since = self._behind_since or time.monotonic()
            if time.monotonic() - self._behind_since > self._slow_s:
                return "too slow"
        return None


class Hub:
    """The tails of this process, and the loop that lets them grow."""

    def __init__(
        self,
        feed: Feed,
        bell: Bell,
        metrics: Metrics,
        *,
        poll_ms: int,
        heartbeat_ms: int,
        ring: Ring,
        room: Room,
    ) -> None:
        self.feed = feed
        self.closed = False
        self.clients = 0
        self._bell = bell
        self._metrics = metrics
        self._poll_s = poll_ms / 1000
        self._heartbeat_s = heartbeat_ms / 1000
        self._ring = ring
        self._room = room
        self._watching: Counter[str] = Counter()
        self._tails: dict[str, Tail] = {}

    @classmethod
    def of(cls, settings: NotifierSettings, feed: Feed, bell: Bell, metrics: Metrics) -> Self:
        """Take what the service was told by its environment."""
        return cls(
            feed,
            bell,
            metrics,
            poll_ms=settings.stream_poll_ms,
            heartbeat_ms=settings.stream_heartbeat_ms,
            ring=Ring(
                settings.stream_queue_events, settings.stream_queue_bytes, settings.stream_write_timeout_ms
            ),
            room=Room(settings.stream_clients, settings.streams_per_party),
        )

    @property
    def full(self) -> bool:
        """Whether no further stream can be served here now."""
        return self.closed or self.clients >= self._room.streams

    def has_enough(self, audience: str) -> bool:
        """Whether so many streams of this feed are served that others would go short."""
        return self._watching[audience] >= self._room.of(audience)

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the watched feeds until `stop` is set, then end all streams."""
        heard = self._bell.subscribe()
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                heard.clear()
                await self._grow()
                waking = asyncio.create_task(heard.wait())
                await asyncio.wait(
                    [waking, stopping], timeout=self._poll_s, return_when=asyncio.FIRST_COMPLETED
                )
                waking.cancel()
        finally:
            stopping.cancel()
            self._bell.unsubscribe(heard)
            self._close()

    async def stream(
        self, audience: str, after: int, selection: Selection, allowed: Allowed
    ) -> AsyncGenerator[bytes, None]:
        """Yield what is selected of a feed from behind `after`, for ever.

        Ends when the client is too slow, when `allowed` says no, when the database is away, and when this
        process stops or serves enough others.
        """
        yield opening(_RETRY_MS)
        if self.full or self.has_enough(audience):
            yield self._closing("too many streams")
            return
        client = _Client(after, self._ring.slow_ms / 1000)
        try:
            async with self._watch(audience) as tail:
                while (reason := await self._fault(client, allowed)) is None:
                    if client.quiet_for() >= self._heartbeat_s:
                        client.spoke()
                        yield HEARTBEAT
                    frames, behind = await self._next(audience, tail, client.cursor)
                    if reason := client.fault(frames, behind):
                        break
                    if not frames:
                        await tail.wait(max(0.0, self._heartbeat_s - client.quiet_for()))
                        continue
                    client.cursor = frames[-1].number
                    for chunk in self._wanted(frames, selection):
                        yield chunk
        except Transient:
            reason = "the database is away"
        yield self._closing(reason)

    async def _fault(self, client: _Client, allowed: Allowed) -> str | None:
        """Return why a stream must end whatever its client does; keys are checked at each heartbeat."""
        if self.closed:
            return "stopping"
        if client.quiet_for() >= self._heartbeat_s and not await allowed():
            return "the key was revoked"
        return None

    def _wanted(self, frames: Sequence[Frame], selection: Selection) -> Iterator[bytes]:
        if selection.sifts:
            frames = [each for each in frames if selection.wants(each.type, each.message)]
        wanted = [each.data for each in frames]
        self._metrics.add(metrics.STREAMED, len(wanted))
        return joined(wanted, _CHUNK_BYTES)

    async def _next(self, audience: str, tail: Tail, cursor: int) -> tuple[Sequence[Frame], bool]:
        """Return the frames behind a cursor, and whether it had fallen behind the ring."""
        if cursor >= tail.start:
            return tail.since(cursor)[:_PAGE], False
        return [encoded(entry) for entry in await self.feed.page(audience, cursor, _PAGE)], True

    @asynccontextmanager
    async def _watch(self, audience: str) -> AsyncIterator[Tail]:
        self._count(audience, 1)
        try:
            tail = await self._tail(audience)
            tail.watchers += 1
            try:
                yield tail
            finally:
                tail.watchers -= 1
                if not tail.watchers and self._tails.get(audience) is tail:
                    del self._tails[audience]
        finally:
            self._count(audience, -1)

    def _count(self, audience: str, change: int) -> None:
        self.clients += change
        self._watching[audience] += change
        if not self._watching[audience]:
            del self._watching[audience]
        self._metrics.set(metrics.STREAMS, self.clients)

    async def _tail(self, audience: str) -> Tail:
        """Return the tail of a feed; a new one takes its share of the memory from the others."""
        if audience not in self._tails:
            start = (await self.feed.last_numbers([audience])).get(audience, 0)
            self._tails.setdefault(audience, Tail(start, self._ring.events))
            for each in self._tails.values():
                each.trim(self._share())
        return self._tails[audience]

    def _share(self) -> int:
        return self._ring.bytes // max(1, len(self._tails))

    async def _grow(self) -> None:
        if not self._tails:
            return
        try:
            last = await self.feed.last_numbers(list(self._tails))
            for audience, tail in list(self._tails.items()):
                await self._read(audience, tail, last.get(audience, 0))
        except Transient as error:
            _logger.warning("feeds not read", error=str(error))

    async def _read(self, audience: str, tail: Tail, last: int) -> None:
        while tail.last < last and (entries := await self.feed.page(audience, tail.last, _PAGE)):
            self._metrics.observe(metrics.TAIL_READ, len(entries))
            tail.append(entries)
            tail.trim(self._share())
            await asyncio.sleep(0)

    def _closing(self, reason: str) -> bytes:
        self._metrics.add(metrics.STREAMS_CLOSED, reason=reason)
        return closing(reason)

    def _close(self) -> None:
        self.closed = True
        for tail in self._tails.values():
            tail.wake()
