"""WeekBasedCapacityGroup 2.0.0 to 3.0.1: what a supplier can make for which demands, week by week."""

from collections.abc import Iterator
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
    plain_uuid,
    week_faults,
)
from ingest.formats.exact import number_faults

_ONE = Decimal(1)


class WeekCapacity(Aspect, frozen=True, kw_only=True):
    """The capacity of a week, in the group's unit; a positive delta is extra demand, a negative one less."""

    point_in_time: date
    actual_capacity: Decimal
    maximum_capacity: Decimal
    agreed_capacity: Decimal | None = None
    delta_production_result: Decimal | None = None


class LinkedDemandSeries(Aspect, frozen=True, kw_only=True):
    """A demand series that a group answers, and how much of the group one unit of it takes."""

    material_number_customer: MaterialNumber
    customer_location: Bpns
    demand_category: DemandCategory
    material_number_supplier: MaterialNumber | None = None
    load_factor: Decimal | None = None


class AlertThresholds(Aspect, frozen=True, kw_only=True):
    """How far demand may move within a subhorizon of so many weeks."""

    sequence_number: Annotated[int, Meta(ge=1, le=104)]
    subhorizon_length: Annotated[int, Meta(ge=1, le=104)]
    absolute_positive_deviation: Decimal | None = None
    absolute_negative_deviation: Decimal | None = None
    relative_positive_deviation: Decimal | None = None
    relative_negative_deviation: Decimal | None = None


class DemandVolatilityParameters(Aspect, frozen=True, kw_only=True):
    """From when on, and how often, a group's demand is compared with what it was (CX-0128 §5.11)."""

    start_reference_date_time: Moment
    measurement_interval: Annotated[int, Meta(ge=1, le=104)]
    rolling_horizon_alert_thresholds: Annotated[list[AlertThresholds], Meta(max_length=104)] = []


class WeekBasedCapacityGroup(Aspect, frozen=True, kw_only=True):
    """The capacity that answers one or more demand series, or several groups together."""

    capacity_group_id: Uuid
    name: Text
    customer: Bpnl
    supplier: Bpnl
    changed_at: Moment
    supplier_locations: Annotated[list[Bpns], Meta(max_length=200)] = []
    capacities: Annotated[list[WeekCapacity], Meta(max_length=MOST_WEEKS)] = []
    linked_demand_series: Annotated[list[LinkedDemandSeries], Meta(max_length=2000)] = []
    linked_capacity_groups: Annotated[list[Uuid], Meta(max_length=500)] = []
    demand_volatility_parameters: DemandVolatilityParameters | None = None
    unit_of_measure: UnitOfMeasure | None = None
    unit_of_measure_is_omitted: bool = False
    capacity_group_is_inactive: bool = False


def upgraded(value: object) -> object:
    """Return an object of version 2.0.0 as one of 3.0.1; any other as it is."""
    return with_reference_unit(value) if isinstance(value, dict) else value


def faults(group: WeekBasedCapacityGroup, now: datetime, at: str) -> Iterator[Fault]:
    """Yield what is wrong with a group beyond the shape of its parts (CX-0128 §4.2.2.2, §5.6, §5.11)."""
    yield from unit_faults(group.unit_of_measure, omitted=group.unit_of_measure_is_omitted, at=at)
    weeks = [week.point_in_time for week in group.capacities]
    yield from week_faults(weeks, f"{at}/capacities")
    for index, week in enumerate(group.capacities):
        yield from _week(week, f"{at}/capacities/{index}")
    if weeks and not group.capacity_group_is_inactive:
        yield from horizon_faults(weeks, now, f"{at}/capacities")
    yield from _links(group, at)
    if group.demand_volatility_parameters is not None:
        yield from _volatility(group.demand_volatility_parameters, f"{at}/demandVolatilityParameters")


def _week(week: WeekCapacity, at: str) -> Iterator[Fault]:
    wrong = [
        *number_faults(week.actual_capacity, f"{at}/actualCapacity"),
        *number_faults(week.maximum_capacity, f"{at}/maximumCapacity"),
        *number_faults(week.agreed_capacity, f"{at}/agreedCapacity"),
        *number_faults(week.delta_production_result, f"{at}/deltaProductionResult", negative=True),
    ]
    yield from wrong
    if not wrong and week.maximum_capacity < week.actual_capacity:
        reason = f"below the actual capacity ({week.actual_capacity:f})"
        yield Fault(f"{at}/maximumCapacity", reason, f"at least {week.actual_capacity:f}")


def _links(group: WeekBasedCapacityGroup, at: str) -> Iterator[Fault]:
    named: set[tuple[str, str, str]] = set()
    for index, link in enumerate(group.linked_demand_series):
        where = f"{at}/linkedDemandSeries/{index}"
        code = link.demand_category.demand_category_code
        name = (link.material_number_customer, link.customer_location, code)
        if name in named:
            yield Fault(where, "this series is linked twice", "each demand series once")
        named.add(name)
        yield from number_faults(link.load_factor, f"{where}/loadFactor", zero=False)
        if link.load_factor is None and _factored(group):
            yield Fault(f"{where}/loadFactor", "missing field", "a load factor for every series, or for none")
    own = plain_uuid(group.capacity_group_id)
    for index, other in enumerate(group.linked_capacity_groups):
        if plain_uuid(other) == own:
            yield Fault(f"{at}/linkedCapacityGroups/{index}", "a group links itself", "other groups only")


def _factored(group: WeekBasedCapacityGroup) -> bool:
    return any(link.load_factor is not None for link in group.linked_demand_series)


def _volatility(parameters: DemandVolatilityParameters, at: str) -> Iterator[Fault]:
    numbers: set[int] = set()
    for index, limits in enumerate(parameters.rolling_horizon_alert_thresholds):
        where = f"{at}/rollingHorizonAlertThresholds/{index}"
        if limits.sequence_number in numbers:
            yield Fault(f"{where}/sequenceNumber", "stands there twice", "each sequence number once")
        numbers.add(limits.sequence_number)
        for name, value in (
            ("absolutePositiveDeviation", limits.absolute_positive_deviation),
            ("absoluteNegativeDeviation", limits.absolute_negative_deviation),
            ("relativePositiveDeviation", limits.relative_positive_deviation),
            ("relativeNegativeDeviation", limits.relative_negative_deviation),
        ):
            yield from number_faults(value, f"{where}/{name}")
        if limits.relative_negative_deviation is not None and limits.relative_negative_deviation > _ONE:
            yield Fault(f"{where}/relativeNegativeDeviation", "above 1", "a share from 0 to 1")
