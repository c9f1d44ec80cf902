"""One of three brokers, or two, are lost under load: with one gone the line goes on, with two it waits.

Deterministic: how often a record is kept, that nothing is accepted which only one broker would have, that
nothing is lost and no process ends. Not: how long a new leader takes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tenon.contracts import topics
from tenon_local.kafka.broker import Broker
from tests.chaos.cluster import (
    controller,
    coordinator,
    in_sync,
    leader_of_most,
    partitions,
    producers,
    setting,
)
from tests.chaos.judge import Under
from tests.chaos.lasting import lasting, ready, refused, unready
from tests.chaos.line import NAMES, Line, Shape

SHAPE = Shape(brokers=3)
_RATE = 60
"""Events per second: six services and three brokers share the machine with what watches them."""


async def _leader(line: Line) -> Broker:
    return await leader_of_most(line, topics.MARKET.name)


async def _coordinator(line: Line) -> Broker:
    return await coordinator(line, "tenon-matcher")


async def _controller(line: Line) -> Broker:
    return controller(line)


async def test_three_brokers_keep_each_record_three_times_and_confirm_it_with_two(line: Line) -> None:
    for part in await partitions(line):
        assert sorted(part.replicas) == [1, 2, 3], part
    for topic in topics.TOPICS:
        assert await setting(line, topic.name, "min.insync.replicas") == "2"


@pytest.mark.parametrize("who", [_leader, _coordinator, _controller])
async def test_the_loss_of_one_of_three_brokers_is_outlived(
    under: Under, line: Line, who: Callable[[Line], Awaitable[Broker]]
) -> None:
    fault = f"kill -9 of one of three brokers: the {who.__name__[1:]}"
    async with under(fault, rate=_RATE) as trial, lasting(line):
        await trial.flowing()
        lost = await who(line)
        await lost.process.kill()
        await trial.flowing()
        await line.stack.kafka.start()
        await in_sync(line)
        await trial.flowing()
    written = list(producers(line, topics.MARKET.name))
    assert written
    assert min(written) >= 0, "a producer that is not idempotent"


async def test_with_two_of_three_brokers_lost_nothing_is_accepted_until_one_is_back(
    under: Under, line: Line
) -> None:
    """In the end the one that outlived the others goes: who learnt of it alone must not hang on it."""
    *lost, left = line.stack.kafka.brokers
    fault = "kill -9 of two of three brokers, later of the third"
    async with under(fault, rate=_RATE) as trial, lasting(line):
        await trial.flowing()
        for broker in lost:
            await broker.process.kill()
        for _ in range(2):
            for url in line.urls("ingest"):
                await refused(trial, url)
        await unready(line, ["ingest-1", "ingest-2"])
        await line.stack.kafka.start()
        await in_sync(line)
        await ready(line, NAMES)
        await trial.flowing()
        await left.process.kill()
        await trial.flowing()


async def test_brokers_are_restarted_one_after_the_other_under_load(under: Under, line: Line) -> None:
    kafka = line.stack.kafka
    async with under("rolling restart of three brokers", rate=_RATE) as trial, lasting(line):
        await trial.flowing()
        for broker in kafka.brokers:
            await broker.process.stop(30)
            await kafka.start()
            await in_sync(line)
        await trial.flowing()
