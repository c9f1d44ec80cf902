"""One run of the story through the whole line: HTTP in, rounds between, dockings out.

Decides the order of sending and when a run is over. What is decided is the matcher's; what is measured is
`metrics`'s.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from scenarios.ppe.data import Dataset, Docking
from scenarios.ppe.layout import Place
from scenarios.ppe.story import cast, chapters
from tenon.client import TenonClient, new_event
from tenon.contracts import topics
from tenon.contracts.codec import decode_tolerant
from tenon.contracts.dockings import Docking as Told
from tenon.contracts.families import INTAKE
from tenon.contracts.intake import ClockTicked, PolicyPublished
from tenon.contracts.rounds import RoundDecided
from tenon.contracts.values import Shape
from tenon.kafka import KafkaSettings
from tenon.kafka.admin import end_offsets
from tenon.kafka.tail import read
from tenon.records import Record
from tenon_local.plan import Plan
from tenon_local.settings import LocalSettings
from tenon_local.stack import Stack

Progress = Callable[[str, int, int], None]
_TYPES = {family.data: family.name for family in INTAKE}
_DEADLINE_S = 600


class RunFailed(Exception):
    """The line refused an event of the story, or did not finish in time."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came out: the dockings in order, and the digests of each partition's last round."""

    dockings: list[Docking]
    digests: Mapping[int, str]


async def run(
    data: Dataset, places: Mapping[str, Place], policy: PolicyPublished, folder: Path, progress: Progress
) -> Run:
    """Start a stack of its own, tell it the story under a policy, and return what it decided."""
    plan = Plan(
        data_dir=folder,
        jars_dir=LocalSettings().jars_dir.absolute(),
        env={"TENON_CLOCK": "log", "TENON_LOG_LEVEL": "warning", "TENON_RATE_EVENTS_PER_SECOND": "1000000"},
    )
    async with Stack(plan, lambda line: progress(line, 0, 0)) as stack:
        async with TenonClient(stack.ingest.url, stack.notifier.url, stack.admin_key) as client:
            await _publish(client, [policy, *cast(places)])
            await _until_relayed(client)
            last = await _tell(client, data, progress)
        kafka = KafkaSettings(stack.kafka.bootstrap, "", "scenario")
        digests = await _until_decided(kafka, last, progress)
        return Run(await _dockings(kafka), digests)


async def _tell(client: TenonClient, data: Dataset, progress: Progress) -> datetime:
    story = list(chapters(data))
    for number, chapter in enumerate(story, 1):
        await _publish(client, chapter.events)
        await _publish(client, [ClockTicked(now=chapter.tick)])
        progress(f"{chapter.tick:%d %B %Y}", number, len(story))
    return story[-1].tick


async def _publish(client: TenonClient, data: Iterable[Shape]) -> None:
    events = [new_event(_TYPES[type(each)], "scenarios/ppe", each) for each in data]
    for told in await client.publish(events):
        if not told.accepted:
            raise RunFailed(f"{told.event.type} was refused: {told.problem}")


async def _until_relayed(client: TenonClient) -> None:
    """Wait until the registry's statements stand in the log, so that the first round knows the policy."""
    async with asyncio.timeout(_DEADLINE_S):
        while (await client.outbox())["pending"]:  # noqa: ASYNC110 - another process empties it
            await asyncio.sleep(0.2)


async def _until_decided(kafka: KafkaSettings, last: datetime, progress: Progress) -> dict[int, str]:
    """Wait until every partition has decided the last tick; return the digests of their last rounds."""
    async with asyncio.timeout(_DEADLINE_S):
        while True:
            told = await _all(kafka, topics.ROUNDS.name)
            rounds = [decode_tolerant(RoundDecided, record.value or b"") for record in told]
            done = {one.partition: one for one in sorted(rounds, key=lambda one: one.round)}
            wanted = len(await _partitions(kafka))
            behind = [one for one in done.values() if one.clock < last]
            if len(done) == wanted and not behind:
                return {partition: one.digest for partition, one in sorted(done.items())}
            progress("deciding what is left", wanted - len(behind), wanted)
            await asyncio.sleep(1)


async def _partitions(kafka: KafkaSettings) -> Sequence[int]:
    return sorted(await end_offsets(kafka, topics.MARKET.name))


async def _dockings(kafka: KafkaSettings) -> list[Docking]:
    told = {}
    for record in await _all(kafka, topics.DOCKINGS.name):
        step = decode_tolerant(Told, record.value or b"")
        told[step.docking] = step
    made = [
        Docking(one.proposed_at, one.supply.party, one.demand.party, one.class_.code, int(one.quantity))
        for one in told.values()
    ]
    return sorted(made, key=lambda one: (one.date, one.ppe, one.don_id, one.rec_id, one.qty))


async def _all(kafka: KafkaSettings, topic: str) -> list[Record]:
    async with aclosing(read(kafka, topic)) as records:
        return [record async for record in records]
