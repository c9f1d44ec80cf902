"""How fast one caller may go: arithmetic on a clock that is handed in."""

from tenon.problems import Problem

_MOST_KEYS = 100_000


class Rate:
    """A token bucket per key: `per_second` things on average, `burst` at once; `per_second` 0: no limit."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second = per_second
        self._burst = burst
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait_s(self, key: str, count: int, now_s: float) -> float:
        """Take tokens for so many things and return 0, or take none and return how long to wait."""
        if not self._per_second:
            return 0.0
        tokens, since_s = self._buckets.get(key, (float(self._burst), now_s))
        tokens = min(self._burst, tokens + (now_s - since_s) * self._per_second)
        if tokens < count:
            return (count - tokens) / self._per_second
        if len(self._buckets) >= _MOST_KEYS:
            self._buckets.clear()
        self._buckets[key] = (tokens - count, now_s)
        return 0.0

    def charge(self, key: str, count: int, now_s: float) -> None:
        """Take tokens for so many things; raise `Problem` 429 with Retry-After where there are too few."""
        wait_s = self.wait_s(key, count, now_s)
        if wait_s:
            headers = {"retry-after": str(max(1, round(wait_s + 0.5)))}
            raise Problem(429, "this key sends faster than it may; send it again later", headers=headers)
