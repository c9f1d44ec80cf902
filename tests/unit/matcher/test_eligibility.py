"""Who may dock with whom, test by test, and the index beside the rule."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from matcher.domain.eligibility import TESTS, compatible, failures
from matcher.domain.model import Market
from matcher.domain.pairs import all_pairs, pairs_of
from matcher.domain.pricing import Pair
from tenon.contracts import intake
from tenon.contracts.positions import Test as Named
from tenon.contracts.values import Certificate, Item, ItemClass, Money
from tests.support.market import (
    DAY_MS,
    MARKET,
    START_MS,
    World,
    day,
    demand,
    item,
    offer,
    policy,
    site,
    window,
)
from tests.unit.matcher.stories import Story, played, stories

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class Case:
    """A pair and the tests that it fails, on the first day unless said otherwise."""

    name: str
    fails: tuple[Named, ...] = ()
    supply: dict[str, Any] = field(default_factory=dict)
    want: dict[str, Any] = field(default_factory=dict)
    at: float = 0
    threshold: float = 0.5


def price(amount: str, currency: str = "EUR") -> Money:
    return Money(amount=amount, currency=currency)


def certificate(valid_until: float | None = None) -> list[Certificate]:
    return [Certificate(scheme="ce", valid_until=None if valid_until is None else day(valid_until))]


def of_class(scheme: str, code: str) -> dict[str, Any]:
    return {"item": Item(class_=ItemClass(scheme=scheme, code=code), unit="C62")}


def windows(first: float, last: float) -> dict[str, Any]:
    return {"windows": [window(10, first, last)]}


def located(region: str) -> dict[str, Any]:
    return {"place": site("b", region=region)}


CASES = (
    Case("all alike"),
    Case("a wider class is asked", (), of_class("hs", "630790"), of_class("hs", "6307")),
    Case("a narrower class is asked", ("class",), of_class("hs", "6307"), of_class("hs", "630790")),
    Case("a prefix that ends within a word", ("class",), {"item": item("masks")}, {"item": item("mask")}),
    Case("a prefix that ends at a dot", (), {"item": item("mask.ffp2")}, {"item": item("mask")}),
    Case("codes differ in letter case only", (), {"item": item("Mask")}, {"item": item("mask")}),
    Case("another scheme", ("class",), of_class("hs", "6307"), of_class("cpv", "6307")),
    Case("another kind", ("class",), {"item": item(kind="service")}),
    Case("another unit", ("unit",), {"item": item(unit="KGM")}),
    Case("another unit of both", (), {"item": item(unit="KGM")}, {"item": item(unit="KGM")}),
    Case("one party on both sides", ("same_party",), {"party": "b"}),
    Case("the supplier blocks the buyer", ("blocked",), {"blocked": ["b"]}),
    Case("the buyer blocks the supplier", ("blocked",), {}, {"blocked": ["x", "a"]}),
    Case("somebody else is blocked", (), {"blocked": ["x"]}, {"blocked": ["y"]}),
    Case("the region itself is served", (), {"regions_served": ["US", "DE"]}, located("DE")),
    Case("a part of the region served", (), {"regions_served": ["DE"]}, located("DE-BY")),
    Case("only another part is served", ("region",), {"regions_served": ["DE-BY"]}, located("DE-BW")),
    Case("only a part is served", ("region",), {"regions_served": ["DE-BY"]}, located("DE")),
    Case("a region that begins alike", ("region",), {"regions_served": ["US-T"]}, located("US-TX")),
    Case("no certificate", ("certificates",), {}, {"required_certificates": ["ce"]}),
    Case(
        "one certificate of two",
        ("certificates",),
        {"certificates": certificate()},
        {"required_certificates": ["ce", "iso"]},
    ),
    Case(
        "the certificate holds", (), {"certificates": certificate(1)}, {"required_certificates": ["ce"]}, 0.99
    ),
    Case(
        "the certificate just ran out",
        ("certificates",),
        {"certificates": certificate(1)},
        {"required_certificates": ["ce"]},
        1,
    ),
    Case("a certificate nobody asked for", (), {"certificates": certificate()}),
    Case("another currency", ("currency",), {"price": price("1", "USD")}, {"highest_price": price("9")}),
    Case("for nothing in any currency", (), {"price": price("0", "USD")}, {"highest_price": price("9")}),
    Case("no highest price", (), {"price": price("999", "USD")}),
    Case("no price", (), {}, {"highest_price": price("0")}),
    Case("the highest price exactly", (), {"price": price("9.999999")}, {"highest_price": price("9.999999")}),
    Case("a millionth too dear", ("price",), {"price": price("9.000001")}, {"highest_price": price("9")}),
    Case("exactly ready enough", (), {"place": site("a", ready=0.5)}),
    Case("hardly not ready", ("readiness",), {"place": site("a", ready=0.499999)}),
    Case("the buyer's site is not ready", (), {}, {"place": site("b", ready=0)}),
    Case("a market that asks no readiness", (), {"place": site("a", ready=0)}, {}, 0, 0.0),
    Case("one window ends when the other begins", ("window",), windows(0, 5), windows(5, 9)),
    Case("one window begins when the other ends", ("window",), windows(5, 9), windows(0, 5)),
    Case("windows overlap by a moment", (), windows(0, 5.0001), windows(5, 9)),
    Case(
        "lead time carries goods into the window",
        (),
        {**windows(0, 4), "lead_time_s": 2 * 86_400},
        windows(5, 9),
    ),
    Case("lead time carries goods past the window", ("window",), {"lead_time_s": 5 * 86_400}, windows(0, 5)),
    Case("too late to make it in time", ("window",), {"lead_time_s": 2 * 86_400}, windows(0, 5), 3),
    Case("just in time", (), {"lead_time_s": 2 * 86_400}, windows(0, 5), 2.999),
    Case(
        "nothing is made after its window",
        ("window",),
        {**windows(0, 4), "lead_time_s": 3 * 86_400},
        windows(5, 9),
        4,
    ),
    Case("the offer is valid no longer", ("window",), {"valid_until": day(1)}, {}, 1),
    Case("the offer is valid still", (), {"valid_until": day(1)}, {}, 0.999),
    Case(
        "several at once",
        ("class", "region", "price"),
        {"item": item("x"), "regions_served": ["US"], "price": price("2")},
        {"highest_price": price("1")},
    ),
)


def decided(case: Case) -> tuple[list[Named], bool]:
    world = World()
    supply, want = {"party": "a", **case.supply}, {"party": "b", **case.want}
    world.round(policy(readiness_threshold=case.threshold), offer(**supply), demand(**want))
    (market,) = world.state.markets.values()
    (offered,), (asked,) = market.offers.values(), market.demands.values()
    asked.barred = frozenset()
    now_ms = START_MS + round(case.at * DAY_MS)
    return list(failures(market, offered, asked, now_ms)), compatible(market, offered, asked, now_ms)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_pair_fails_exactly_these_tests(case: Case) -> None:
    assert decided(case) == (list(case.fails), set(case.fails) <= {"window"})


def test_every_test_has_a_case_that_fails_it() -> None:
    failed = {test for case in CASES for test in case.fails}
    assert failed == set(TESTS) - {"declined_before"}


@pytest.mark.parametrize("declined", [True, False])
def test_a_pair_that_was_declined_is_not_tried_again(declined: bool) -> None:
    world = World()
    world.round(offer("a"), demand("b", 0))
    market = world.state.markets[MARKET]
    asked = market.demands["b/d"]
    asked.barred = frozenset({"a/o" if declined else "c/o"})
    expected = ["declined_before"] if declined else []
    assert list(failures(market, market.offers["a/o"], asked, START_MS)) == expected


def ordered(pairs: Iterable[Pair]) -> list[Pair]:
    return sorted(
        pairs,
        key=lambda pair: (pair.demand.key, pair.demand_window.id, pair.offer.key, pair.offer_window.id),
    )


def found(market: Market, now_ms: int) -> list[Pair]:
    pairs = pairs_of(market, market.dirty, now_ms)
    return ordered(pairs.at(np.arange(len(pairs.cost))))


def everything_dirty(market: Market) -> None:
    market.dirty |= {f"o:{key}" for key in market.offers} | {f"d:{key}" for key in market.demands}


@settings(max_examples=150, deadline=None)
@given(stories)
def test_the_index_finds_the_pairs_that_the_rule_allows(story: Story) -> None:
    world = World()
    for _ in played(world, story):
        pass
    # As if nothing had been worth its way so far: all pairs that may dock are to be found again.
    generous = intake.Tranche(up_to_share=1, value=10**9)
    for market in world.state.markets.values():
        market.policy = policy(tranches=(generous,))
        everything_dirty(market)
        assert found(market, world.state.clock_ms) == ordered(all_pairs(market, world.state.clock_ms))


@settings(max_examples=100, deadline=None)
@given(stories)
def test_the_pairs_of_one_dirty_entry_are_all_of_its_pairs(story: Story) -> None:
    world = World()
    for events, _ in story:
        world.round(policy(1, hold_s=10**6), *(build(world) for build in events))
    for market in world.state.markets.values():
        every = all_pairs(market, world.state.clock_ms)
        for key in [*(f"o:{name}" for name in market.offers), *(f"d:{name}" for name in market.demands)]:
            market.dirty = {key}
            mine = [pair for pair in every if key in (f"o:{pair.offer.key}", f"d:{pair.demand.key}")]
            assert found(market, world.state.clock_ms) == ordered(mine)


@settings(max_examples=150, deadline=None)
@given(stories)
def test_the_short_answer_is_that_of_the_tests_without_windows(story: Story) -> None:
    world = World()
    for events, _ in story:
        world.round(*(build(world) for build in events))
    now_ms = world.state.clock_ms
    for market in world.state.markets.values():
        for have in market.offers.values():
            for want in market.demands.values():
                failed = set(failures(market, have, want, now_ms)) - {"window"}
                assert compatible(market, have, want, now_ms) == (not failed)
