"""What is open, counted by what each round changed, is what a walk over everything counts."""

import pytest
from hypothesis import given, settings

from matcher.census import Census, main_reason
from tenon.contracts.positions import Reasons, Test
from tests.support.market import START, World, demand, offer, site
from tests.unit.matcher.stories import Story, played, stories

pytestmark = pytest.mark.unit


def counted(census: Census) -> tuple[dict[int, int], dict[str, int], set[str], set[str]]:
    """Return all counts; what fell to 0 is as good as never seen."""
    return +census.by_tier, +census.by_reason, census.open_offers, census.overdrawn


@settings(max_examples=100, deadline=None)
@given(stories)
def test_rounds_leave_the_counts_that_a_walk_finds(story: Story) -> None:
    world = World()
    census, seen = Census(world.state), 0
    for _ in played(world, story):
        for decisions in world.rounds[seen:]:
            census.update(world.state, decisions.rows)
        seen = len(world.rounds)
        assert counted(census) == counted(Census(world.state))


def test_open_demands_are_counted_by_tier_and_by_main_reason() -> None:
    world = World()
    world.round(
        offer("acme", 70, place=site("acme", region="FR"), regions_served=["FR"]),
        demand("clinic", 100, tier=1),
        demand("school", 100, tier=3),
        demand("museum", 100, tier=3, name="e"),
    )
    census = Census(world.state)
    assert census.by_tier == {1: 1, 3: 2}
    assert census.by_reason == {"region": 3}


@pytest.mark.parametrize(
    ("failed", "reason"),
    [
        ({}, "class"),
        ({"class": 40}, "class"),
        ({"class": 40, "window": 2, "exhausted": 1}, "window"),
        ({"price": 1, "distance": 1}, "price"),
    ],
)
def test_the_main_reason_is_what_most_offers_of_the_class_fail(failed: dict[Test, int], reason: str) -> None:
    assert main_reason(Reasons(as_of=START, considered=50, failed=failed)) == reason


def test_without_offers_or_before_it_is_explained_a_demand_is_counted_as_such() -> None:
    assert main_reason(Reasons(as_of=START, considered=0, failed={})) == "no_offers"
    assert main_reason(None) == "unexplained"
