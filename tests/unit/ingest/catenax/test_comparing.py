"""The weekly comparison: by hand on small cases, and what holds for whatever is sent."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.catenax.capacity_group import WeekBasedCapacityGroup
from ingest.formats.catenax.comparing import aggregated, compare, judged
from ingest.formats.catenax.linking import Relation
from ingest.formats.catenax.material_demand import WeekBasedMaterialDemand
from ingest.formats.catenax.uncovered import unanswered, uncovered
from tests.support.catenax import MATERIAL, PLANT, SECOND_PLANT, capacity, demand, group, link, series

pytestmark = pytest.mark.unit
WEEK, NEXT = "2030-01-07", "2030-01-14"
AT, AFTER = date(2030, 1, 7), date(2030, 1, 14)
KEY = (MATERIAL, PLANT, "0001")


def relation(demands: dict[str, Any], groups: dict[str, Any]) -> Relation:
    return Relation(
        {name: msgspec.convert(each, WeekBasedMaterialDemand) for name, each in demands.items()},
        {name: msgspec.convert(each, WeekBasedCapacityGroup) for name, each in groups.items()},
    )


def weeks(told: Relation, name: str) -> list[Any]:
    return list(compare(told, name).weeks)


def one(amount: Any, actual: Any, maximum: Any, **more: Any) -> Relation:
    """Return one demand of a week and the group that answers it."""
    factor = {"loadFactor": more.pop("loadFactor")} if "loadFactor" in more else {}
    answer = group(capacity(WEEK, actual, maximum, **more), linkedDemandSeries=[link(**factor)])
    return relation({"d": demand(series({WEEK: amount}))}, {"g": answer})


@pytest.mark.parametrize(
    ("scenario", "amounts", "result"),
    [
        (1, (5, 5, 5), ("zero deviation", "green")),
        (2, (5, 5, 8), ("zero deviation", "green")),
        (3, (4, 5, 5), ("surplus", "green")),
        (4, (4, 5, 8), ("surplus", "green")),
        (5, (6, 5, 5), ("bottleneck", "red")),
        (6, (8, 5, 8), ("bottleneck", "orange")),
        (7, (7, 5, 8), ("bottleneck", "orange")),
        (8, (9, 5, 8), ("bottleneck", "red")),
    ],
)
def test_the_eight_scenarios_come_out_as_the_standard_says(
    scenario: int, amounts: tuple[int, int, int], result: tuple[str, str]
) -> None:
    assert judged(*map(Decimal, amounts)) == result, f"CX-0128 §5.7.1, scenario {scenario}"


def test_load_factors_multiply_and_delta_production_comes_last() -> None:
    (week,) = weeks(one(100, 300, 400, loadFactor=Decimal("3.5"), deltaProductionResult=60), "g")
    assert (week.demand, week.delta, week.total) == (350, 60, 410)
    assert (week.result, week.colour, week.missing("maximum"), week.missing("actual")) == (
        "bottleneck",
        "red",
        10,
        110,
    )


def test_a_negative_delta_takes_demand_away() -> None:
    (week,) = weeks(one(100, 60, 60, deltaProductionResult=-40), "g")
    assert (week.total, week.result, week.spare) == (60, "zero deviation", 0)


def test_amounts_are_exact_however_many_digits_they_have() -> None:
    amount, factor = Decimal("123456789012345678.123"), Decimal("1.000000000000000000001")
    (week,) = weeks(one(amount, 1, 1, loadFactor=factor), "g")
    assert Fraction(week.total) == Fraction(amount) * Fraction(factor)


def test_a_group_of_groups_bears_the_demands_of_all_below_it() -> None:
    low = group(capacity(WEEK, 9, 9), linkedDemandSeries=[link(loadFactor=2)])
    lower = group(capacity(WEEK, 9, 9), linkedDemandSeries=[link(location=SECOND_PLANT)])
    middle = group(linkedDemandSeries=[], linkedCapacityGroups=[ID["low"]])
    top = group(
        capacity(WEEK, 10, 10), linkedDemandSeries=[], linkedCapacityGroups=[ID["middle"], ID["lower"]]
    )
    told = demand(series({WEEK: 4}), series({WEEK: 5}, SECOND_PLANT))
    nested = relation({"d": told}, {ID["low"]: low, ID["lower"]: lower, ID["middle"]: middle, ID["top"]: top})
    (week,) = weeks(nested, ID["top"])
    assert (week.demand, week.colour, week.complete) == (13, "red", True)


ID = {
    name: f"00000000-0000-4000-8000-00000000000{n}"
    for n, name in enumerate(("low", "lower", "middle", "top"))
}


def test_groups_in_a_circle_are_counted_once_each() -> None:
    one_way = group(capacity(WEEK, 1, 1), linkedCapacityGroups=[ID["top"]])
    other_way = group(
        capacity(WEEK, 1, 1), linkedDemandSeries=[], linkedCapacityGroups=[ID["low"], ID["low"]]
    )
    circle = relation({"d": demand(series({WEEK: 4}))}, {ID["low"]: one_way, ID["top"]: other_way})
    assert [weeks(circle, name)[0].demand for name in (ID["low"], ID["top"])] == [4, 4]


def test_what_is_inactive_is_as_good_as_absent() -> None:
    gone = relation(
        {"d": demand(series({WEEK: 4}), materialDemandIsInactive=True)}, {"g": group(capacity(WEEK, 3, 3))}
    )
    (week,) = weeks(gone, "g")
    assert (week.demand, week.complete) == (0, False)
    asleep = relation(
        {"d": demand(series({WEEK: 4}))}, {"g": group(capacity(WEEK, 3, 3), capacityGroupIsInactive=True)}
    )
    assert (compare(asleep, "g").problem, unanswered(asleep)) == ("the group is inactive", {KEY})
    assert not uncovered(asleep, "maximum")


def test_zero_is_known_and_a_week_left_out_is_not() -> None:
    told = relation(
        {"d": demand(series({WEEK: 0}))}, {"g": group(capacity(WEEK, 3, 3), capacity(NEXT, 3, 3))}
    )
    assert [(week.week, week.complete) for week in weeks(told, "g")] == [(AT, True), (AFTER, False)]


def test_units_that_differ_are_not_compared_unless_a_factor_converts_them() -> None:
    hours = group(capacity(WEEK, 3, 3), unitOfMeasure="unit:hourUnitOfTime")
    told = demand(series({WEEK: 4}))
    problem = compare(relation({"d": told}, {"g": hours}), "g").problem
    assert problem == "the demand of SEAL 44/A is in unit:piece, and no load factor converts it"
    converted = {**hours, "linkedDemandSeries": [link(loadFactor=Decimal("0.5"))]}
    (week,) = weeks(relation({"d": told}, {"g": converted}), "g")
    assert (week.total, week.result) == (2, "surplus")


def test_what_is_above_the_maximum_is_shared_as_it_loads() -> None:
    told = demand(series({WEEK: 300}), series({WEEK: 100}, SECOND_PLANT))
    answer = group(
        capacity(WEEK, 100, 200),
        linkedDemandSeries=[link(loadFactor=1), link(location=SECOND_PLANT, loadFactor=3)],
    )
    found = uncovered(relation({"d": told}, {"g": answer}), "maximum")
    assert found == {KEY: {AT: 200}, (MATERIAL, SECOND_PLANT, "0001"): {AT: Fraction(200, 3)}}


def test_the_narrowest_of_several_groups_counts() -> None:
    wide, narrow = group(capacity(WEEK, 9, 9)), group(capacity(WEEK, 4, 6))
    both = relation({"d": demand(series({WEEK: 10}))}, {"a": wide, "b": narrow})
    assert uncovered(both, "maximum") == {KEY: {AT: 4}}
    assert uncovered(both, "actual") == {KEY: {AT: 6}}


def test_more_extra_production_than_capacity_uncovers_no_more_than_is_asked() -> None:
    assert uncovered(one(10, 5, 5, deltaProductionResult=1000), "maximum") == {KEY: {AT: 10}}


_amounts = st.decimals(0, 10**17, allow_nan=False, places=3)
_factors = st.decimals("0.001", 1000, allow_nan=False, places=3)


@given(
    st.lists(st.tuples(_amounts, _factors), min_size=1, max_size=6),
    _amounts,
    st.decimals(-(10**17), 10**17, places=3),
)
def test_whatever_is_asked_what_stays_covered_fits_into_the_capacity(
    asked: list[tuple[Decimal, Decimal]], maximum: Decimal, delta: Decimal
) -> None:
    codes = ["0001", "A1S1", "SR99", "PI01", "OS01", "OI01"]
    named = list(zip(codes, asked, strict=False))
    told = demand(*(series({WEEK: amount}, category=code) for code, (amount, _) in named))
    links = [link(category=code, loadFactor=factor) for code, (_, factor) in named]
    answer = group(capacity(WEEK, 0, maximum, deltaProductionResult=delta), linkedDemandSeries=links)
    both = relation({"d": told}, {"g": answer})
    found = uncovered(both, "maximum")
    left = {
        code: Fraction(amount) - found.get((MATERIAL, PLANT, code), {}).get(AT, 0)
        for code, (amount, _) in named
    }
    assert all(0 <= left[code] <= Fraction(amount) for code, (amount, _) in named)
    loaded = sum(left[code] * Fraction(factor) for code, (_, factor) in named)
    assert loaded == 0 or loaded + Fraction(delta) <= Fraction(maximum)
    if any(amount for _, (amount, _) in named):
        assert aggregated(both, "g")[AT] == weeks(both, "g")[0].demand
