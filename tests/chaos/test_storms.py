"""Matchers and notifiers that come and go again and again: one rebalance begins before the last is over.

What is deterministic: who comes and goes, and how, by the seed. What is not: which partitions move.
"""

from __future__ import annotations

from random import Random

from tests.chaos.judge import Under
from tests.chaos.line import Line

_CHANGES = 10
_WHO = ("matcher-1", "matcher-2", "notifier-1", "notifier-2")


async def test_a_storm_of_rebalances_loses_and_doubles_nothing(
    under: Under, line: Line, chance: Random
) -> None:
    changes = [(chance.choice(_WHO), chance.choice(["stop", "kill"])) for _ in range(_CHANGES)]
    async with under(f"{_CHANGES} matchers and notifiers stopped, killed, started", replay=True) as trial:
        await trial.flowing()
        for name, how in changes:
            await _change(line, name, how)
        for name in _WHO:
            line.start(name)  # The last changes may have ended all of a service.
        await trial.flowing()


async def _change(line: Line, name: str, how: str) -> None:
    """Start it where it is down, without waiting for more; else end it."""
    replica = line.replica(name)
    if not replica.process.alive:
        line.start(name)
    elif how == "kill":
        await replica.kill()
    else:
        await replica.stop()
