"""What holds after every round, whatever is said, repeated, reordered or cut off by a crash."""

from functools import partial

import pytest
from hypothesis import given, settings

from matcher.domain.model import Market
from matcher.domain.pairs import all_pairs
from matcher.domain.solving import solve, worth_taking
from matcher.domain.step import Decisions, Read, step
from tests.support.market import World
from tests.unit.matcher.stories import Story, played, stories

pytestmark = pytest.mark.unit


def windows_add_up(market: Market) -> None:
    for have in market.offers.values():
        for window_ in have.windows:
            held = [deal.consumed for deal in market.deals.values() if deal.offer == (have.key, window_.id)]
            assert window_.consumed >= sum(held), "it counts what was delivered and is forgotten as well"
            assert window_.quantity + window_.overdrawn == window_.free + window_.consumed
            promised = [
                deal
                for deal in market.deals.values()
                if deal.offer == (have.key, window_.id) and deal.told.status == "proposed"
            ]
            assert not (window_.overdrawn and promised), "a proposal is never kept where it does not fit"
    for asked in market.demands.values():
        for want in asked.windows:
            parts = (want.open, want.proposed, want.confirmed, want.shipped, want.delivered, want.given_up)
            assert min(parts) >= 0
            assert want.asked == sum(parts)


def nothing_worthwhile_is_left(market: Market, now_ms: int) -> None:
    if market.held_until_ms is not None:
        return
    assert worth_taking(market.policy, all_pairs(market, now_ms), now_ms) == []


class Frugal(World):
    """Looks at one pair of each node first."""

    def decide(self, read: Read) -> Decisions:
        return step(self.state, read, partial(solve, nearest=1))


@settings(max_examples=150, deadline=None)
@given(stories)
def test_nothing_worthwhile_is_left_however_few_pairs_are_looked_at_first(story: Story) -> None:
    world = Frugal()
    for _ in played(world, story):
        for market in world.state.markets.values():
            windows_add_up(market)
            nothing_worthwhile_is_left(market, world.state.clock_ms)


@settings(max_examples=200, deadline=None)
@given(stories)
def test_sums_hold_nothing_worthwhile_is_left_and_replay_repeats(story: Story) -> None:
    world = World()
    for _ in played(world, story):
        for market in world.state.markets.values():
            windows_add_up(market)
            nothing_worthwhile_is_left(market, world.state.clock_ms)
    again = World()
    assert [again.decide(read) for read in world.reads] == world.rounds
