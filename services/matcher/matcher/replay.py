"""Decide recorded rounds again and compare: the proof that the log and the rounds explain every decision.

Needs the log from where the state stands, and every round from there; both are on Kafka. On another engine
version the digests may differ, and the recorded decisions hold.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from matcher.domain.reading import LogRecord, read
from matcher.domain.state import State
from matcher.domain.step import ENGINE, Decisions, Read, step
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


class Differs(Exception):
    """A recorded round does not follow the state, or is decided otherwise; the message says which and why."""


def replay(partition: int, log: Sequence[LogRecord], rounds: Iterable[RoundDecided]) -> Iterator[Replayed]:
    """Decide each recorded round of a partition again, in order, from an empty state.

    `log` holds the partition's records in order of their offsets.
    """
    state = State(partition)
    by_offset = {record.offset: record for record in log}
    for recorded in rounds:
        span = range(recorded.from_offset, recorded.next_offset)
        found = [by_offset[offset] for offset in span if offset in by_offset]
        yield Replayed(recorded, step(state, _read(recorded, found)).decided.digest)


def decide_again(state: State, recorded: RoundDecided, log: Sequence[LogRecord]) -> Decisions:
    """Decide a recorded round as the next one of a state; `log` holds the records that it read.

    Raises `Differs`; the state is of no use then.
    """
    name = f"round {recorded.round} of partition {state.partition}"
    if (recorded.round, recorded.from_offset) != (state.round + 1, state.next_offset):
        raise Differs(
            f"{name} begins at offset {recorded.from_offset}, and does not follow round {state.round}, which"
            f" ended at offset {state.next_offset}: rounds between them are missing in tenon.rounds.v1"
        )
    if recorded.previous_digest != state.digest:
        raise Differs(
            f"{name} follows digest {recorded.previous_digest}, the database has {state.digest} for round"
            f" {state.round}: it is no earlier state of this log"
        )
    decisions = step(state, _read(recorded, log))
    if decisions.decided.digest != recorded.digest:
        raise Differs(
            f"{name} was told with digest {recorded.digest} (engine {recorded.engine}), and is now decided"
            f" with digest {decisions.decided.digest} (engine {ENGINE})"
        )
    return decisions


def fault_of(state: State, told: RoundDecided | None) -> str | None:
    """Return why a state must not be gone on from, given the newest round that was told; None if it may."""
    if told is None or told.round < state.round:
        return None
    where = f"partition {state.partition}"
    if told.round > state.round:
        return (
            f"{where}: tenon.rounds.v1 holds rounds up to {told.round}, the database up to {state.round}:"
            " it was restored from a backup. Stop all services, then run `tenon restore`"
        )
    if told.digest != state.digest:
        return (
            f"{where}: round {told.round} was told with digest {told.digest}, the database has"
            f" {state.digest}: it is no state of this log. Bring back the database that belongs to it, or a"
            " backup of that, then run `tenon restore`"
        )
    return None


def _read(recorded: RoundDecided, log: Iterable[LogRecord]) -> Read:
    entries = [read(record) for record in log]
    return Read(entries, recorded.from_offset, recorded.next_offset, unix_ms(recorded.clock))
