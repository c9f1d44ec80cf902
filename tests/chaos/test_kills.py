"""Processes killed as by kill -9, under load, and started again as a supervisor would."""

from __future__ import annotations

import pytest

from tests.chaos.judge import Under
from tests.chaos.line import NAMES, Line


@pytest.mark.parametrize("name", NAMES)
async def test_a_killed_process_loses_nothing(under: Under, line: Line, name: str) -> None:
    async with under(f"kill -9 of {name}") as trial:
        await trial.flowing()
        await line.restart(name)
        await trial.flowing()
