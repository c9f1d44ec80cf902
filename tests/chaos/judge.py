"""A trial: load on a line, a fault in between, and the judgement when all is healed and quiet again.

    async with trial("kill -9 of matcher-1", line, seed) as load:
        await load.flowing()
        await line.replica("matcher-1").kill()

At the end of the block the load ends, the line is healed, what was accepted is waited for, and the audit and
the subscribers must find nothing wrong. Each trial is an entry of build/chaos.json, whatever came of it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from random import SystemRandom

from tenon.contracts import topics
from tenon.contracts.codec import decode_tolerant
from tenon.contracts.dockings import Docking
from tenon.kafka import Start, end_offsets, read
from tenon.sharding import Sharding
from tenon_audit import Finding, Sources, audit, settled
from tenon_audit.finding import record as place
from tests.chaos import results
from tests.chaos.line import Line
from tests.chaos.load import Journal, Load
from tests.chaos.story import PARTITIONS, USUAL, Story
from tests.chaos.watching import Watch, watching
from tests.support.waiting import until

SEED = int(os.environ.get("CHAOS_SEED") or SystemRandom().randrange(10**9))
RATE = int(os.environ.get("CHAOS_RATE", "120"))
"""New events per second."""
_SETTLED_S = 240


@dataclass(frozen=True, slots=True)
class Name:
    """Which trial it is: what was done, in which test, drawn from which seed."""

    fault: str
    test: str
    seed: int


@dataclass
class Trial:
    """What a test handles: the load, and what the subscribers got.

    `planted`: the places (`topic/partition@offset`) of what the audit must find, and nothing else.
    """

    line: Line
    load: Load
    watch: Watch
    planted: set[str] = field(default_factory=set)

    async def flowing(self, more: int = 20) -> None:
        """Return when so many more dockings' steps came out of the line than by now: load reaches its end."""
        before = self.watch.steps()

        async def came() -> bool:
            return self.watch.steps() >= before + more

        await until(came, f"{more} more steps reach a stream", 180)


Under = Callable[..., AbstractAsyncContextManager[Trial]]
"""Begins a trial: `under("what is done", …)`, with the options of `trial`."""


@asynccontextmanager
async def trial(
    name: Name,
    line: Line,
    *,
    rate: int = RATE,
    replay: bool = False,
    hooks: bool = True,
    kinds: Mapping[str, int] = USUAL,
    held_back: int = 0,
) -> AsyncIterator[Trial]:
    """Run a story on the line around the block, and judge it. Raises AssertionError with what was found.

    `rate`: events per second; `replay`: decide all rounds again too; `hooks`: with webhooks; `kinds` and
    `held_back`: what the story consists of.
    """
    line.trials += 1
    print(f"\nfault: {name.fault}, seed {name.seed}")
    story = Story(name.seed, f"t{line.trials}", kinds, held_back)
    parties = [story.suppliers[0], story.buyers[-1]] if hooks else []
    load = Load(story, line.urls("ingest"), line.stack.admin_key, Journal(line.journal), rate)
    began = await end_offsets(line.kafka, topics.DOCKINGS.name)
    await load.introduce()
    try:
        async with watching(line, parties, story.seen) as watch:
            running = asyncio.create_task(load.run())
            this = Trial(line, load, watch)
            try:
                yield this
            except BaseException:
                running.cancel()
                raise
            await _judge(name, this, running, began, replay)
            line.spoiled = bool(this.planted)
    except BaseException:
        line.spoiled = True
        kept = line.keep_evidence(name.test)
        print(f"\nfault: {name.fault}, seed {name.seed}; logs and journal are in {kept}")
        raise


async def _judge(
    name: Name, this: Trial, running: asyncio.Task[None], began: Mapping[int, int], replay: bool
) -> None:
    line, load, watch = this.line, this.load, this.watch
    healing = time.monotonic()
    await line.heal()
    load.finish()
    await running
    moving = await settled(line.kafka, Sharding.of(line.auditor), seconds=_SETTLED_S)
    told, of = await _told(this, began)
    missing = await _unheard(watch, told, of)
    recovered_s = time.monotonic() - healing
    sources = Sources(line.kafka, Sharding.of(line.auditor), settle_s=_SETTLED_S)
    report = await audit(sources, journal=line.journal, replay=replay)
    found = [one for one in report.findings if one.where not in this.planted]
    overlooked = this.planted - {one.where for one in report.findings}
    findings = [
        *_texts(moving),
        *_texts(found),
        *(f"{where} was planted, and the audit overlooked it" for where in sorted(overlooked)),
        *missing,
        *watch.disorder(),
    ]
    without_s, rounds = await _decisions(line, load)
    results.append(
        results.Entry(
            fault=name.fault,
            test=name.test,
            seed=name.seed,
            offered=len(load.offered),
            accepted=len(load.accepted),
            lost=report.lost,
            doubled=report.doubled,
            repeated=sum(load.answers.values()) - len(load.offered),
            dockings=len(told),
            rounds=rounds,
            without_decisions_s=round(without_s, 2),
            recovered_s=round(recovered_s, 2),
            replayed=replay,
            clean=not findings,
            findings=findings[:50],
        )
    )
    assert not findings, "\n".join(findings[:50])
    assert load.accepted, "nothing was accepted"
    assert told, "nothing was docked"


def _texts(findings: Sequence[Finding]) -> list[str]:
    return [f"{one.check} (guarantee {one.guarantee}): {one.what}; {one.where}" for one in findings]


async def _told(this: Trial, began: Mapping[int, int]) -> tuple[dict[str, int], dict[str, list[str]]]:
    """The last revision of each docking of the trial as Kafka holds it, and each party's dockings."""
    told: dict[str, int] = {}
    of: dict[str, list[str]] = {party: [] for party in this.load.story.parties}
    for partition, offset in began.items():
        async for record in read(
            this.line.kafka, topics.DOCKINGS.name, partitions=[partition], start=Start("offset", offset)
        ):
            if place(record.topic, record.partition, record.offset) in this.planted:
                continue
            docking = decode_tolerant(Docking, record.value or b"")
            if docking.supply.party not in of:
                continue
            if docking.docking not in told:
                of[docking.supply.party].append(docking.docking)
                of[docking.demand.party].append(docking.docking)
            told[docking.docking] = max(docking.revision, told.get(docking.docking, 0))
    return told, of


async def _unheard(watch: Watch, told: Mapping[str, int], of: Mapping[str, list[str]]) -> list[str]:
    """Wait until every subscriber got every step; what none waits for any longer, in words."""
    ends = time.monotonic() + _SETTLED_S / 2
    while (missing := watch.missing(told, of)) and time.monotonic() < ends:  # noqa: ASYNC110 - others tell
        await asyncio.sleep(0.2)
    return missing


async def _decisions(line: Line, load: Load) -> tuple[float, int]:
    """The longest time that a partition had no round under load, in s, and how many rounds there were."""
    assert load.began is not None
    assert load.ended is not None
    began, ended = load.began.timestamp(), load.ended.timestamp()
    rows = await line.stack.postgres.psql(
        "SELECT partition, extract(epoch FROM decided_at) FROM matcher.rounds WHERE next_offset > from_offset"
        f" AND decided_at BETWEEN to_timestamp({began}) AND to_timestamp({ended}) ORDER BY 2"
    )
    times: dict[int, list[float]] = {number: [began] for number in range(PARTITIONS)}
    for row in rows.splitlines():
        number, at = row.split("|")
        times[int(number)].append(float(at))
    longest = max(after - before for one in times.values() for before, after in pairwise([*one, ended]))
    return longest, len(rows.splitlines())
