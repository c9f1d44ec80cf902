"""How a simulated log is cut into rounds: at every tick, and at a fixed number of records between ticks.

A pure function of the log alone, so that the way in which a poll cuts it changes nothing.
"""

from collections.abc import Iterable

from matcher.domain.reading import Entry, Unusable, is_tick
from matcher.domain.step import Read
from tenon.contracts.codec import unix_ms
from tenon.contracts.intake import ClockTicked

MOST_RECORDS = 5_000


class Cutter:
    """Gathers records until a round is complete. Holds at most `MOST_RECORDS`."""

    def __init__(self, next_offset: int, clock_ms: int) -> None:
        self._from_offset = next_offset
        self._clock_ms = clock_ms
        self._entries: list[Entry | Unusable] = []

    def add(self, entries: Iterable[Entry | Unusable]) -> list[Read]:
        """Take the next records and return the rounds that they complete."""
        rounds = []
        for entry in entries:
            self._entries.append(entry)
            if is_tick(entry) or len(self._entries) == MOST_RECORDS:
                rounds.append(self._complete(entry))
        return rounds

    def _complete(self, last: Entry | Unusable) -> Read:
        if isinstance(last, Entry) and isinstance(last.data, ClockTicked):
            self._clock_ms = max(self._clock_ms, unix_ms(last.data.now))
        read = Read(self._entries, self._from_offset, last.offset + 1, self._clock_ms)
        self._from_offset, self._entries = last.offset + 1, []
        return read
