"""The demand deviation: when it is measured, and by which thresholds it is judged."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from ingest.formats.catenax.capacity_group import WeekBasedCapacityGroup
from ingest.formats.catenax.deviation import deviations, measurements
from tests.support.catenax import group

pytestmark = pytest.mark.unit
AT, AFTER = date(2030, 1, 7), date(2030, 1, 14)


def test_a_deviation_starts_with_the_first_interval() -> None:
    start = datetime(2030, 1, 7, 12, tzinfo=UTC)
    told = volatility(start)
    assert measurements(told, start + timedelta(weeks=3, days=6)) is None
    assert measurements(told, start + timedelta(weeks=9)) == (
        start + timedelta(weeks=4),
        start + timedelta(weeks=8),
    )


def volatility(start: datetime, *thresholds: dict[str, Any]) -> Any:
    parameters = {
        "startReferenceDateTime": start,
        "measurementInterval": 4,
        "rollingHorizonAlertThresholds": list(thresholds),
    }
    told = msgspec.convert(group(demandVolatilityParameters=parameters), WeekBasedCapacityGroup)
    return told.demand_volatility_parameters


def test_a_deviation_is_judged_by_the_thresholds_of_its_subhorizon() -> None:
    measured = datetime(2030, 1, 9, 12, tzinfo=UTC)
    near = {"sequenceNumber": 1, "subhorizonLength": 1, "relativePositiveDeviation": Decimal("0.1")}
    far = {
        "sequenceNumber": 2,
        "subhorizonLength": 2,
        "absoluteNegativeDeviation": 50,
        "relativeNegativeDeviation": Decimal("0.5"),
    }
    weeks = [AT + timedelta(weeks=n) for n in range(-1, 4)]
    before = dict.fromkeys(weeks, Decimal(100))
    now = dict(zip(weeks, map(Decimal, (900, 111, 49, 50, 1)), strict=True))
    found: list[Any] = deviations(volatility(measured, far, near), before, now, measured)
    assert [(each.subhorizon, each.absolute, each.relative, list(each.exceeded)) for each in found] == [
        (1, 11, Decimal("0.11"), ["relativePositiveDeviation"]),
        (2, -51, Decimal("-0.51"), ["relativeNegativeDeviation", "absoluteNegativeDeviation"]),
        (2, -50, Decimal("-0.5"), []),
        (None, -99, Decimal("-0.99"), []),
    ]


def test_demand_out_of_nothing_has_no_relative_deviation() -> None:
    measured = datetime(2030, 1, 7, tzinfo=UTC)
    found: Any
    (found,) = deviations(
        volatility(measured), {AT: Decimal(0)}, {AT: Decimal(3), AFTER: Decimal(9)}, measured
    )
    assert (found.week, found.absolute, found.relative) == (AT, 3, None)
