"""Which demand series load a capacity group, itself and through the groups that are nested in it.

What is inactive is as good as absent. A group counts once below another, however often it is linked, so a
circle of groups ends.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from functools import cached_property

from ingest.formats.catenax.capacity_group import LinkedDemandSeries, WeekBasedCapacityGroup
from ingest.formats.catenax.material_demand import WeekBasedMaterialDemand
from ingest.formats.catenax.values import plain_uuid

EXACT = Context(prec=200, Emax=999_999, Emin=-999_999, traps=[Inexact, InvalidOperation, Overflow])
"""Sums and products of what may be sent have far fewer digits: a rounded one would be our fault."""
_ONE = Decimal(1)
SeriesKey = tuple[str, str, str]
"""Material number of the customer, its site, category: what a group links by."""


@dataclass(frozen=True, slots=True)
class Series:
    """A demand series: what is known of it, week by week."""

    key: SeriesKey
    unit: str | None
    weeks: Mapping[date, Decimal]


@dataclass(frozen=True, slots=True)
class Load:
    """A series that loads a group, and how much of the group one unit of it takes."""

    key: SeriesKey
    factor: Decimal
    converts: bool


@dataclass(frozen=True)
class Relation:
    """All that one customer and one supplier have told each other and that is in use."""

    demands: Mapping[str, WeekBasedMaterialDemand] = field(default_factory=dict)
    groups: Mapping[str, WeekBasedCapacityGroup] = field(default_factory=dict)

    @cached_property
    def series(self) -> Mapping[SeriesKey, Series]:
        """Return the demand series in use."""
        return {
            series.key: series
            for demand in self.demands.values()
            if not demand.material_demand_is_inactive
            for series in series_of(demand)
        }

    def below(self, group_id: str) -> Iterator[WeekBasedCapacityGroup]:
        """Yield a group and each that is nested in it, itself first; none that is inactive or unknown."""
        seen: set[str] = set()
        waiting = [group_id]
        while waiting:
            name = waiting.pop()
            group = self.groups.get(name)
            if name in seen or group is None or group.capacity_group_is_inactive:
                continue
            seen.add(name)
            yield group
            waiting += [plain_uuid(other) for other in group.linked_capacity_groups]

    def loads(self, group_id: str) -> list[Load]:
        """Return what loads a group: its own series, and those of the groups below it."""
        return [_load(link) for group in self.below(group_id) for link in group.linked_demand_series]


def series_of(demand: WeekBasedMaterialDemand) -> Iterator[Series]:
    """Yield the series of a demand; what is not said of a week is unknown, not zero."""
    for series in demand.demand_series:
        weeks = {week.point_in_time: week.demand for week in series.demands if week.demand is not None}
        code = series.demand_category.demand_category_code
        key = (demand.material_number_customer, series.customer_location, code)
        yield Series(key, demand.unit_of_measure, weeks)


def total(values: Iterable[Decimal]) -> Decimal:
    """Return the exact sum of values."""
    result = Decimal(0)
    for value in values:
        result = EXACT.add(result, value)
    return result


def _load(link: LinkedDemandSeries) -> Load:
    key = (
        link.material_number_customer,
        link.customer_location,
        link.demand_category.demand_category_code,
    )
    return Load(key, _ONE if link.load_factor is None else link.load_factor, link.load_factor is not None)
