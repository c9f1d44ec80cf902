"""What is kept of the rounds committed last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.domain.telling import OutEvent
from matcher.recent import Recent

pytestmark = pytest.mark.unit


def events(size_bytes: int) -> list[OutEvent]:
    return [OutEvent("t", "k", (), b"x" * size_bytes)]


def test_a_round_is_kept_until_it_is_dropped() -> None:
    recent = Recent(100)
    recent.put((0, 1), events(10))
    assert recent.get((0, 1)) == events(10)
    recent.drop((0, 1))
    recent.drop((0, 1))
    assert recent.get((0, 1)) is None


@given(st.lists(st.integers(0, 60), max_size=12))
def test_the_latest_are_kept_within_the_bound(sizes: list[int]) -> None:
    recent = Recent(100)
    for number, size in enumerate(sizes):
        recent.put((0, number), events(size))
    kept = [number for number in range(len(sizes)) if recent.get((0, number)) is not None]
    assert kept == list(range(len(sizes) - len(kept), len(sizes))), "the latest, without a gap"
    assert sum(sizes[number] for number in kept) <= 100
