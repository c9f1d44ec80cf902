"""Starts again what ended though nobody asked it to: a service's restart is its recovery.

Decides how long it waits first.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from tenon_local.process import ManagedProcess
from tenon_local.stack import Report, Stack

WATCH_S = 0.2
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
HEALTHY_AFTER_S = 60.0


@dataclass
class _Watched:
    process: ManagedProcess
    pause_s: float = FIRST_PAUSE_S
    start_at: float | None = field(default=None)

    def look(self, now: float) -> bool:
        """Start it again when it is time to; returns whether it was started."""
        if self.process.alive:
            if self.start_at is None and time.time() - self.process.started_at_s > HEALTHY_AFTER_S:
                self.pause_s = FIRST_PAUSE_S
            return False
        if self.start_at is None:
            self.start_at, self.pause_s = now + self.pause_s, min(2 * self.pause_s, LONGEST_PAUSE_S)
        if now < self.start_at:
            return False
        self.start_at = None
        self.process.start()
        return True


async def keep_alive(stack: Stack, report: Report) -> None:
    """Watch every process of the stack until cancelled; pauses double with each end that comes too soon."""
    watched = [_Watched(process) for _, _, process in stack.processes()]
    while True:
        for one in watched:
            code = one.process.exit_code
            if one.look(time.monotonic()):
                report(f"{one.process.name} ended with code {code}; started again")
                stack.write_state()
        await asyncio.sleep(WATCH_S)
