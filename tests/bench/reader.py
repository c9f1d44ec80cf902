"""The reader, a process of its own: `python -m tests.bench.reader BOOTSTRAP line|bare`.

Counts what is decided, on Kafka: for the line by the counts of its rounds, for the bare pipeline a record per
event. A record that was told twice counts once. Must not know what was sent.
"""

import asyncio
import sys
import time
from contextlib import aclosing
from dataclasses import dataclass, field

import msgspec
import uvloop

from tenon.contracts import topics
from tenon.contracts.rounds import RoundCounts
from tenon.kafka import KafkaSettings, Record, read
from tenon.settings import KafkaAccess, load
from tests.bench.bare import DECIDED
from tests.bench.events import number_of
from tests.bench.messages import Ready, Seen, say

_TELL_S = 0.02


class _Round(msgspec.Struct):
    partition: int
    round: int
    counts: RoundCounts


class _Side(msgspec.Struct):
    id: str


class _Docking(msgspec.Struct):
    docking: str
    revision: int
    supply: _Side
    demand: _Side


_round, _docking = msgspec.json.Decoder(_Round), msgspec.json.Decoder(_Docking)


@dataclass(slots=True)
class Tally:
    """The sums so far."""

    decided: int = 0
    faulty: int = 0
    dockings_decided: int = 0
    changed: bool = True
    docked: list[tuple[int, float]] = field(default_factory=list)
    _rounds: dict[int, int] = field(default_factory=dict)
    _dockings: set[str] = field(default_factory=set)

    def record(self, record: Record) -> None:
        """Count a record of the bare pipeline."""
        self.decided += 1
        self.changed = True

    def round(self, record: Record) -> None:
        """Count a round; records that were not simply used are faulty here."""
        told = _round.decode(record.value or b"")
        if told.round <= self._rounds.get(told.partition, -1):
            return
        self._rounds[told.partition] = told.round
        counts = told.counts
        self.decided += counts.records
        self.dockings_decided += counts.docked
        self.faulty += counts.superseded + counts.refused + counts.skipped + counts.released
        self.changed = True

    def docking(self, record: Record) -> None:
        """Count a docking at its first step."""
        told = _docking.decode(record.value or b"")
        if told.docking in self._dockings:
            return
        self._dockings.add(told.docking)
        later = max(number_of(told.supply.id), number_of(told.demand.id))
        self.docked.append((later, time.monotonic()))
        self.changed = True

    def seen(self) -> Seen:
        """Return the sums, with the dockings since the last time."""
        docked, self.docked, self.changed = self.docked, [], False
        return Seen(
            at=time.monotonic(),
            decided=self.decided,
            faulty=self.faulty,
            dockings_decided=self.dockings_decided,
            dockings=len(self._dockings),
            docked=docked,
        )


async def _main(what: str) -> None:
    tally, kafka = Tally(), KafkaSettings.reached_by(load(KafkaAccess), "bench-reader")
    line = {topics.ROUNDS.name: tally.round, topics.DOCKINGS.name: tally.docking}
    counted = line if what == "line" else {DECIDED: tally.record}

    async def count(topic: str) -> None:
        async with aclosing(read(kafka, topic, follow=True)) as records:
            async for record in records:
                counted[topic](record)

    async with asyncio.TaskGroup() as group:
        for topic in counted:
            group.create_task(count(topic))
        say(Ready())
        while True:
            if tally.changed:
                say(tally.seen())
            await asyncio.sleep(_TELL_S)


if __name__ == "__main__":
    uvloop.run(_main(*sys.argv[1:]))
