"""Remembering what was looked up, for a while and up to a number: the hot path rarely asks the database."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Values by key, each for `ttl_ms`, at most `most` of them; what was not found is not remembered.

    When it is full the oldest half goes. `now_ms` is a clock that only rises.
    """

    def __init__(self, ttl_ms: float, most: int, now_ms: Callable[[], float]) -> None:
        self._ttl_ms = ttl_ms
        self._most = most
        self._now_ms = now_ms
        self._entries: dict[K, tuple[float, V]] = {}

    def get(self, key: K) -> V | None:
        """Return the value, None when it is not known or too old."""
        entry = self._entries.get(key)
        return None if entry is None or entry[0] <= self._now_ms() else entry[1]

    def found(self, keys: Iterable[K]) -> dict[K, V]:
        """Return those of the keys that are known."""
        values = {key: self.get(key) for key in keys}
        return {key: value for key, value in values.items() if value is not None}

    def put(self, key: K, value: V) -> None:
        """Remember a value from now on."""
        if len(self._entries) >= self._most:
            for old in list(self._entries)[: self._most // 2]:
                del self._entries[old]
        self._entries.pop(key, None)
        self._entries[key] = (self._now_ms() + self._ttl_ms, value)

    def forget(self, keys: Iterable[K]) -> None:
        """Drop values that have changed."""
        for key in keys:
            self._entries.pop(key, None)

    def __len__(self) -> int:
        return len(self._entries)
