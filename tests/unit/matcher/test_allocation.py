"""The best division of supplies among needs, beside an exhaustive search and in numbers of full size."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from random import Random
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.domain import allocation
from matcher.domain.allocation import MAX_AMOUNT, MAX_COST, Arcs, Left, Needs, Portions, TooLarge
from matcher.domain.columns import Ints

pytestmark = pytest.mark.unit


class Need(NamedTuple):
    """What one taker wants: its tier, and (amount, value per unit) in falling order of value."""

    tier: int
    tranches: tuple[tuple[int, int], ...]


class Arc(NamedTuple):
    """A pair that may dock, and what a unit of it costs."""

    supply: int
    need: int
    cost: int


Problem = tuple[list[int], list[Need], list[Arc]]


def allocate(supplies: Sequence[int], needs: Sequence[Need], arcs: Sequence[Arc]) -> list[int]:
    return divided(supplies, needs, arcs, Portions())


def divided(
    supplies: Sequence[int], needs: Sequence[Need], arcs: Sequence[Arc], portions: Portions
) -> list[int]:
    tranches = [(of, *tranche) for of, need in enumerate(needs) for tranche in need.tranches]
    wanted = Needs(ints(need.tier for need in needs), *columns(tranches, 3))
    amounts = allocation.allocate(ints(supplies), wanted, Arcs(*columns(arcs, 3)), portions=portions)
    assert amounts is not None
    return [int(amount) for amount in amounts]


def ints(numbers: Iterable[int]) -> Ints:
    return np.fromiter(numbers, dtype=np.int64)


def columns(rows: Sequence[tuple[int, ...]], width: int) -> Sequence[Ints]:
    return list(np.array(rows, dtype=np.int64).reshape(-1, width).T)


def falling(values: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(values, key=lambda tranche: -tranche[1]))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Return few and small supplies and needs, so that every division can be tried."""
    tranche = st.tuples(st.integers(1, 2), st.integers(0, 9))
    supplies = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    needs = draw(
        st.lists(
            st.builds(Need, st.integers(1, 3), st.lists(tranche, min_size=1, max_size=2).map(falling)),
            min_size=1,
            max_size=3,
        )
    )
    everywhere = list(product(range(len(supplies)), range(len(needs))))
    ends = draw(st.lists(st.sampled_from(everywhere), max_size=5, unique=True))
    return supplies, needs, [Arc(supply, need, draw(st.integers(0, 9))) for supply, need in ends]


def divisions(supplies: Sequence[int], needs: Sequence[Need], arcs: Sequence[Arc]) -> Iterator[list[int]]:
    """Yield every division that keeps to the supplies and needs, arc by arc."""
    if not arcs:
        yield []
        return
    first, left, wanted = arcs[0], list(supplies), list(needs)
    asked = sum(amount for amount, _ in needs[first.need].tranches)
    for amount in range(min(supplies[first.supply], asked) + 1):
        left[first.supply] = supplies[first.supply] - amount
        wanted[first.need] = Need(needs[first.need].tier, ((asked - amount, 0),))
        for rest in divisions(left, wanted, arcs[1:]):
            yield [amount, *rest]


def worth(amounts: Sequence[int], needs: Sequence[Need], arcs: Sequence[Arc]) -> list[int]:
    """Return the value less the cost of a division, for each tier in order."""
    total = {need.tier: 0 for need in needs}
    for index, need in enumerate(needs):
        taken = [(arc, amount) for arc, amount in zip(arcs, amounts, strict=True) if arc.need == index]
        units = [value for amount, value in need.tranches for _ in range(amount)]
        total[need.tier] += sum(units[: sum(amount for _, amount in taken)])
        total[need.tier] -= sum(arc.cost * amount for arc, amount in taken)
    return [total[tier] for tier in sorted(total)]


