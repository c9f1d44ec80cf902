"""What tests of the relay need: a source that is a list, and effects that go as the test says."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tenon.errors import Fenced, Transient
from tenon.metrics import Metrics
from tenon.relay import Done, Effect, Outcome, Parked, Relay, RelaySettings


@dataclass
class ListSource:
    """Work that is due until it is done or parked; `trouble` is raised by the next calls, first one first."""

    due: list[int]
    settled: list[tuple[int, str]] = field(default_factory=list)
    trouble: list[Transient | Fenced] = field(default_factory=list)
    claims: int = 0

    async def claim(self, limit: int) -> Sequence[int]:
        self.claims += 1
        if self.trouble:
            raise self.trouble.pop(0)
        return self.due[:limit]

    async def settle(self, outcomes: Sequence[tuple[int, Outcome]]) -> None:
        if self.trouble:
            raise self.trouble.pop(0)
        for item, outcome in outcomes:
            self.settled.append((item, type(outcome).__name__))
            if isinstance(outcome, Done | Parked):
                self.due.remove(item)


@asynccontextmanager
async def relaying(
    source: ListSource, effect: Effect[int], *, limit: int = 500, retry_deadline_ms: int = 20_000
) -> AsyncIterator[Relay[int]]:
    """A running relay over a list; raises what ended it before it was asked to."""
    relay = new_relay(source, effect, limit, retry_deadline_ms)
    stop = asyncio.Event()
    task = asyncio.create_task(relay.run(stop))
    try:
        yield relay
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


def new_relay(
    source: ListSource, effect: Effect[int], limit: int = 500, retry_deadline_ms: int = 20_000
) -> Relay[int]:
    """A relay that is not running yet and looks for work every 20 ms."""
    settings = RelaySettings("test", limit, 20, retry_deadline_ms)
    return Relay("numbers", source, effect, metrics=Metrics(), settings=settings)
