"""WeekBasedMaterialDemand 2.0.0 to 3.0.1: what a customer needs of a supplier's material, week by week."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from ingest.domain.faults import Fault
from ingest.formats.catenax.units import UnitOfMeasure, unit_faults, with_reference_unit
from ingest.formats.catenax.values import (
    MOST_WEEKS,
    Aspect,
    Bpnl,
    Bpns,
    DemandCategory,
    MaterialNumber,
    Moment,
    Text,
    Uuid,
    horizon_faults,
    week_faults,
)
from ingest.formats.exact import number_faults


class WeekDemand(Aspect, frozen=True, kw_only=True):
    """The demand of a week. Zero is said; None is as good as no entry: unknown."""

    point_in_time: date
    demand: Decimal | None = None


class DemandSeries(Aspect, frozen=True, kw_only=True):
    """The demand of one customer site and category."""

    customer_location: Bpns
    demand_category: DemandCategory
    demands: Annotated[list[WeekDemand], Meta(max_length=MOST_WEEKS)]
    expected_supplier_location: Bpns | None = None


class WeekBasedMaterialDemand(Aspect, frozen=True, kw_only=True):
    """All that a customer needs of one material of one supplier; each change sends the whole again."""

    material_demand_id: Uuid
    customer: Bpnl
    supplier: Bpnl
    material_number_customer: MaterialNumber
    material_description_customer: Text
    changed_at: Moment
    demand_series: Annotated[list[DemandSeries], Meta(max_length=200)]
    material_number_supplier: MaterialNumber | None = None
    material_global_asset_id: Uuid | None = None
    unit_of_measure: UnitOfMeasure | None = None
    unit_of_measure_is_omitted: bool = False
    material_demand_is_inactive: bool = False


def upgraded(value: object) -> object:
    """Return an object of version 2.0.0 in the names and units of 3.0.1; any other as it is."""
    if not isinstance(value, dict):
        return value
    series = value.get("demandSeries")
    if isinstance(series, list):
        value = {**value, "demandSeries": [_upgraded_series(each) for each in series]}
    return with_reference_unit(value)


def faults(demand: WeekBasedMaterialDemand, now: datetime, at: str) -> Iterator[Fault]:
    """Yield what is wrong with a demand beyond the shape of its parts (CX-0128 §4.1.2.2)."""
    yield from unit_faults(demand.unit_of_measure, omitted=demand.unit_of_measure_is_omitted, at=at)
    named: set[tuple[str, str]] = set()
    for index, series in enumerate(demand.demand_series):
        where = f"{at}/demandSeries/{index}"
        name = (series.customer_location, series.demand_category.demand_category_code)
        if name in named:
            reason = f"{name[0]} with category {name[1]} stands there twice"
            yield Fault(where, reason, "each customerLocation and demandCategory once")
        named.add(name)
        yield from _series(series, f"{where}/demands")
    if demand.demand_series and not demand.material_demand_is_inactive:
        weeks = [week.point_in_time for series in demand.demand_series for week in series.demands]
        yield from horizon_faults(weeks, now, f"{at}/demandSeries")


def _series(series: DemandSeries, at: str) -> Iterator[Fault]:
    yield from week_faults((week.point_in_time for week in series.demands), at)
    for index, week in enumerate(series.demands):
        yield from number_faults(week.demand, f"{at}/{index}/demand")


def _upgraded_series(series: object) -> object:
    if not isinstance(series, dict) or not isinstance(series.get("demands"), list):
        return series
    return {**series, "demands": [_upgraded_week(week) for week in series["demands"]]}


def _upgraded_week(week: object) -> object:
    if isinstance(week, Mapping) and "calendarWeek" in week and "pointInTime" not in week:
        return {"pointInTime": week["calendarWeek"], **week}
    return week
