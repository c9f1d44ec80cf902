"""Fixtures of faults, the seed of the run, and which of the tests run when.

`line`       a line, sound at the start of each test, shared by the tests of all modules that want the same. A
             module that wants another one says `SHAPE = Shape(brokers=3)`.
`under`      `async with under("what is done") as trial:` load around a fault, judged at the end of the block.
`chance`     random numbers of this test, by the seed of the run.

`CHAOS_SEED=…` repeats a run. Of a run of all tests only those marked `short` are left here; naming this
folder, or something in it, runs all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import pytest

from tests.chaos import results
from tests.chaos.judge import SEED, Name, Trial, Under, trial
from tests.chaos.line import Line, Lines, Shape

HERE = Path(__file__).parent
_LEFT = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not short, unless this folder was asked for by name."""
    faults = [item for item in items if HERE in item.path.parents]
    for item in faults:
        item.add_marker(pytest.mark.timeout(900), append=False)
    where = iter(sorted(faults, key=lambda item: repr(_shape(item))))
    items[:] = [next(where) if item in faults else item for item in items]
    if any(str(HERE) in str(Path(argument).absolute()) for argument in config.invocation_params.args):
        return
    left = [item for item in faults if item.get_closest_marker("short") is None]
    if left:
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)
    config.stash[_LEFT] = len(left)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say loudly what was left out, and which seed it was."""
    if left := config.stash.get(_LEFT, 0):
        terminalreporter.section("chaos")
        terminalreporter.write_line(f"{left} chaos tests left to `make chaos`")
    terminalreporter.write_line(f"CHAOS_SEED={SEED}")


def _shape(item: pytest.Item) -> Shape:
    shape = getattr(getattr(item, "module", None), "SHAPE", None)
    return shape if isinstance(shape, Shape) else Shape()


@pytest.fixture(scope="session", autouse=True)
def _results() -> None:
    results.begin(SEED)


@pytest.fixture(scope="session")
def lines() -> Iterator[Lines]:
    """What runs."""
    held = Lines()
    yield held
    held.close()


@pytest.fixture
def line(request: pytest.FixtureRequest, lines: Lines) -> Line:
    """A line as the module wants it."""
    return lines.sound(_shape(request.node))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of this test, by the seed of the run."""
    return crc32(f"{SEED}/{request.node.name}".encode())


@pytest.fixture
def chance(seed: int) -> Random:
    """What this test draws."""
    return Random(seed)


@pytest.fixture
def under(request: pytest.FixtureRequest, line: Line, seed: int) -> Under:
    """Begin a trial of this test."""

    def begin(fault: str, **options: Any) -> AbstractAsyncContextManager[Trial]:
        return trial(Name(fault, request.node.name, seed), line, **options)

    return begin
