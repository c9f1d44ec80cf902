"""Decide recorded rounds again and compare: the proof that the log and the rounds explain every decision.

Needs the log from its beginning and every round of a partition; both are on Kafka. On another engine version
the digests may differ, and the recorded decisions hold.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from matcher.domain.reading import LogRecord, read
from matcher.domain.state import State
from matcher.domain.step import Read, step
from tenon.contracts.codec import unix_ms
from tenon.contracts.rounds import RoundDecided


@dataclass(frozen=True, slots=True)
class Replayed:
    """A round decided again. `same`: its digest is the recorded one."""

    recorded: RoundDecided
    digest: str

    @property
    def same(self) -> bool:
        """True when the round was decided as recorded."""
        return self.digest == self.recorded.digest


def replay(partition: int, log: Sequence[LogRecord], rounds: Iterable[RoundDecided]) -> Iterator[Replayed]:
    """Decide each recorded round of a partition again, in order, from an empty state.

    `log` holds the partition's records in order of their offsets.
    """
    state = State(partition)
    by_offset = {record.offset: record for record in log}
    for recorded in rounds:
        span = range(recorded.from_offset, recorded.next_offset)
        entries = [read(by_offset[offset]) for offset in span if offset in by_offset]
        again = Read(entries, recorded.from_offset, recorded.next_offset, unix_ms(recorded.clock))
        yield Replayed(recorded, step(state, again).decided.digest)
