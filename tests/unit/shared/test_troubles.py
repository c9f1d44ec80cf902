"""When a partition that failed is tried again. Times are made up: nothing waits here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenon.errors import Fenced, Transient
from tenon.records import TopicPartition
from tenon.stream.held import Troubles

WHERE, OTHER = TopicPartition("t", 0), TopicPartition("t", 1)
AWAY, LOST = Transient("away"), Fenced("lost")


def troubles(deadline_ms: int = 10_000) -> Troubles:
    return Troubles(fenced_wait_ms=700, deadline_ms=deadline_ms)


@given(st.floats(0, 1e6), st.sampled_from([AWAY, LOST]))
def test_a_partition_is_due_when_its_wait_is_over_and_not_before(
    now: float, error: Transient | Fenced
) -> None:
    held = troubles()
    wait = held.postpone(WHERE, error, now) / 1000
    assert not held.due(WHERE, now + wait * 0.9)
    assert held.due(WHERE, now + wait * 1.1)
    assert held.due(OTHER, now)


def test_a_fenced_partition_waits_for_the_next_heartbeats_however_often() -> None:
    held = troubles()
    assert [held.postpone(WHERE, LOST, 100.0 * n) for n in range(4)] == [700] * 4


def test_a_failure_that_lasts_too_long_is_raised() -> None:
    held = troubles(deadline_ms=10_000)
    held.postpone(WHERE, AWAY, 0)
    held.postpone(WHERE, AWAY, 10)
    with pytest.raises(Transient, match="away"):
        held.postpone(WHERE, AWAY, 10.1)


def test_after_it_worked_or_a_new_assignment_began_the_deadline_begins_anew() -> None:
    held = troubles(deadline_ms=10_000)
    held.postpone(WHERE, AWAY, 0)
    held.over(WHERE)
    assert held.due(WHERE, 0)
    held.postpone(WHERE, AWAY, 100)
    held.clear()
    assert held.due(WHERE, 100)
    held.postpone(WHERE, AWAY, 200)