def optimal(
    supplies: Sequence[int], needs: Sequence[Need], arcs: Sequence[Arc], found: Sequence[int]
) -> bool:
    """Decide in exact integers: no cycle of what could still be moved or taken back would gain anything.

    For one tier. Independent of the solver: a division is best when shortest ways over what is left of
    each range exist (Bellman-Ford ends), and only then.
    """
    sink = len(supplies) + len(needs)
    edges = []
    for arc, amount in zip(arcs, found, strict=True):
        edges.append(
            (arc.supply, len(supplies) + arc.need, min(MAX_AMOUNT, supplies[arc.supply]), arc.cost, amount)
        )
    for index, supply in enumerate(supplies):
        given_ = sum(amount for arc, amount in zip(arcs, found, strict=True) if arc.supply == index)
        assert 0 <= given_ <= supply
        edges.append((index, sink, supply, 0, supply - given_))
    for index, need in enumerate(needs):
        rest = sum(amount for arc, amount in zip(arcs, found, strict=True) if arc.need == index)
        for size, value in need.tranches:
            edges.append((len(supplies) + index, sink, size, -value, min(size, rest)))
            rest -= min(size, rest)
        assert rest == 0
    moves = [(tail, head, cost) for tail, head, room, cost, flow in edges if flow < room]
    moves += [(head, tail, -cost) for tail, head, _, cost, flow in edges if flow > 0]
    distance = [0] * (sink + 1)
    for _ in range(sink + 1):
        changed = False
        for tail, head, cost in moves:
            if distance[tail] + cost < distance[head]:
                distance[head], changed = distance[tail] + cost, True
        if not changed:
            return True
    return False


@settings(max_examples=300, deadline=None)
@given(problems())
def test_no_other_division_is_worth_more_tier_by_tier(problem: Problem) -> None:
    supplies, needs, arcs = problem
    best = max(worth(each, needs, arcs) for each in divisions(supplies, needs, arcs))
    assert worth(allocate(supplies, needs, arcs), needs, arcs) == best


@settings(max_examples=300, deadline=None)
@given(problems())
def test_nothing_is_sold_twice_and_nobody_gets_more_than_he_wants(problem: Problem) -> None:
    assert allocate(*problem) in list(divisions(*problem))


ARC_BY_ARC = Portions(whole=0, first=1, more=1)


@settings(max_examples=300, deadline=None)
@given(problems())
def test_a_problem_solved_in_portions_is_solved_as_well(problem: Problem) -> None:
    supplies, needs, arcs = problem
    found = divided(supplies, needs, arcs, ARC_BY_ARC)
    assert worth(found, needs, arcs) == worth(allocate(supplies, needs, arcs), needs, arcs)
    assert found in list(divisions(supplies, needs, arcs))


