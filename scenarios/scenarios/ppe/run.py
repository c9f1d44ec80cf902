"""One run of the story through the whole line: HTTP in, rounds between, dockings out.

Decides the order of sending and when a run is over. What is decided is the matcher's; what is measured is
`metrics`'s.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from scenarios.ppe.data import Dataset, Docking
from scenarios.ppe.layout import Place
from scenarios.ppe.live import Scene
from scenarios.ppe.story import cast, chapters
from scenarios.ppe.watching import watching
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

_TYPES = {family.data: family.name for family in INTAKE}
_DEADLINE_S = 600
_ENV = {"TENON_CLOCK": "log", "TENON_LOG_LEVEL": "warning", "TENON_RATE_EVENTS_PER_SECOND": "1000000"}
_NO_MORE: Mapping[str, str] = {}


class RunFailed(Exception):
    """The line refused an event of the story, or did not finish in time."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came out: the dockings in order, and the digests of each partition's last round."""

    dockings: list[Docking]
    digests: Mapping[int, str]


async def run(
    data: Dataset,
    places: Mapping[str, Place],
    policy: PolicyPublished,
    folder: Path,
    scene: Scene,
    env: Mapping[str, str] = _NO_MORE,
) -> Run:
    """Start a stack of its own, tell it the story under a policy, and return what it decided.

    `scene` is kept up to date for whoever draws it; `env` are further settings of the services.
    """
    plan = Plan(data_dir=folder, jars_dir=LocalSettings().jars_dir.absolute(), env={**_ENV, **env})

    def say(stage: str) -> None:
        scene.stage = stage

    async with Stack(plan, say) as stack:
        kafka = stack.kafka_settings(client_id="scenario")
        async with TenonClient(stack.ingest.url, stack.notifier.url, stack.admin_key) as client:
            say("introducing parties and sites")
            await _publish(client, [policy, *cast(places)])
            await _until_relayed(client)
            async with watching(client, scene):
                await _tell(client, data, scene)
                digests = await _until_decided(client, await _partitions(kafka), scene.ticks[-1])
                dockings = await _dockings(kafka)
                await _until_counted(client, len(dockings))
        return Run(dockings, digests)


async def _tell(client: TenonClient, data: Dataset, scene: Scene) -> None:
    story = list(chapters(data))
    scene.ticks = [chapter.tick for chapter in story]
    for chapter in story:
        await _publish(client, chapter.events)
        await _publish(client, [ClockTicked(now=chapter.tick)])
        scene.told += 1


async def _publish(client: TenonClient, data: Iterable[Shape]) -> None:
    events = [new_event(_TYPES[type(each)], "scenarios/ppe", each) for each in data]
    for told in await client.publish(events):
        if not told.accepted:
            raise RunFailed(f"{told.event.type} was refused: {told.problem}")


async def _until_relayed(client: TenonClient) -> None:
    """Wait until the registry's statements stand in the log, so that the first round knows the policy."""
    async with _in_time("the registry's statements were not relayed"):
        while (await client.outbox())["pending"]:  # noqa: ASYNC110 - another process empties it
            await asyncio.sleep(0.2)


async def _until_decided(client: TenonClient, partitions: int, last: datetime) -> dict[int, str]:
    """Wait until every partition has decided the last tick; return the digests of their last rounds."""
    async with _in_time("the last tick was not decided by every partition"):
        while True:
            rounds = (await client.partitions())["items"]
            done = [one for one in rounds if datetime.fromisoformat(one["clock"]) >= last]
            if len(done) == partitions:
                return {one["partition"]: one["digest"] for one in done}
            await asyncio.sleep(0.2)


@asynccontextmanager
async def _in_time(otherwise: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_DEADLINE_S):
            yield
    except TimeoutError:
        raise RunFailed(f"{otherwise} within {_DEADLINE_S} s") from None


async def _partitions(kafka: KafkaSettings) -> int:
    return len(await end_offsets(kafka, topics.MARKET.name))


async def _until_counted(client: TenonClient, dockings: int) -> None:
    """Wait until the notifier has counted every docking: it reads them from another topic than the rounds."""
    async with _in_time("the notifier did not count every docking"):
        while sum((await client.totals())["dockings"].values()) != dockings:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)


async def _dockings(kafka: KafkaSettings) -> list[Docking]:
    """Return every docking that the rounds made; a round may stand in its topic before its dockings do."""
    decided = [
        decode_tolerant(RoundDecided, one.value or b"") for one in await _all(kafka, topics.ROUNDS.name)
    ]
    made = sum({(one.partition, one.round): one.counts.docked for one in decided}.values())
    async with _in_time("not every docking was told"):
        while len(told := await _told(kafka)) != made:  # noqa: ASYNC110 - another process tells them
            await asyncio.sleep(0.2)
    return sorted(
        (
            Docking(one.proposed_at, one.supply.party, one.demand.party, one.class_.code, int(one.quantity))
            for one in told.values()
        ),
        key=lambda one: (one.date, one.ppe, one.don_id, one.rec_id, one.qty),
    )


async def _told(kafka: KafkaSettings) -> dict[str, Told]:
    """Return the last step of each docking."""
    steps = [decode_tolerant(Told, one.value or b"") for one in await _all(kafka, topics.DOCKINGS.name)]
    return {step.docking: step for step in steps}


async def _all(kafka: KafkaSettings, topic: str) -> list[Record]:
    async with aclosing(read(kafka, topic)) as records:
        return [record async for record in records]
