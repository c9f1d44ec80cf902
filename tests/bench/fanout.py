"""Live streams alone: how fast a thousand clients get the wall, and whether each gets all of it.

First all are at one replica, beside a bare server that sends the same bytes to as many clients. Then another
replica is there, the first is killed while events come, and each client goes on at the second.
"""

import asyncio
from dataclasses import dataclass, field

from tenon.kafka import Producer
from tenon_local import ports
from tenon_local.stack import Stack
from tests.bench import baseline, measures
from tests.bench.calls import told_dockings
from tests.bench.course import Course
from tests.bench.cpu import Meter
from tests.bench.failing import BenchFailed
from tests.bench.helpers import Helper, helper, listening
from tests.bench.measures import Figures
from tests.bench.messages import Arrived, Followed, Heard, Judge
from tests.bench.rig import Show
from tests.bench.stacks import metric, stack_of_stores, stores, write, writing
from tests.support.waiting import until

CLIENTS = 1_000
_DEADLINE_S = 300


@dataclass
class Crowd:
    """The clients as the course sees them."""

    process: Helper
    arrived: int = 0
    answers: "asyncio.Queue[Followed]" = field(default_factory=asyncio.Queue)

    def take(self, message: Heard) -> None:
        """Take note of what they say."""
        if isinstance(message, Arrived):
            self.arrived = message.calls
        elif isinstance(message, Followed):
            self.answers.put_nowait(message)

    async def until(self, events: int) -> None:
        """Return when so many events came to all together."""

        async def come() -> bool:
            return self.arrived >= events

        await until(come, f"{events:,} events at the clients", _DEADLINE_S)

    async def judged(self, last: int) -> Followed:
        """Return what came; raises BenchFailed unless each client got every number up to the last, once."""
        self.process.say(Judge({}))
        found = await self.answers.get()
        if found.faults or found.least != last:
            raise BenchFailed(f"streams have {found.faults} gaps; one ends at {found.least}, not {last}")
        return found


async def run(course: Course, show: Show) -> Figures:
    """Return the figures as `bare.streams.…` and `streams.…`."""
    events = course.streamed
    async with stack_of_stores({"notifier": 2}) as stack, writing(stack) as producer:
        show(f"a bare stream to {CLIENTS:,} clients")
        bare = await _bare(stack, events)
        first, second = stack.services["notifier"]
        first.start()
        await first.wait_ready()
        async with helper("watchers", str(CLIENTS), first.url, second.url) as process:
            crowd = Crowd(process)
            async with listening(process, crowd.take):
                await _watched(stack, 0)
                show(f"{events:,} events to {CLIENTS:,} clients")
                full = await _full(stack, crowd, producer, events)
                show("the replica is killed, and another takes all clients")
                await _killed(stack, crowd, producer, events)
    return {**measures.named("bare.streams", bare), **measures.named("streams.full", full)}


async def _bare(stack: Stack, events: int) -> Figures:
    port = ports.claim(0, "bare stream", "")
    arguments = ("stream", str(port), str(CLIENTS), str(events))
    async with baseline.running(stack, *arguments) as server:
        await baseline.listens(server, port)
        async with helper("watchers", str(CLIENTS), f"http://{ports.HOST}:{port}") as process:
            crowd = Crowd(process)
            async with listening(process, crowd.take):
                await crowd.until(1)
                trees = {**stores(stack), "server": [server.pid], "clients": [process.pid]}
                span, before = Meter(trees).span(), crowd.arrived
                await crowd.until(CLIENTS * events)
                use = span.use(CLIENTS * events - before)
                found = await crowd.judged(events)
    return {"streamed_per_s": found.events / (found.ended - found.began), **measures.cpu(use)}


async def _full(stack: Stack, crowd: Crowd, producer: Producer, events: int) -> Figures:
    notifier = stack.services["notifier"][0]
    await write(producer, told_dockings(0, events))
    await crowd.until(1)
    trees = {**stores(stack), "notifier": [notifier.process.pid], "clients": [crowd.process.pid]}
    span, before = Meter(trees).span(), crowd.arrived
    await crowd.until(CLIENTS * events)
    use = span.use(CLIENTS * events - before)
    found = await crowd.judged(events)
    return {"streamed_per_s": found.events / (found.ended - found.began), **measures.cpu(use)}


async def _killed(stack: Stack, crowd: Crowd, producer: Producer, events: int) -> None:
    """Kill the replica in the midst of as many events again; each client has to get all of them."""
    first, second = stack.services["notifier"]
    second.start()
    await second.wait_ready()
    await write(producer, told_dockings(events, events))
    await crowd.until(CLIENTS * events + CLIENTS * events // 4)
    await first.kill()
    await crowd.until(2 * CLIENTS * events)
    await first.restart()
    last = int(await stack.postgres.psql("SELECT last FROM notifier.feed_counters WHERE audience = '*'"))
    await crowd.judged(last)


async def _watched(stack: Stack, replica: int) -> None:
    async def all_there() -> bool:
        return await metric(stack.services["notifier"][replica], "tenon_notifier_streams") >= CLIENTS

    await until(all_there, f"{CLIENTS:,} streams")
