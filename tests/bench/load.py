"""The load generator, a process of its own: `python -m tests.bench.load URL SEED START`.

Decides when each batch is sent. A batch that was due and found no free connection counts from when it was
due. Must not know what is behind the URL; the key is in BENCH_KEY.
"""

import asyncio
import os
import sys
import time
from collections import Counter
from datetime import datetime

import msgspec
import uvloop

from tenon.contracts.cloudevents import BATCH, STRUCTURED
from tests.bench.events import Press
from tests.bench.messages import Decided, Order, Ready, Sent, say, told
from tests.bench.posting import Connection, connected

_ACCEPTED = 202


class _Result(msgspec.Struct):
    status: str


class _Results(msgspec.Struct):
    results: list[_Result]


_answer = msgspec.json.Decoder(_Results)


class Sender:
    """Sends one order at a time over a few connections."""

    def __init__(self, url: str, key: str, press: Press) -> None:
        self._url, self._key, self._press = url, key, press
        self._decided = 0
        self._moved = asyncio.Event()
        self._next = 0
        self._outcomes: Counter[str] = Counter()
        self._batches: list[tuple[int, float]] = []

    def decided(self, events: int) -> None:
        """Take note of how many events are decided by now."""
        self._decided = events
        self._moved.set()

    async def carry_out(self, order: Order) -> Sent:
        """Send what an order asks for, and return what became of it."""
        self._next, self._outcomes, self._batches = order.first, Counter(), []
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(order.connections):
                group.create_task(self._connection(order, began))
        accepted = self._outcomes.pop("accepted", 0)
        return Sent(
            began=began,
            answered=time.monotonic(),
            accepted=accepted,
            refused=dict(self._outcomes),
            batches=self._batches,
        )

    async def _connection(self, order: Order, began: float) -> None:
        async with connected(self._url, self._key) as server:
            while (due := await self._turn(order, began)) is not None:
                first, self._next = self._next, self._next + order.batch
                await _until(due)
                self._batches.append((first, due))
                await self._post(server, first, order.batch)

    async def _turn(self, order: Order, began: float) -> float | None:
        """Return when the next batch is due; None when there is none any more."""
        if order.rate is not None:
            due = began + (self._next - order.first) / order.rate
        else:
            while order.outstanding and self._next + order.batch - self._decided > order.outstanding:
                self._moved.clear()
                await self._moved.wait()
            due = time.monotonic()
        return due if due < began + order.seconds else None

    async def _post(self, server: Connection, first: int, size: int) -> None:
        single = size == 1
        body = self._press.event(first) if single else self._press.batch(first, size)
        status, answer = await server.post(body, STRUCTURED if single else BATCH)
        if status != _ACCEPTED:
            self._outcomes[f"status {status}"] += size
        elif single:
            self._outcomes["accepted"] += 1
        else:
            self._outcomes.update(result.status for result in _answer.decode(answer).results)


async def _until(due: float) -> None:
    if (wait := due - time.monotonic()) > 0:
        await asyncio.sleep(wait)


async def _main(url: str, seed: str, start: str) -> None:
    async with asyncio.TaskGroup() as group:
        sender = Sender(url, os.environ["BENCH_KEY"], Press(int(seed), datetime.fromisoformat(start)))

        async def carry_out(order: Order) -> None:
            say(await sender.carry_out(order))

        say(Ready())
        async for message in told():
            if isinstance(message, Decided):
                sender.decided(message.events)
            elif isinstance(message, Order):
                group.create_task(carry_out(message))


if __name__ == "__main__":
    uvloop.run(_main(*sys.argv[1:]))
