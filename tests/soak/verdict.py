"""Whether a curve is flat: by the slope of a line through its second half. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

Points = Sequence[tuple[float, float]]
"""Seconds since the start, and a value."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What may be risen over the second half: a share of the mean, or so much where that is more."""

    share: float
    least: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The mean of the second half, how much the line through it rises in that time, and whether it may."""

    mean: float
    rise: float
    flat: bool


def slope(points: Points) -> float:
    """Return the slope of the line of least squares, 0 where there is no line."""
    middle_x, middle_y = fmean(x for x, _ in points), fmean(y for _, y in points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread if spread else 0.0


def judge(points: Points, bound: Bound) -> Verdict:
    """Judge the second half of a curve."""
    later = points[len(points) // 2 :]
    mean = fmean(y for _, y in later)
    rise = slope(later) * (later[-1][0] - later[0][0])
    return Verdict(round(mean, 1), round(rise, 1), rise <= max(bound.share * mean, bound.least))


def judged(curves: Mapping[str, Points], bound: Bound) -> dict[str, Verdict]:
    """Judge each of several curves."""
    return {name: judge(points, bound) for name, points in curves.items()}
