"""The stack that a course stands on, and what any course asks of it."""

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from tenon.client import TenonClient, new_event
from tenon.contracts.cloudevents import CloudEvent
from tenon.contracts.families import INTAKE
from tenon.contracts.values import Shape
from tenon.kafka import OutRecord, Producer, end_offsets
from tenon_local import ports, probe
from tenon_local.plan import Plan
from tenon_local.service import ServiceProcess
from tenon_local.settings import LocalSettings
from tenon_local.stack import Stack
from tests.bench.events import SOURCE, cast
from tests.bench.failing import BenchFailed
from tests.support.stack import folder
from tests.support.waiting import until

SEED = 1
_TYPES = {family.data: family.name for family in INTAKE}
_BOUNDS = {"log.retention.bytes": "268435456", "log.segment.bytes": "33554432"}
"""Of each partition, so that no bench fills a disk; far more than is ever outstanding."""
_AT_A_TIME = 5_000
_DEADLINE_MS = 60_000
_DEADLINE_S = 300


@asynccontextmanager
async def stack_of_stores(replicas: Mapping[str, int] | None = None) -> AsyncIterator[Stack]:
    """Yield a stack of which Kafka and PostgreSQL run; at the end nothing of it is left."""
    with folder() as path:
        plan = Plan(
            data_dir=path,
            jars_dir=LocalSettings().jars_dir.absolute(),
            replicas=replicas or {},
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


def stores(stack: Stack) -> dict[str, list[int]]:
    """Return the processes of what every pipeline stands on."""
    return {
        "kafka": [broker.process.pid for broker in stack.kafka.brokers],
        "postgres": [stack.postgres.process.pid],
    }


async def introduce(stack: Stack) -> None:
    """Register the parties and their sites, and return when they stand in the log."""
    async with TenonClient(stack.ingest.url, stack.notifier.url, stack.admin_key) as client:
        for told in await client.publish(_events(cast(SEED))):
            if not told.accepted:
                raise BenchFailed(f"{told.event.type} was refused: {told.problem}")

        async def all_told() -> bool:
            return not (await client.outbox())["pending"]

        await until(all_told, "the registry stands in the log")


def _events(data: Iterable[Shape]) -> list[CloudEvent]:
    return [new_event(_TYPES[type(each)], SOURCE, each) for each in data]


async def ends(stack: Stack, names: Iterable[str]) -> int:
    """Return how many records topics hold."""
    kafka = stack.kafka_settings(client_id="bench")
    return sum([sum((await end_offsets(kafka, name)).values()) for name in names])


@asynccontextmanager
async def writing(stack: Stack) -> AsyncIterator[Producer]:
    """Yield a producer that may write everywhere."""
    producer = Producer(stack.kafka_settings(client_id="bench"))
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def write(producer: Producer, records: Sequence[OutRecord]) -> None:
    """Write records in order, and return when they are there."""
    for first in range(0, len(records), _AT_A_TIME):
        some = records[first : first + _AT_A_TIME]
        for receipt in await producer.send_and_wait(some, deadline_ms=_DEADLINE_MS):
            if receipt.state != "written":
                raise BenchFailed(f"a record was not written: {receipt.error or receipt.state}")


async def metric(replica: ServiceProcess, name: str, label: str = "") -> float:
    """Return a service's metric, summed over its labels, or where one is `label`; 0 when nobody answers."""
    status, text = await probe.http_get(ports.HOST, replica.port, "/metrics")
    if status == 0:
        return 0
    labels = rf"(?:\{{[^}}]*{label}[^}}]*\}})" + ("" if label else "?")
    return sum(float(value) for value in re.findall(rf"^{name}{labels} (\S+)$", text, re.MULTILINE))


async def until_handled(stack: Stack, names: Iterable[str]) -> None:
    """Return when the notifier has handled all that is on its topics."""
    wanted = await ends(stack, names)

    async def handled() -> bool:
        return await metric(stack.notifier, "tenon_consumer_records_total") >= wanted

    await until(handled, f"{wanted} records handled by the notifier", _DEADLINE_S)
