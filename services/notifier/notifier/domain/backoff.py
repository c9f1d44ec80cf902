"""When a delivery that failed is tried again: a schedule of waits, each spread by a fifth to both sides.

The spread keeps endpoints that failed together from coming back together. A slow-down that the receiver asked
for is a least wait.
"""

import re
from collections.abc import Sequence
from typing import Final

_STEP = re.compile(r"^(\d+)(ms|s|m|h|d)?$")
_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SPREAD: Final = 0.2


class BadSchedule(ValueError):
    """The text is not a schedule; the message names the step."""


def parse_schedule(text: str) -> tuple[int, ...]:
    """Return the waits in ms of a schedule such as `5s,1m,10m,1h`; a bare number is seconds."""
    steps = [step.strip() for step in text.split(",") if step.strip()]
    return tuple(_step_ms(step) for step in steps)


def delay_ms(schedule_ms: Sequence[int], failed: int, jitter: float, least_ms: int = 0) -> int | None:
    """Return the wait after so many failed attempts (from 1); None when the schedule is exhausted.

    `jitter` is in 0..1, random in use; at 0.5 the wait is that of the schedule.
    """
    if failed > len(schedule_ms):
        return None
    spread = 1 + _SPREAD * (2 * jitter - 1)
    return max(int(schedule_ms[failed - 1] * spread), least_ms)


def _step_ms(step: str) -> int:
    found = _STEP.match(step)
    if found is None:
        raise BadSchedule(f"{step!r} is no wait; write 5s, 10m, 2h or 1d")
    return int(found[1]) * _MS[found[2] or "s"]
