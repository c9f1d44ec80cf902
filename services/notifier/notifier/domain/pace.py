"""How many events an endpoint takes at a time where it asked for a rate: a second's worth, then a rest.

The rest is stored as the time of the next call, so the rate holds whichever replica calls.
"""


def portion(per_second: float | None, limit: int) -> int:
    """Return how many events may be sent at once, at least one."""
    return limit if per_second is None else max(1, min(limit, int(per_second)))


def rest_ms(per_second: float | None, sent: int, took_ms: int) -> int:
    """Return the wait after so many events that took so long, so that the rate is not exceeded."""
    return 0 if per_second is None else max(0, round(sent * 1000 / per_second) - took_ms)
