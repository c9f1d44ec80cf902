"""What a round takes where a further docking has its price: never what is not worth it, the urgent first."""

import pytest

from tenon.contracts import intake
from tests.support.market import World, demand, item, offer, policy, window

pytestmark = pytest.mark.unit

HALF_IS_WORTH_IT = (intake.Tranche(up_to_share=0.5, value=800), intake.Tranche(up_to_share=1, value=100))


def rules(further_docking: int, tranches: tuple[intake.Tranche, ...]) -> intake.PolicyPublished:
    weights = intake.Weights(freight=1, further_docking=further_docking)
    return policy(weights=weights, tranches=tranches)


@pytest.mark.parametrize("further_docking", [0, 1])
def test_of_a_demand_no_more_is_docked_than_is_worth_its_way(further_docking: int) -> None:
    world = World()
    world.round(rules(further_docking, HALF_IS_WORTH_IT), offer("a", 1000, kilometres=500), demand("b", 100))
    assert [int(docking.quantity) for docking in world.dockings()] == [50]


@pytest.mark.parametrize("further_docking", [0, 1])
def test_a_cheaper_later_tier_takes_nothing_from_an_urgent_one(further_docking: int) -> None:
    world = World()
    world.round(
        rules(further_docking, HALF_IS_WORTH_IT),
        offer("a", 1000),
        demand("urgent", 100, kilometres=500, tier=1),
        demand("later", 2000, tier=3),
    )
    taken = {docking.demand.party: int(docking.quantity) for docking in world.dockings()}
    assert taken["urgent"] == 50


def test_what_was_not_final_is_decided_after_what_was_though_all_of_that_was_filled() -> None:
    """One offer finishes a demand; another would be spread over the two windows of a second one."""
    world = World()
    halves = (intake.Tranche(up_to_share=0.5, value=100_000), intake.Tranche(up_to_share=1, value=300))
    both = [window(60, 0, 300, "w1"), window(60, 0, 300, "w2")]
    world.round(
        rules(10**9, halves),
        offer("a", 20),
        offer("c", 60, item=item("mask.ffp2")),
        demand("b", 20, item=item("mask")),
        demand("d", windows=both, item=item("mask.ffp2")),
    )
    taken = {docking.demand.party: int(docking.quantity) for docking in world.dockings()}
    assert set(taken) == {"b", "d"}
