"""One run of the bare pipeline on a stack whose services are not started."""

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
from tests.bench.helpers import watched
from tests.bench.measures import Figures
from tests.bench.rig import BenchFailed, Show, Target, rig


async def run(stack: Stack, course: Course, show: Show) -> Figures:
    """Return the figures of the bare pipeline, as `bare.…`."""
    port = ports.claim(0, "bare http", "")
    async with _processes(stack, port) as processes:
        trees = {**stores(stack), **{each.name: [each.pid] for each in processes}}
        target = Target("bare", f"http://{ports.HOST}:{port}", stack.kafka_env())
        async with watched(processes), rig(target, trees, show) as under:
            await under.phase(course.warm_up())
            seen = await under.phase(course.full(under.next))
            sent = under.next
    stored = int(await stack.postgres.psql("SELECT count(*) FROM bare.events"))
    if stored != sent:
        raise BenchFailed(f"the bare pipeline stored {stored} of {sent} events")
    return measures.named("bare", measures.throughput(seen), measures.cpu(seen))


def stores(stack: Stack) -> dict[str, list[int]]:
    """Return the processes of what every pipeline stands on."""
    return {
        "kafka": [broker.process.pid for broker in stack.kafka.brokers],
        "postgres": [stack.postgres.process.pid],
    }


@asynccontextmanager
async def _processes(stack: Stack, port: int) -> AsyncIterator[list[ManagedProcess]]:
    topics = [Topic(name, "partition", "of the bench") for name in (bare.MARKET, bare.DECIDED)]
    await ensure_topics(stack.kafka_settings(), topics, partitions=bare.PARTITIONS)
    await stack.postgres.psql(bare.SCHEMA)
    http, work = (_process(stack, *role) for role in (("http", str(port)), ("work",)))
    try:
        http.start()
        work.start()
        await http.wait_ready(lambda: probe.listens(ports.HOST, port), timeout_s=30)
        yield [http, work]
    finally:
        await http.kill()
        await work.kill()


def _process(stack: Stack, *arguments: str) -> ManagedProcess:
    secret = Secrets.of(stack.plan.data_dir / "secrets.json").get("postgres.superuser")
    env = {
        **stack.kafka_env(),
        "BENCH_DATABASE": f"postgresql://postgres:{secret}@{ports.HOST}:{stack.postgres.port}/tenon",
    }
    name = f"bare_{arguments[0]}"
    command = (sys.executable, "-m", "tests.bench.bare", *arguments)
    return ManagedProcess(name, command, stack.plan.data_dir / "log" / f"{name}.log", env)
