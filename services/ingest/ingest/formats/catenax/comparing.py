"""The weekly comparison of demand and capacity within a capacity group (CX-0128 §5.7), exactly.

Total demand of a week = sum of (demand × load factor) + delta production; it is compared with the actual and
the maximum capacity. A week of which the capacity is not said is not compared; a linked series of which the
demand is not said adds nothing and makes the week incomplete.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from ingest.formats.catenax.capacity_group import WeekBasedCapacityGroup, WeekCapacity
from ingest.formats.catenax.linking import EXACT, Load, Relation, Series, SeriesKey, total

Result = Literal["zero deviation", "surplus", "bottleneck"]
Colour = Literal["green", "orange", "red"]


@dataclass(frozen=True, slots=True)
class Week:
    """How a week stands, in the group's unit. `complete`: the demand of every linked series is said."""

    week: date
    demand: Decimal
    delta: Decimal
    total: Decimal
    actual: Decimal
    maximum: Decimal
    result: Result
    colour: Colour
    complete: bool

    def missing(self, limit: Literal["actual", "maximum"]) -> Decimal:
        """Return by how much demand is above a limit; 0 when it is not."""
        above = EXACT.subtract(self.total, self.actual if limit == "actual" else self.maximum)
        return max(above, Decimal(0))

    @property
    def spare(self) -> Decimal:
        """By how much the maximum is above demand; 0 when it is not."""
        return max(EXACT.subtract(self.maximum, self.total), Decimal(0))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A group's comparison; `problem` says why there is none."""

    group: str
    unit: str | None
    weeks: Sequence[Week]
    problem: str | None = None


def compare(relation: Relation, group_id: str) -> Comparison:
    """Return the comparison of a group with the demand that loads it."""
    group = relation.groups[group_id]
    if group.capacity_group_is_inactive:
        return Comparison(group_id, group.unit_of_measure, (), "the group is inactive")
    loads = relation.loads(group_id)
    problem = _problem(relation, group, group_id, loads)
    if problem is not None:
        return Comparison(group_id, group.unit_of_measure, (), problem)
    known = [(load, relation.series.get(load.key)) for load in loads]
    ordered = sorted(group.capacities, key=lambda capacity: capacity.point_in_time)
    return Comparison(group_id, group.unit_of_measure, [_week(capacity, known) for capacity in ordered])


def aggregated(relation: Relation, group_id: str) -> Mapping[date, Decimal]:
    """Return the demand that loads a group by week, with load factors, without delta production."""
    by_week: dict[date, Decimal] = {}
    for load in relation.loads(group_id):
        series = relation.series.get(load.key)
        for week, demand in series.weeks.items() if series is not None else ():
            loaded = EXACT.multiply(demand, load.factor)
            by_week[week] = EXACT.add(by_week.get(week, Decimal(0)), loaded)
    return by_week


def _week(capacity: WeekCapacity, known: Sequence[tuple[Load, Series | None]]) -> Week:
    week = capacity.point_in_time
    said = [
        EXACT.multiply(series.weeks[week], load.factor)
        for load, series in known
        if series is not None and week in series.weeks
    ]
    demand, delta = total(said), capacity.delta_production_result or Decimal(0)
    wanted = EXACT.add(demand, delta)
    result, colour = judged(wanted, capacity.actual_capacity, capacity.maximum_capacity)
    return Week(
        week,
        demand,
        delta,
        wanted,
        capacity.actual_capacity,
        capacity.maximum_capacity,
        result,
        colour,
        len(said) == len(known) > 0,
    )


def judged(demand: Decimal, actual: Decimal, maximum: Decimal) -> tuple[Result, Colour]:
    """Return result and colour of a week: the eight scenarios of CX-0128 §5.7.1."""
    if demand > actual:
        return "bottleneck", "red" if demand > maximum else "orange"
    return ("zero deviation" if demand == actual else "surplus"), "green"


def _problem(
    relation: Relation, group: WeekBasedCapacityGroup, group_id: str, loads: Sequence[Load]
) -> str | None:
    """Return why amounts of this group can't be compared: units that differ, and no factor between them."""
    for other in relation.below(group_id):
        if _differ(other.unit_of_measure, group.unit_of_measure):
            return f"the nested group {other.capacity_group_id} counts in {other.unit_of_measure}"
    for load in loads:
        series = relation.series.get(load.key)
        if series is not None and not load.converts and _differ(series.unit, group.unit_of_measure):
            return f"the demand of {load.key[0]} is in {series.unit}, and no load factor converts it"
    return None


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def loads_by_series(relation: Relation, loads: Sequence[Load], week: date) -> dict[SeriesKey, Decimal]:
    """Return how much each series of which the demand is known loads a group in a week."""
    found: dict[SeriesKey, Decimal] = {}
    for load in loads:
        series = relation.series.get(load.key)
        if series is not None and week in series.weeks:
            loaded = EXACT.multiply(series.weeks[week], load.factor)
            found[load.key] = EXACT.add(found.get(load.key, Decimal(0)), loaded)
    return found
