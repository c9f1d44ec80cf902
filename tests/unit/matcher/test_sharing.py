"""Supplies that share pools, against a linear program of the whole that somebody else solves (HiGHS)."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array

from matcher.domain.allocation import NOTHING, Arcs, Needs
from matcher.domain.columns import Ints
from matcher.domain.dividing import divide
from matcher.domain.prices import NO_POOL, Draws

pytestmark = pytest.mark.unit


class Problem:
    """Supplies that draw on pools, and needs of one tranche each."""

    def __init__(
        self, supplies: Any, needs: Any, arcs: Any, pools: Any, room: list[int], tiers: Any = None
    ) -> None:
        amounts, values = np.array(needs, dtype=np.int64).reshape(-1, 2).T
        of = np.arange(len(amounts))
        self.tiers = np.zeros_like(of) if tiers is None else np.array(tiers)
        self.needs = Needs(self.tiers, of, amounts, values)
        self.arcs = Arcs(*np.array(arcs, dtype=np.int64).reshape(-1, 3).T)
        pool, load = np.array(pools, dtype=np.int64).reshape(-1, 2).T
        self.draws = Draws(pool, load, room)
        drawn = pool != NO_POOL
        most = np.array([*room, 0], dtype=np.int64)[pool] // load
        self.supplies = np.where(drawn, np.minimum(np.array(supplies), most), np.array(supplies))

    def divided(self, least: Ints | None = None) -> Ints:
        small = np.ones(len(self.tiers), dtype=np.int64) if least is None else least
        amounts = divide(self.supplies, self.needs, self.arcs, NOTHING, self.draws, small)
        assert amounts is not None
        self.check(amounts)
        return amounts

    def check(self, amounts: Ints) -> None:
        assert amounts.min(initial=0) >= 0
        given_, taken = np.zeros_like(self.supplies), np.zeros_like(self.needs.amount)
        np.add.at(given_, self.arcs.supply, amounts)
        np.add.at(taken, self.arcs.need, amounts)
        assert (given_ <= self.supplies).all()
        assert (taken <= self.needs.amount).all()
        assert self.draws.fits(amounts, self.arcs)

    def worth(self, amounts: Ints, tier: int | None = None) -> int:
        gains = self.needs.value[self.arcs.need] - self.arcs.cost
        chosen = slice(None) if tier is None else self.tiers[self.arcs.need] == tier
        return int((gains * amounts)[chosen].sum())

    def optimum(self) -> float:
        """Return the most that any division is worth, in whole units or parts of them."""
        supply, need = self.arcs.supply, self.arcs.need
        pool, drawn = self.draws.pool[supply], np.flatnonzero(self.draws.pool[supply] != NO_POOL)
        rows = np.concatenate((supply, len(self.supplies) + need))
        rows = np.concatenate((rows, len(self.supplies) + len(self.tiers) + pool[drawn]))
        arcs = np.arange(len(supply))
        columns = np.concatenate((arcs, arcs, drawn))
        load = self.draws.load[supply][drawn].astype(float)
        parts = np.concatenate((np.ones(2 * len(arcs)), load))
        bounds = np.concatenate((self.supplies, self.needs.amount, np.array(self.draws.room)))
        limits = coo_array((parts, (rows, columns)), shape=(len(bounds), len(arcs))).tocsr()
        loss = (self.arcs.cost - self.needs.value[need]).astype(float)
        solved = linprog(loss, A_ub=limits, b_ub=bounds.astype(float), method="highs")
        return -float(solved.fun)


def drawn_at_random(
    seed: int, size: int, pools: int, loads: tuple[int, ...], largest: int = 5_000
) -> Problem:
    """Return a market in which every pool is short: of what all supplies could take it holds two fifths."""
    chance = np.random.default_rng(seed)
    supplies = chance.integers(largest // 10, largest, size)
    pool, load = chance.integers(0, pools, size), chance.choice(np.array(loads), size)
    wanted = np.zeros(pools, dtype=np.int64)
    np.add.at(wanted, pool, supplies * load)
    needs = np.stack(
        (chance.integers(largest // 10, largest, size), chance.integers(20_000, 100_000, size)), 1
    )
    supply, need = np.nonzero(chance.random((size, size)) < 0.5)
    cost = chance.integers(0, 60_000, len(supply))
    worth = cost < needs[need, 1]
    arcs = np.stack((supply, need, cost), 1)[worth]
    return Problem(supplies, needs, arcs, np.stack((pool, load), 1), [int(each * 2 // 5) for each in wanted])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("size", "pools", "loads"), [(8, 1, (1, 2, 3, 5)), (25, 5, (7, 11, 20)), (40, 12, (3_600, 1_200, 7_250))]
)
def test_where_loads_differ_the_division_is_that_of_the_linear_program_but_for_rounding(
    seed: int, size: int, pools: int, loads: tuple[int, ...]
) -> None:
    problem = drawn_at_random(seed, size, pools, loads)
    worth, best = problem.worth(problem.divided()), problem.optimum()
    assert best - worth <= size * 100_000, "a unit for each supply"
    assert worth >= 0.9995 * best


@pytest.mark.parametrize("seed", range(6))
def test_where_loads_are_equal_it_is_so_too(seed: int) -> None:
    problem = drawn_at_random(seed, 30, 6, (4,))
    assert problem.worth(problem.divided()) >= 0.9999 * problem.optimum()


def test_of_a_few_large_pieces_little_is_lost() -> None:
    """A supply gives 5 to 50 units here, so a unit that is cut off weighs."""
    ratios = []
    for seed in range(20):
        problem = drawn_at_random(seed, 15, 3, (3, 7, 11), largest=50)
        ratios.append(problem.worth(problem.divided()) / problem.optimum())
    assert sum(ratios) / len(ratios) >= 0.985
    assert min(ratios) >= 0.96


def test_a_pool_makes_what_is_worth_most_for_what_it_takes() -> None:
    problem = Problem([10, 10], [(10, 100), (10, 300)], [(0, 0, 0), (1, 1, 0)], [(0, 1), (0, 4)], [10])
    assert problem.divided().tolist() == [10, 0]


def test_what_no_pool_binds_is_left_to_the_flow() -> None:
    problem = Problem([10, 10], [(20, 100)], [(0, 0, 5), (1, 0, 5)], [(0, 3), (NO_POOL, 1)], [30])
    assert problem.divided().tolist() == [10, 10]


def test_an_urgent_need_is_served_from_a_pool_before_a_dearer_one() -> None:
    problem = Problem(
        [10, 10],
        [(10, 100), (10, 90_000)],
        [(0, 0, 0), (1, 1, 0)],
        [(0, 1), (0, 1)],
        [10],
        tiers=[1, 2],
    )
    assert problem.divided().tolist() == [10, 0]


def test_amounts_as_large_as_they_may_be_are_divided_exactly() -> None:
    most = 10**12
    problem = Problem(
        [most, most], [(most, 500), (most, 400)], [(0, 0, 0), (1, 1, 0)], [(0, 10**6)] * 2, [10**18 + 5]
    )
    assert problem.divided().tolist() == [most, 0]


def best_in_whole_parts(problem: Problem) -> float:
    """Return the most that any division is worth in which each need gets all from one supply, or nothing."""
    supply, need = problem.arcs.supply, problem.arcs.need
    arcs, wanted = np.arange(len(supply)), problem.needs.amount[problem.arcs.need].astype(float)
    given_ = coo_array((wanted, (supply, arcs)), shape=(len(problem.supplies), len(arcs)))
    once = coo_array((np.ones(len(arcs)), (need, arcs)), shape=(len(problem.tiers), len(arcs)))
    rules = [
        LinearConstraint(given_.tocsr(), -np.inf, problem.supplies.astype(float)),
        LinearConstraint(once.tocsr(), -np.inf, np.ones(len(problem.tiers))),
    ]
    loss = (problem.arcs.cost - problem.needs.value[need]) * wanted
    solved = milp(loss, constraints=rules, integrality=np.ones(len(arcs)), bounds=Bounds(0, 1))
    return -float(solved.fun)


def test_where_needs_take_no_parts_little_is_lost_to_the_best_there_is() -> None:
    ratios = []
    for seed in range(12):
        drawn = drawn_at_random(seed, 10, 1, (1,), largest=200)
        pools = np.full((10, 2), (NO_POOL, 1))
        needs = np.stack((drawn.needs.amount, drawn.needs.value), 1)
        arcs = np.stack((drawn.arcs.supply, drawn.arcs.need, drawn.arcs.cost), 1)
        problem = Problem(np.random.default_rng(seed).integers(20, 200, 10), needs, arcs, pools, [])
        ratios.append(problem.worth(problem.divided(problem.needs.amount)) / best_in_whole_parts(problem))
    assert sum(ratios) / len(ratios) >= 0.98
    assert min(ratios) >= 0.9


amounts = st.integers(1, 30)
worths = st.integers(1, 1_000)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Problem, Ints]:
    width, height, pools = draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.integers(1, 3))
    needs = draw(st.lists(st.tuples(amounts, worths), min_size=height, max_size=height))
    pairs = draw(st.sets(st.tuples(st.integers(0, width - 1), st.integers(0, height - 1)), min_size=1))
    arcs = [(supply, need, draw(st.integers(0, needs[need][1] - 1))) for supply, need in sorted(pairs)]
    drawn = [(draw(st.integers(-1, pools - 1)), draw(st.integers(1, 9))) for _ in range(width)]
    room = [draw(st.integers(0, 120)) for _ in range(pools)]
    supplies = draw(st.lists(amounts, min_size=width, max_size=width))
    tiers = draw(st.lists(st.integers(1, 2), min_size=height, max_size=height))
    least = [min(draw(st.integers(1, 20)), amount) for amount, _ in needs]
    return Problem(supplies, needs, arcs, drawn, room, tiers), np.array(least)


@settings(max_examples=120, deadline=None)
@given(problems())
def test_nothing_gives_more_than_it_has_and_nothing_worthwhile_is_left(given_: tuple[Problem, Ints]) -> None:
    problem, _ = given_
    moved = problem.divided()
    supplied, taken = np.zeros_like(problem.supplies), np.zeros_like(problem.needs.amount)
    np.add.at(supplied, problem.arcs.supply, moved)
    np.add.at(taken, problem.arcs.need, moved)
    left = problem.draws.left(supplied.tolist())
    for supply, need in zip(problem.arcs.supply.tolist(), problem.arcs.need.tolist(), strict=True):
        pool, load = int(problem.draws.pool[supply]), int(problem.draws.load[supply])
        full = pool != NO_POOL and left[pool] < load
        assert (
            full or supplied[supply] == problem.supplies[supply] or taken[need] == problem.needs.amount[need]
        )


@settings(max_examples=120, deadline=None)
@given(problems())
def test_no_part_is_smaller_than_the_least_unless_it_completes(given_: tuple[Problem, Ints]) -> None:
    problem, least = given_
    moved = problem.divided(least)
    for need, amount in enumerate(problem.needs.amount.tolist()):
        parts = sorted(moved[(problem.arcs.need == need) & (moved > 0)].tolist())
        small = [part for part in parts if part < least[need]]
        assert len(small) <= 1
        assert not small or sum(parts) == amount


@settings(max_examples=40, deadline=None)
@given(problems())
def test_a_division_is_the_same_each_time(given_: tuple[Problem, Ints]) -> None:
    problem, least = given_
    assert problem.divided(least).tolist() == problem.divided(least).tolist()
