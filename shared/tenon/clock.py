"""Where a process takes the present time from.

Deciding code is given a `Clock`, so that a replay or a test can move time itself. Nothing outside this
module and the measurement of durations (time.monotonic) asks the operating system for the time.
"""

import time
from datetime import datetime
from typing import Protocol

from tenon.contracts.codec import instant


class Clock(Protocol):
    """Anything that knows the present time in milliseconds since 1970-01-01T00:00:00Z."""

    def now_ms(self) -> int:
        """Return the present time in milliseconds since the epoch."""
        ...


_offset_ms = 0


def set_offset(offset_ms: int) -> None:
    """Put this process's clock so many ms ahead of the machine's, for tests of clocks that are wrong."""
    global _offset_ms
    _offset_ms = offset_ms


class WallClock:
    """The operating system's clock."""

    def now_ms(self) -> int:
        """Return the present time in milliseconds since the epoch."""
        return time.time_ns() // 1_000_000 + _offset_ms


def wall_now() -> datetime:
    """Return the present time by the operating system's clock, in UTC."""
    return instant(WallClock().now_ms())
