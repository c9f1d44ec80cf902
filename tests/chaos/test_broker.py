"""The only broker dies or stalls under load: the line waits, says so, and goes on by itself.

Deterministic: no process of a service ends, what Kafka can't take is refused in time, nothing that was
accepted is missing. Not: when the first round is decided afterwards.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.chaos.judge import Under
from tests.chaos.lasting import lasting, ready, refused, unready
from tests.chaos.line import NAMES, Line


@pytest.mark.short
async def test_a_killed_broker_costs_time_and_nothing_that_was_accepted(under: Under, line: Line) -> None:
    kafka = line.stack.kafka
    async with under("kill -9 of the only broker") as trial, lasting(line):
        await trial.flowing()
        await kafka.kill()
        for url in line.urls("ingest"):
            await refused(trial, url)
        await kafka.start()
        await trial.flowing()


@pytest.mark.parametrize("stalled_s", [5, 20, 60])
async def test_a_stalled_broker_is_waited_for(under: Under, line: Line, stalled_s: int) -> None:
    (broker,) = line.stack.kafka.brokers
    async with under(f"SIGSTOP of the only broker for {stalled_s} s") as trial, lasting(line):
        await trial.flowing()
        broker.process.freeze()
        over = asyncio.get_running_loop().time() + stalled_s
        if stalled_s >= 20:
            await refused(trial, line.urls("ingest")[0])
        if stalled_s >= 60:
            await unready(line, NAMES)
        await asyncio.sleep(over - asyncio.get_running_loop().time())
        broker.process.thaw()
        await ready(line, NAMES)
        await trial.flowing()
