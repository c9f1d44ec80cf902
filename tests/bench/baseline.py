"""The bare pipeline on a stack: its processes, and its run from end to end while no service is started."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tenon.contracts.topics import Topic
from tenon.kafka import ensure_topics
from tenon_local import ports, probe
from tenon_local.process import ManagedProcess
from tenon_local.secrets import Secrets
from tenon_local.stack import Stack
from tests.bench import bare, measures
from tests.bench.course import Course
from tests.bench.failing import BenchFailed
from tests.bench.helpers import watched
from tests.bench.measures import Figures
from tests.bench.rig import Show, Target, rig
from tests.bench.stacks import stores


async def run(stack: Stack, course: Course, show: Show) -> Figures:
    """Return the figures of the bare pipeline, as `bare.…`."""
    await prepare(stack)
    async with http(stack) as (server, url), running(stack, "work") as worker:
        processes = [server, worker]
        trees = {**stores(stack), **{each.name: [each.pid] for each in processes}}
        target = Target("bare", url, stack.kafka_env())
        async with watched(processes), rig(target, trees, show) as under:
            await under.phase(course.warm_up())
            seen = await under.phase(course.full(under.next))
            sent = under.next
    stored = int(await stack.postgres.psql("SELECT count(*) FROM bare.events"))
    if stored != sent:
        raise BenchFailed(f"the bare pipeline stored {stored} of {sent} events")
    return measures.named("bare", measures.throughput(seen), measures.cpu(seen.use))


async def prepare(stack: Stack) -> None:
    """Make topics and tables."""
    topics = [Topic(name, "partition", "of the bench") for name in (bare.MARKET, bare.DECIDED)]
    await ensure_topics(stack.kafka_settings(), topics, partitions=bare.PARTITIONS)
    await stack.postgres.psql(bare.SCHEMA)


@asynccontextmanager
async def http(stack: Stack) -> AsyncIterator[tuple[ManagedProcess, str]]:
    """Run the HTTP side, and yield it with its address."""
    port = ports.claim(0, "bare http", "")
    async with running(stack, "http", str(port)) as process:
        await listens(process, port)
        yield process, f"http://{ports.HOST}:{port}"


async def listens(process: ManagedProcess, port: int) -> None:
    """Return when a process listens."""
    await process.wait_ready(lambda: probe.listens(ports.HOST, port), timeout_s=30)


@asynccontextmanager
async def running(stack: Stack, *arguments: str) -> AsyncIterator[ManagedProcess]:
    """Run one process of the bare pipeline."""
    env = {**stack.kafka_env(), "BENCH_DATABASE": database(stack)}
    name = f"bare_{arguments[0]}"
    command = (sys.executable, "-m", "tests.bench.bare", *arguments)
    process = ManagedProcess(name, command, stack.plan.data_dir / "log" / f"{name}.log", env)
    try:
        process.start()
        yield process
    finally:
        await process.kill()


def database(stack: Stack) -> str:
    """Return the address of the database for the bare pipeline, which may do everything there."""
    secret = Secrets.of(stack.plan.data_dir / "secrets.json").get("postgres.superuser")
    return f"postgresql://postgres:{secret}@{ports.HOST}:{stack.postgres.port}/tenon"
