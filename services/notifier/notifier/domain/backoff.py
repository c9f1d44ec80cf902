"""When a webhook that failed is tried again: a schedule of longest waits, with full jitter.

Full jitter spreads the retries of many endpoints that failed together over the whole wait; a slow-down
that the receiver asked for is a least wait, with jitter on top.
"""

import re
from collections.abc import Sequence
from typing import Final

_STEP = re.compile(r"^(\d+)(ms|s|m|h|d)?$")
_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


class BadSchedule(ValueError):
    """The text is not a schedule; the message names the step."""


def parse_schedule(text: str) -> tuple[int, ...]:
    """Return the waits in ms of a schedule such as `5s,1m,10m,1h`; a bare number is seconds."""
    steps = [step.strip() for step in text.split(",") if step.strip()]
    return tuple(_step_ms(step) for step in steps)


def delay_ms(schedule_ms: Sequence[int], failed: int, jitter: float, least_ms: int = 0) -> int | None:
    """Return the wait after so many failed attempts (from 1); None when the schedule is exhausted.

    `jitter` is in 0..1, random in use.
    """
    if failed > len(schedule_ms):
        return None
    return least_ms + int(schedule_ms[failed - 1] * jitter)


def _step_ms(step: str) -> int:
    found = _STEP.match(step)
    if found is None:
        raise BadSchedule(f"{step!r} is no wait; write 5s, 10m, 2h or 1d")
    return int(found[1]) * _MS[found[2] or "s"]
