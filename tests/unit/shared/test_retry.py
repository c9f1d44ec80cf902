"""Backoff and retries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenon.errors import Fenced, Transient
from tenon.retry import backoff_ms, retrying


@given(st.integers(0, 10_000), st.integers(1, 10_000), st.integers(1, 100_000), st.floats(0, 1))
def test_a_wait_is_in_the_upper_half_of_its_step_and_never_above_the_cap(
    attempt: int, base_ms: int, cap_ms: int, jitter: float
) -> None:
    wait = backoff_ms(attempt, base_ms, cap_ms, jitter)
    step = min(cap_ms, base_ms * 2 ** min(attempt, 30))
    assert step // 2 <= wait <= step


@given(st.integers(0, 60), st.floats(0, 1))
def test_without_jitter_waits_never_shrink(attempt: int, jitter: float) -> None:
    assert backoff_ms(attempt, jitter=0) <= backoff_ms(attempt + 1, jitter=0)
    assert backoff_ms(attempt, jitter=jitter) <= 5_000


async def test_what_is_transient_is_tried_until_it_works() -> None:
    tries = []

    async def flaky() -> int:
        tries.append(1)
        if len(tries) < 4:
            raise Transient("away")
        return 7

    assert await retrying("it", flaky, deadline_ms=5_000, base_ms=1) == 7
    assert await retrying("it", lambda: flaky(), deadline_ms=5_000, base_ms=1) == 7


async def test_after_the_deadline_the_last_error_is_raised() -> None:
    async def away() -> None:
        raise Transient("away")

    with pytest.raises(Transient, match="away"):
        await retrying("it", away, deadline_ms=30, base_ms=5)


async def test_what_is_not_transient_is_raised_at_once() -> None:
    tries = []

    async def lost() -> None:
        tries.append(1)
        raise Fenced("lost")

    with pytest.raises(Fenced):
        await retrying("it", lost, deadline_ms=5_000)
    assert len(tries) == 1
