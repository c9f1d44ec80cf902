"""Processes killed as by kill -9, under load, and started again as a supervisor would: one, some, all.

What is deterministic: who is killed, by the seed. What is not: what each had in hand.
"""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from tests.chaos.judge import Under
from tests.chaos.line import NAMES, SERVICES, Line

_KILLS = 6


@pytest.mark.parametrize("name", NAMES)
async def test_a_killed_process_loses_nothing(under: Under, line: Line, name: str) -> None:
    async with under(f"kill -9 of {name}") as trial:
        await trial.flowing()
        await line.restart(name)
        await trial.flowing()


@pytest.mark.short
async def test_processes_killed_every_few_seconds_lose_nothing(
    under: Under, line: Line, chance: Random
) -> None:
    victims = [chance.choice(NAMES) for _ in range(_KILLS)]
    async with under(f"kill -9 of {', '.join(victims)} within seconds", replay=True) as trial:
        await trial.flowing()
        for victim in victims:
            await line.replica(victim).kill()
            line.start(victim)
            await asyncio.sleep(chance.uniform(0.5, 2))  # the rhythm of the fault, nothing is waited for
        await trial.flowing()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_killed_as_a_whole_loses_nothing(under: Under, line: Line, service: str) -> None:
    async with under(f"kill -9 of every {service} at once") as trial:
        await trial.flowing()
        await _killed(line, service)
        await trial.flowing()


async def test_all_services_killed_at_once_lose_nothing(under: Under, line: Line) -> None:
    async with under("kill -9 of every service at once", replay=True) as trial:
        await trial.flowing()
        await _killed(line, *SERVICES)
        await trial.flowing()


async def _killed(line: Line, *services: str) -> None:
    victims = [replica for service in services for replica in line.stack.services[service]]
    await asyncio.gather(*(victim.kill() for victim in victims))
    for victim in victims:
        line.start(victim.process.name)
