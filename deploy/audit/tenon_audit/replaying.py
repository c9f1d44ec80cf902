"""Guarantee 6, the whole of it: every round is decided again from the log, and its digest compared.

The one module that uses the matcher's code. A round that another engine version decided can't be compared:
its partition is replayed up to there, and that is said.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from matcher.domain.reading import Entry, LogRecord, UnknownType, Unusable, read
from matcher.domain.state import State
from matcher.domain.step import ENGINE, Read, step
from tenon.contracts.topics import MARKET
from tenon.kafka import KafkaSettings, Record
from tenon_audit import log
from tenon_audit.deciding import Decided
from tenon_audit.facts import Own
from tenon_audit.finding import Finding, record, row
from tenon_audit.report import Report

_TODO = (
    "run the same engine on another machine; if it differs there too, report it with the log of the partition"
)


async def replayed(
    kafka: KafkaSettings, decided: Decided, report: Report, say: Callable[[str], None]
) -> None:
    """Decide the rounds of each partition again; in memory: one partition's state, one round's records."""
    again = 0
    for partition, numbered in sorted(decided.told.rounds.items()):
        owns = [own for _, own in sorted(numbered.items())]
        say(f"replaying {len(owns)} rounds of partition {partition}")
        again += await _partition(kafka, partition, owns, report)
    report.looked_at["rounds decided again"] = again


async def _partition(kafka: KafkaSettings, partition: int, owns: Sequence[Own], report: Report) -> int:
    state, again = State(partition), 0
    async with aclosing(log.records(kafka, MARKET.name, [partition])) as records:
        reader = _Reader(records)
        for own in owns:
            if own.engine != ENGINE:
                report.notes.append(
                    f"partition {partition} was decided by {own.engine} from round {own.round} on,"
                    f" this is {ENGINE}: replayed up to there"
                )
                break
            entries = await reader.until(own.next_offset, report)
            what = Read(entries, own.from_offset, own.next_offset, own.clock_ms)
            decided = await asyncio.to_thread(step, state, what)
            again += 1
            if decided.decided.digest != own.digest:
                report.add([_differs(own)])
                break
    return again


def _differs(own: Own) -> Finding:
    what = (
        f"decided again, round {own.round} of partition {own.partition} is another; the rest is not compared"
    )
    place = record(MARKET.name, own.partition, own.from_offset)
    return Finding(
        6, "replay.differs", what, f"{row('matcher.rounds', own.partition, own.round)}, {place}", _TODO
    )


@dataclass(slots=True)
class _Reader:
    """The log of a partition, up to one round's end at a time."""

    records: AsyncIterator[Record]
    ahead: list[Record] = field(default_factory=list)

    async def until(self, next_offset: int, report: Report) -> list[Entry | Unusable]:
        """Return the entries before an offset that were not returned yet."""
        entries: list[Entry | Unusable] = []
        while not self.ahead or self.ahead[0].offset < next_offset:
            if self.ahead:
                entries += _read(self.ahead.pop(0), report)
                continue
            following = await anext(self.records, None)
            if following is None:
                break
            self.ahead.append(following)
        return entries


def _read(record: Record, report: Report) -> list[Entry | Unusable]:
    try:
        return [read(LogRecord(record.offset, record.headers, record.value))]
    except UnknownType as error:
        report.notes.append(f"the log is newer than this engine: {error}")
        return []
