"""How fast one caller may go."""

import pytest

from tenon.problems import Problem
from tenon.rate import Rate


def test_a_bucket_lets_a_burst_through_and_then_the_rate() -> None:
    rate = Rate(per_second=10, burst=100)
    assert rate.wait_s("k", 100, 0.0) == 0
    assert rate.wait_s("k", 5, 0.0) == pytest.approx(0.5)
    assert rate.wait_s("k", 5, 0.5) == 0
    assert rate.wait_s("other", 100, 0.5) == 0


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    rate = Rate(per_second=10, burst=100)
    assert rate.wait_s("k", 1, 0.0) == 0
    assert rate.wait_s("k", 101, 1_000.0) > 0


def test_no_rate_is_no_limit() -> None:
    assert Rate(per_second=0, burst=1).wait_s("k", 10**9, 0.0) == 0


def test_who_goes_too_fast_is_told_when_to_come_back() -> None:
    rate = Rate(per_second=10, burst=100)
    rate.charge("k", 100, 0.0)
    with pytest.raises(Problem) as caught:
        rate.charge("k", 25, 0.0)
    assert (caught.value.document.status, caught.value.headers) == (429, {"retry-after": "3"})
    rate.charge("k", 25, 3.0)
    rate.charge("other", 100, 0.0)
