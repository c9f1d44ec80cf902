"""One run of the whole line: at full load, at half load, and one event at a time at rest."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from notifier.handler import CONSUMED
from tenon.client import TenonClient, new_event
from tenon.contracts import topics
from tenon.contracts.cloudevents import CloudEvent
from tenon.contracts.families import INTAKE
from tenon.contracts.values import Shape
from tenon.kafka import end_offsets
from tenon_local import ports, probe
from tenon_local.plan import Plan
from tenon_local.settings import LocalSettings
from tenon_local.stack import Stack
from tests.bench import honest, measures, size
from tests.bench.baseline import stores
from tests.bench.course import Course
from tests.bench.events import SOURCE, cast
from tests.bench.helpers import watched
from tests.bench.measures import Figures
from tests.bench.rig import BenchFailed, Rig, Show, Target, rig

_TYPES = {family.data: family.name for family in INTAKE}
_BOUNDS = {"log.retention.bytes": "268435456", "log.segment.bytes": "33554432"}
"""Of each partition, so that no bench fills a disk; far more than is ever outstanding."""
_HANDLED = re.compile(r"^tenon_consumer_records_total\{.*\} ([0-9.e+]+)$", re.MULTILINE)
_WAIT_S = 0.05


@asynccontextmanager
async def stack_of_stores(folder: Path) -> AsyncIterator[Stack]:
    """Yield a stack of which Kafka and PostgreSQL run; at the end nothing of it does."""
    plan = Plan(
        data_dir=folder,
        jars_dir=LocalSettings().jars_dir.absolute(),
        env={"TENON_LOG_LEVEL": "warning"},
    )
    stack = Stack(plan)
    stack.kafka.settings.update(_BOUNDS)
    try:
        await stack.start_stores()
        yield stack
    except BaseException:
        await stack.kill()
        raise
    await stack.stop()


async def run(stack: Stack, course: Course, show: Show) -> Figures:
    """Start the services, and return their figures as `tenon.…`; raises BenchFailed where they cheat."""
    await stack.start_services()
    await _introduce(stack)
    trees = {**stores(stack), **{each.service: [each.process.pid] for each in stack.replicas()}}
    target = Target("line", stack.ingest.url, stack.kafka_env(), stack.admin_key)

    async def told() -> None:
        await _until_told(stack)

    services = [each.process for each in stack.replicas()]
    async with watched(services), rig(target, trees, show, told) as under:
        await under.start_from(await _ends(stack, [topics.MARKET.name]))
        before = await size.read(stack)
        figures = await _phases(under, course)
        kept = measures.named("tenon.kept", size.grown(before, await size.read(stack), under.next))
        honest.check_seen(under.seen, under.decided, under.next)
    show("the audit")
    honest.check_report(await honest.audited(stack))
    return {**figures, **kept}


async def _phases(under: Rig, course: Course) -> Figures:
    await under.phase(course.warm_up())
    full = await under.phase(course.full(under.next))
    rate = measures.throughput(full)["decided_per_s"]
    half = await under.phase(course.half(under.next, rate))
    single = await under.phase(course.single(under.next))
    return {
        **measures.named("tenon.full", measures.throughput(full), measures.cpu(full)),
        **measures.named("tenon.half", measures.cpu(half), measures.latency(half)),
        **measures.named("tenon.single", measures.latency(single)),
    }


async def _introduce(stack: Stack) -> None:
    """Register the parties and their sites, and return when they stand in the log."""
    async with TenonClient(stack.ingest.url, stack.notifier.url, stack.admin_key) as client:
        for told in await client.publish(_events(cast(seed=1))):
            if not told.accepted:
                raise BenchFailed(f"{told.event.type} was refused: {told.problem}")
        async with asyncio.timeout(60):
            while (await client.outbox())["pending"]:  # noqa: ASYNC110 - another process empties it
                await asyncio.sleep(_WAIT_S)


def _events(data: Iterable[Shape]) -> list[CloudEvent]:
    return [new_event(_TYPES[type(each)], SOURCE, each) for each in data]


async def _until_told(stack: Stack) -> None:
    """Return when the notifier has handled all that is on its topics."""
    wanted = await _ends(stack, CONSUMED)
    while await _handled(stack) < wanted:  # noqa: ASYNC110 - another process handles it
        await asyncio.sleep(_WAIT_S)


async def _handled(stack: Stack) -> int:
    status, text = await probe.http_get(ports.HOST, stack.notifier.port, "/metrics")
    if status == 0:
        return 0
    return sum(int(float(value)) for value in _HANDLED.findall(text))


async def _ends(stack: Stack, names: Iterable[str]) -> int:
    kafka = stack.kafka_settings(client_id="bench")
    return sum([sum((await end_offsets(kafka, name)).values()) for name in names])
