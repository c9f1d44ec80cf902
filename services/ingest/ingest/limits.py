"""How much one key may send, and how much may be in this process at once.

Pure arithmetic on a clock that is handed in; what a caller is answered is decided elsewhere.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_MOST_KEYS = 100_000


class Rate:
    """A token bucket per key: `per_second` events on average, `burst` at once; `per_second` 0: no limit."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second = per_second
        self._burst = burst
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait_s(self, key: str, events: int, now_s: float) -> float:
        """Take tokens for so many events and return 0, or take none and return how long to wait."""
        if not self._per_second:
            return 0.0
        tokens, since_s = self._buckets.get(key, (float(self._burst), now_s))
        tokens = min(self._burst, tokens + (now_s - since_s) * self._per_second)
        if tokens < events:
            return (events - tokens) / self._per_second
        if len(self._buckets) >= _MOST_KEYS:
            self._buckets.clear()
        self._buckets[key] = (tokens - events, now_s)
        return 0.0


class OverBudget(Exception):
    """What is being handled already leaves no room."""


class Budget:
    """Bytes in hand, at most `most`, each holder's own `each` among them: an empty request takes room too.

    `seen` is told how many there are after each change.
    """

    def __init__(self, most: int, each: int, seen: Callable[[int], None]) -> None:
        self._most = most
        self._each = each
        self._seen = seen
        self.held = 0

    @contextmanager
    def hold(self) -> "Iterator[Callable[[int], None]]":
        """Lend a function that takes bytes, and raises `OverBudget`; all are given back at the end."""
        own = 0

        def take(count: int) -> None:
            nonlocal own
            if self.held + count > self._most:
                raise OverBudget
            own += count
            self._move(count)

        take(self._each)
        try:
            yield take
        finally:
            self._move(-own)

    def _move(self, count: int) -> None:
        self.held += count
        self._seen(self.held)
