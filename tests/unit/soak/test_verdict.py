"""When a curve counts as flat, and what its picture says."""

import pytest

from tests.soak.curve import svg
from tests.soak.verdict import Bound, judge, slope

pytestmark = pytest.mark.unit

STRICT = Bound(share=0.05, least=0)


def curve(*values: float) -> list[tuple[float, float]]:
    return [(float(at), value) for at, value in enumerate(values)]


def test_a_curve_that_rises_first_and_then_stays_is_flat() -> None:
    assert judge(curve(0, 50, 100, 100, 101, 100, 100, 101), STRICT).flat


def test_a_curve_that_goes_on_rising_is_not() -> None:
    verdict = judge(curve(*range(0, 200, 10)), STRICT)
    assert not verdict.flat
    assert verdict.rise == 90


def test_waves_and_falls_are_flat() -> None:
    assert judge(curve(*[10, 30, 20] * 10), Bound(share=0.25, least=0)).flat
    assert judge(curve(*range(200, 0, -10)), STRICT).flat


def test_little_in_units_may_be_much_in_share() -> None:
    few = curve(0, 0, 0, 0, 1, 2, 3, 4)
    assert not judge(few, STRICT).flat
    assert judge(few, Bound(share=0.05, least=10)).flat


def test_a_point_has_no_slope() -> None:
    assert slope(curve(5)) == 0
    assert judge(curve(5), STRICT).flat


def test_a_picture_names_what_rises() -> None:
    points = curve(*range(10))
    shown = svg({"matcher & co": points}, {"matcher & co": judge(points, STRICT)})
    assert "matcher &amp; co: at most 9, rises by 4" in shown
