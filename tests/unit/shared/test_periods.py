"""How long periods are, as a pure rule."""

import pytest

from tenon.periods import MOST_SPANS, Kept, span_s

pytestmark = pytest.mark.unit

DAY_S = 86_400


@pytest.mark.parametrize(
    ("hours", "period_s", "expected_s"),
    [(1, DAY_S, DAY_S), (24, DAY_S, DAY_S), (240, DAY_S, DAY_S), (241, DAY_S, 2 * DAY_S), (0.001, 10, 10)],
)
def test_a_period_is_as_long_as_wanted_or_long_enough_that_few_are_kept(
    hours: float, period_s: int, expected_s: int
) -> None:
    assert span_s(Kept("rows", hours), period_s) == expected_s


@pytest.mark.parametrize("hours", [1, 100, 720, 8_760])
def test_few_periods_are_to_be_looked_in_however_long_rows_are_kept(hours: float) -> None:
    assert Kept("rows", hours).seconds / span_s(Kept("rows", hours), DAY_S) <= MOST_SPANS
