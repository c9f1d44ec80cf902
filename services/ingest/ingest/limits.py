"""How much may be in this process at once. What a caller is answered is decided elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
