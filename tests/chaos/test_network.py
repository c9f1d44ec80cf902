"""The network between one process and Kafka, or its database, swallows, tears or delays what is sent.

Deterministic: the cut process lives, says that it can't work, stores nothing twice, and works again by itself
when the way is healed, while its kind goes on. Not: who owns which partition afterwards.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.chaos.judge import Under
from tests.chaos.lasting import answered, lasting, ready, unready
from tests.chaos.line import NAMES, SESSION_MS, Line, Shape

CUT = ("ingest-1", "matcher-1", "notifier-1")
SHAPE = Shape(detours=CUT)
_LASTS_S = {"hole": 2.5 * SESSION_MS / 1000, "reset": 2.0}
"""Longer than the session, where nobody is told that the way is cut."""
_GIVES_UP_WITHIN_S = 100
"""A deadline of a statement, and what a busy machine adds."""
_LATE_S = 0.15


@pytest.mark.parametrize("to", ["kafka", "postgres"])
@pytest.mark.parametrize("name", CUT)
async def test_a_partition_of_the_network_is_outlived_by_whom_it_cuts_off(
    under: Under, line: Line, name: str, to: str
) -> None:
    """First a hole for longer than the session, then resets: each is healed before the next."""
    way = line.detours[name, to]
    async with under(f"{name} is cut off from {to}: a hole, then resets") as trial, lasting(line):
        await trial.flowing()
        for how in ("hole", "reset"):
            way.be(how)
            over = asyncio.get_running_loop().time() + _LASTS_S[how]
            await unready(line, [name])
            if name.startswith("ingest"):
                await answered(trial, line.replica(name).url)
            await trial.flowing()
            await asyncio.sleep(over - asyncio.get_running_loop().time())
            way.be("pass")
            await ready(line, NAMES)
            await trial.flowing()


async def test_a_slow_network_costs_time_only(under: Under, line: Line) -> None:
    async with under("what one of each service sends and gets is late") as trial, lasting(line):
        await trial.flowing()
        for name in CUT:
            line.detours[name, "kafka"].be("delay", _LATE_S)
            line.detours[name, "postgres"].be("delay", _LATE_S / 10)
        await trial.flowing(60)


async def test_who_is_cut_off_for_too_long_ends_and_leaves_its_work_to_others(
    under: Under, line: Line
) -> None:
    """Kafka still hears from it, so nobody else gets its partitions as long as it lives."""
    async with under("matcher-1 is cut off from postgres until it gives up") as trial:
        await line.restart("matcher-1", TENON_RETRY_DEADLINE_MS="2000")
        await trial.flowing()
        line.detours["matcher-1", "postgres"].be("hole")
        assert await line.replica("matcher-1").process.wait_exit(_GIVES_UP_WITHIN_S) == 1
        await trial.flowing()
