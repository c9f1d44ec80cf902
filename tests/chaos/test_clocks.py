"""Clocks of processes that are wrong, and step: no decision depends on them once it is made.

A process is started with a clock that is off; a partition that moves from one process to another therefore
meets a step, forward or back. What is not tried here: a step of the machine's clock under a running process.
"""

from __future__ import annotations

from tests.chaos.judge import Under
from tests.chaos.line import Line
from tests.chaos.story import USUAL

_MINUTES_MS = 60_000
_DISORDER = {**USUAL, "repeat": 60, "late": 40}


async def test_clocks_that_step_forward_and_back_are_borne(under: Under, line: Line) -> None:
    async with under("clocks 10 minutes ahead and behind, changing places", replay=True) as trial:
        await trial.flowing()
        for ahead, behind in (("1", "2"), ("2", "1")):
            for service in ("matcher", "notifier"):
                await line.restart(f"{service}-{ahead}", TENON_CLOCK_OFFSET_MS=str(10 * _MINUTES_MS))
                await line.restart(f"{service}-{behind}", TENON_CLOCK_OFFSET_MS=str(-10 * _MINUTES_MS))
            await trial.flowing()
            await line.replica(f"matcher-{ahead}").kill()
            await trial.flowing()
    # The log's clock never goes back: for ten minutes nobody's patience on this line is what it says.
    line.spoiled = True


async def test_repeated_reordered_and_late_events_have_no_second_effect(under: Under, line: Line) -> None:
    async with under(
        "two of five events repeated or late, 100 at a time shuffled", kinds=_DISORDER, held_back=100
    ) as trial:
        await trial.flowing(40)
