"""A pipeline under load: sends an order, watches until it is decided, and says what was seen.

The same for the line and for the bare pipeline. Must not know which of them it is.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tests.bench.course import Course
from tests.bench.cpu import Meter
from tests.bench.failing import BenchFailed
from tests.bench.helpers import Helper, helper, listening
from tests.bench.measures import Figures, Phase
from tests.bench.messages import Decided, Heard, Order, Seen, Sent
from tests.bench.stacks import SEED

_DEADLINE_S = 300
Show = Callable[[str], None]
"""Shows a person how far it is."""
Part = Callable[[Course, Show], Awaitable[Figures]]
"""Measures one part of the line on a stack of its own."""
Told = Callable[[], Awaitable[None]]
"""Returns when whoever tells the outside has told everything."""
_NOTHING = Seen(at=0.0, decided=0, faulty=0, dockings_decided=0, dockings=0, docked=[])


@dataclass(frozen=True, slots=True)
class Target:
    """A pipeline: what the reader counts of it, where it takes events, and with which key.

    `kafka` is the environment by which a process reaches its Kafka.
    """

    what: Literal["line", "bare"]
    url: str
    kafka: Mapping[str, str]
    key: str = ""


class Rig:
    """Load generator, reader and meter around one pipeline. `next` is the number of the next event."""

    def __init__(self, load: Helper, meter: Meter, show: Show, told: Told | None) -> None:
        self._load, self._meter, self._show, self._told = load, meter, show, told
        self._docked: list[tuple[int, float]] = []
        self._moved = asyncio.Event()
        self._base = 0
        self.seen = _NOTHING
        self.next = 0

    @property
    def decided(self) -> int:
        """How many of the sent events are decided."""
        return self.seen.decided - self._base

    def take(self, message: Heard) -> None:
        """Take note of what the reader saw."""
        if isinstance(message, Seen):
            self.seen = message
            self._docked += message.docked
            self._load.say(Decided(self.decided))
            self._show(f"{max(0, self.decided):,} events decided")
            self._moved.set()

    async def start_from(self, decided: int) -> None:
        """Wait until what was there before the load is decided; only what comes after it counts."""
        await self._until(lambda: self.seen.decided >= decided, "what was there before")
        self._base = decided

    async def phase(self, order: Order) -> Phase:
        """Carry out one order, and return what was seen."""
        self._docked, dockings, span = [], self.seen.dockings, self._meter.span()
        sent = await carried_out(self._load, order)
        self.next = order.first + sent.accepted
        decided = await self._until(
            lambda: self.decided >= self.next and self.seen.dockings >= self.seen.dockings_decided,
            f"{sent.accepted} events",
        )
        told = await self._all_told()
        return Phase(
            events=sent.accepted,
            began=sent.began,
            answered=sent.answered,
            decided=decided,
            told=told,
            dockings=self.seen.dockings - dockings,
            use=span.use(sent.accepted),
            batches=sent.batches,
            docked=self._docked,
        )

    async def _all_told(self) -> float | None:
        if self._told is None:
            return None
        async with asyncio.timeout(_DEADLINE_S):
            await self._told()
        return time.monotonic()

    async def _until(self, done: Callable[[], bool], what: str) -> float:
        """Return when the reader saw it done."""
        try:
            async with asyncio.timeout(_DEADLINE_S):
                while not done():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            raise BenchFailed(f"{what} not decided within {_DEADLINE_S} s: {self.decided}") from None
        return self.seen.at


async def carried_out(load: Helper, order: Order) -> Sent:
    """Have a load generator carry out an order; raises BenchFailed where anything of it was refused."""
    load.say(order)
    async with asyncio.timeout(order.seconds + _DEADLINE_S):
        sent = await load.hear()
    assert isinstance(sent, Sent)
    if sent.refused or not sent.accepted:
        raise BenchFailed(f"{sent.accepted} events were accepted; refused: {sent.refused}")
    return sent


def loading(url: str, key: str) -> AbstractAsyncContextManager[Helper]:
    """Start a load generator for the events address of a server."""
    start = datetime.now().astimezone().replace(microsecond=0).isoformat()
    return helper("load", f"{url}/v1/events", str(SEED), start, env={"BENCH_KEY": key})


@asynccontextmanager
async def rig(
    target: Target, trees: Mapping[str, list[int]], show: Show, told: Told | None = None
) -> AsyncIterator[Rig]:
    """Set a load generator, a reader and a meter around a pipeline."""
    async with (
        loading(target.url, target.key) as load,
        helper("reader", target.what, env=target.kafka) as reader,
    ):
        meter = Meter({**trees, "load": [load.pid], "reader": [reader.pid]})
        made = Rig(load, meter, show, told)
        async with listening(reader, made.take):
            yield made
