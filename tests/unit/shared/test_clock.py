"""The clock: the machine's, unless a test puts it off."""

import time
from collections.abc import Iterator

import pytest

from tenon.clock import WallClock, set_offset


@pytest.fixture(autouse=True)
def _right() -> Iterator[None]:
    yield
    set_offset(0)


def test_it_tells_the_time_of_the_machine() -> None:
    before = time.time_ns() // 1_000_000
    now = WallClock().now_ms()
    assert before <= now <= time.time_ns() // 1_000_000


@pytest.mark.parametrize("offset_ms", [-600_000, 600_000])
def test_it_can_be_put_off(offset_ms: int) -> None:
    set_offset(offset_ms)
    assert abs(WallClock().now_ms() - offset_ms - time.time_ns() // 1_000_000) < 60_000
