"""The events of the rounds that this process committed last: to tell them, nobody has to read them back.

The database has every round; what is not here is read from there. The latest are kept, within a bound.
"""

from matcher.domain.telling import OutEvent

Key = tuple[int, int]
"""A partition and the number of a round."""


class Recent:
    """Events by partition and round, of at most `most_bytes` of values in all."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: dict[Key, list[OutEvent]] = {}

    def put(self, key: Key, events: list[OutEvent]) -> None:
        """Keep the events of a round, and let go of the oldest where they are too many."""
        self._kept[key] = events
        self._bytes += _size_bytes(events)
        while self._bytes > self._most_bytes:
            self.drop(next(iter(self._kept)))

    def get(self, key: Key) -> list[OutEvent] | None:
        """Return the events of a round, None where they are not kept."""
        return self._kept.get(key)

    def drop(self, key: Key) -> None:
        """Let go of a round."""
        self._bytes -= _size_bytes(self._kept.pop(key, []))


def _size_bytes(events: list[OutEvent]) -> int:
    return sum(len(event.value) for event in events)