@settings(max_examples=100, deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_the_arcs_decides_nothing(problem: Problem, chance: Random) -> None:
    supplies, needs, arcs = problem
    shuffled = chance.sample(arcs, len(arcs))
    for portions in (Portions(), ARC_BY_ARC):
        found = dict(zip(arcs, divided(supplies, needs, arcs, portions), strict=True))
        again = dict(zip(shuffled, divided(supplies, needs, shuffled, portions), strict=True))
        assert found == again


def without_dear_arcs(problem: Problem, by_need: bool, most: int) -> tuple[list[Arc], list[tuple[int, int]]]:
    """Leave out all but so many of the cheapest arcs of each need, or supply; what is said of those."""
    _, needs, arcs = problem
    of_node: dict[int, list[Arc]] = {}
    for arc in arcs:
        of_node.setdefault(arc.need if by_need else arc.supply, []).append(arc)
    kept, bounds = [], []
    for node, its in of_node.items():

        def measure(arc: Arc) -> int:
            return arc.cost if by_need else arc.cost - max(value for _, value in needs[arc.need].tranches)

        ordered = sorted(its, key=measure)
        kept += ordered[:most]
        if len(its) > most:
            bounds.append((node, measure(ordered[most - 1])))
    return kept, bounds


@settings(max_examples=500, deadline=None)
@given(problems(), st.booleans(), st.integers(1, 2))
def test_without_dear_arcs_it_is_solved_as_well_or_said_that_they_are_needed(
    problem: Problem, by_need: bool, most: int
) -> None:
    supplies, needs, arcs = problem
    kept, bounds = without_dear_arcs(problem, by_need, most)
    nothing = columns([], 2)
    left = Left(*columns(bounds, 2), *nothing) if by_need else Left(*nothing, *columns(bounds, 2))
    tranches = [(of, *tranche) for of, need in enumerate(needs) for tranche in need.tranches]
    wanted = Needs(ints(need.tier for need in needs), *columns(tranches, 3))
    amounts = allocation.allocate(ints(supplies), wanted, Arcs(*columns(kept, 3)), left)
    if not bounds:
        assert amounts is not None
    if amounts is not None:
        best = worth(allocate(supplies, needs, arcs), needs, arcs)
        assert worth([int(amount) for amount in amounts], needs, kept) == best


def test_where_the_cheapest_suffice_nothing_dearer_is_asked_for() -> None:
    needs = Needs(ints([1, 1]), ints([0, 1]), ints([5, 5]), ints([100, 100]))
    arcs = Arcs(ints([0, 1]), ints([0, 1]), ints([3, 4]))
    by_need = Left(ints([0, 1]), ints([3, 4]), ints([]), ints([]))
    amounts = allocation.allocate(ints([9, 9]), needs, arcs, by_need)
    assert amounts is not None
    assert amounts.tolist() == [5, 5]
    by_supply = Left(ints([]), ints([]), ints([0, 1]), ints([-97, -96]))
    amounts = allocation.allocate(ints([2, 2]), needs, arcs, by_supply)
    assert amounts is not None
    assert amounts.tolist() == [2, 2]


def test_a_large_problem_with_tiers_is_solved_in_portions_as_well_as_whole() -> None:
    chance = Random(7)
    supplies = [chance.randrange(1, 50) for _ in range(60)]
    needs = [Need(1 + at % 3, ((chance.randrange(1, 90), chance.randrange(50, 100)),)) for at in range(60)]
    arcs = [Arc(supply, need, chance.randrange(60)) for supply in range(60) for need in range(60)]
    whole = divided(supplies, needs, arcs, Portions(whole=len(arcs)))
    parts = divided(supplies, needs, arcs, Portions(whole=0, first=2, more=50))
    assert worth(parts, needs, arcs) == worth(whole, needs, arcs)


def test_an_urgent_unit_is_never_given_up_for_many_later_ones() -> None:
    needs = [Need(1, ((1, 1),)), Need(2, ((1, MAX_COST),))]
    assert allocate([1], needs, [Arc(0, 0, 0), Arc(0, 1, 0)]) == [1, 0]


def test_a_later_tier_gets_the_supply_that_the_earlier_one_can_do_without() -> None:
    needs = [Need(1, ((1, 9),)), Need(2, ((1, 9),))]
    arcs = [Arc(0, 0, 5), Arc(1, 0, 5), Arc(1, 1, 0)]
    assert allocate([1, 1], needs, arcs) == [1, 0, 1]


def test_falling_tranches_share_what_is_scarce() -> None:
    half_first = ((50, 100), (50, 10))
    assert allocate([100], [Need(1, half_first), Need(1, half_first)], [Arc(0, 0, 0), Arc(0, 1, 1)]) == [
        50,
        50,
    ]


@pytest.mark.parametrize(("cost", "amount"), [(9, 7), (11, 0)])
def test_a_unit_moves_when_it_is_worth_more_than_it_costs(cost: int, amount: int) -> None:
    assert allocate([7], [Need(1, ((7, 10),))], [Arc(0, 0, cost)]) == [amount]


def test_a_thousand_of_the_largest_offers_are_divided_exactly() -> None:
    supplies = [MAX_AMOUNT - index for index in range(1000)]
    needs = [
        Need(1, ((MAX_AMOUNT // 2 + index, MAX_COST), (MAX_AMOUNT // 2 - index, MAX_COST - 10**6 * index)))
        for index in range(900)
    ]
    arcs = [
        Arc(index, (7 * index + 31 * turn) % 900, (MAX_COST // 3 * turn + 7919 * index) % MAX_COST)
        for index in range(1000)
        for turn in range(4)
    ]
    amounts = allocate(supplies, needs, arcs)
    assert sum(amounts) > 400 * MAX_AMOUNT
    assert optimal(supplies, needs, arcs, amounts)


def test_full_size_works_in_several_tiers_too() -> None:
    needs = [Need(tier, ((MAX_AMOUNT, MAX_COST),)) for tier in (1, 2, 3)]
    arcs = [Arc(supply, need, 0) for supply in range(100) for need in range(3)]
    amounts = allocate([MAX_AMOUNT] * 100, needs, arcs)
    assert [sum(amounts[need::3]) for need in range(3)] == [MAX_AMOUNT] * 3


@pytest.mark.parametrize(
    ("supply", "want", "value", "cost"),
    [
        (MAX_AMOUNT + 1, 1, 1, 0),
        (1, MAX_AMOUNT + 1, 1, 0),
        (1, 1, MAX_COST + 1, 0),
        (1, 1, 1, MAX_COST + 1),
    ],
)
def test_what_was_never_measured_is_refused(supply: int, want: int, value: int, cost: int) -> None:
    with pytest.raises(TooLarge):
        allocate([supply], [Need(1, ((want, value),))], [Arc(0, 0, cost)])


def test_a_sum_beyond_what_was_measured_is_refused() -> None:
    needs = [Need(1, ((MAX_AMOUNT, 1),))]
    with pytest.raises(TooLarge, match="in one solve"):
        allocate([MAX_AMOUNT] * 1_000_001, needs, [Arc(0, 0, 0)])


def test_without_pairs_nothing_moves() -> None:
    assert allocate([5], [Need(1, ((5, 1),))], []) == []
