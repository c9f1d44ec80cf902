"""The demand deviation of a capacity group and its alerts (CX-0128 §5.11): how far its demand has moved.

A measurement falls on the start and on each interval of weeks after it. Demand is that of the group, with
load factors and without delta production; a week counts where both measurements know its demand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from ingest.formats.catenax.capacity_group import AlertThresholds, DemandVolatilityParameters
from ingest.formats.catenax.linking import EXACT
from ingest.formats.catenax.values import monday_of

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class WeekDeviation:
    """How far the demand of a week moved. `relative` None: there was none before."""

    week: date
    subhorizon: int | None
    previous: Decimal
    latest: Decimal
    absolute: Decimal
    relative: Decimal | None
    exceeded: Sequence[str]


def measurements(parameters: DemandVolatilityParameters, now: datetime) -> tuple[datetime, datetime] | None:
    """Return the previous and the latest measurement; None before the end of the first interval."""
    interval = timedelta(weeks=parameters.measurement_interval)
    ended = (now - parameters.start_reference_date_time) // interval
    if ended < 1:
        return None
    latest = parameters.start_reference_date_time + ended * interval
    return latest - interval, latest


def deviations(
    parameters: DemandVolatilityParameters,
    previous: Mapping[date, Decimal],
    latest: Mapping[date, Decimal],
    measured: datetime,
) -> list[WeekDeviation]:
    """Return the deviation of each week, from the week of the latest measurement on."""
    start = monday_of(measured.date())
    weeks = sorted(week for week in previous.keys() & latest.keys() if week >= start)
    thresholds = _by_week(parameters.rolling_horizon_alert_thresholds)
    return [
        _deviation(week, thresholds.get((week - start).days // 7), previous[week], latest[week])
        for week in weeks
    ]


def _by_week(thresholds: Sequence[AlertThresholds]) -> dict[int, AlertThresholds]:
    """Return the thresholds of each week from 0 on: subhorizons follow each other without a gap."""
    found: dict[int, AlertThresholds] = {}
    for limits in sorted(thresholds, key=lambda each: each.sequence_number):
        begins = len(found)
        found |= {begins + offset: limits for offset in range(limits.subhorizon_length)}
    return found


def _deviation(
    week: date, limits: AlertThresholds | None, previous: Decimal, latest: Decimal
) -> WeekDeviation:
    absolute = EXACT.subtract(latest, previous)
    relative = Fraction(absolute) / Fraction(previous) if previous else None
    exceeded = [] if limits is None else _exceeded(limits, absolute, relative)
    shown = None if relative is None else _rounded(relative)
    number = None if limits is None else limits.sequence_number
    return WeekDeviation(week, number, previous, latest, absolute, shown, exceeded)


def _exceeded(limits: AlertThresholds, absolute: Decimal, relative: Fraction | None) -> list[str]:
    checks: tuple[tuple[str, Decimal | None, Fraction | None], ...] = (
        ("relativePositiveDeviation", limits.relative_positive_deviation, relative),
        ("relativeNegativeDeviation", limits.relative_negative_deviation, _negated(relative)),
        ("absolutePositiveDeviation", limits.absolute_positive_deviation, Fraction(absolute)),
        ("absoluteNegativeDeviation", limits.absolute_negative_deviation, -Fraction(absolute)),
    )
    return [
        name
        for name, limit, value in checks
        if limit is not None and value is not None and value > Fraction(limit)
    ]


def _negated(value: Fraction | None) -> Fraction | None:
    return None if value is None else -value


def _rounded(value: Fraction) -> Decimal:
    scaled = round(value * 10**_DIGITS)
    return Decimal(scaled).scaleb(-_DIGITS, EXACT)
