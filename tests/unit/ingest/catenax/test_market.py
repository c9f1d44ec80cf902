"""What of a relationship goes to the open market, and what has to be told so that it is there."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.catenax import listing, market, releases
from ingest.formats.catenax.linking import Relation
from ingest.formats.catenax.listing import Change, Listed
from ingest.formats.catenax.market import Side
from ingest.formats.catenax.releases import Release
from tenon.contracts.intake import DemandPublished, DemandWithdrawn
from tenon.contracts.values import ItemClass, Money
from tests.support.catenax import (
    CUSTOMER,
    MATERIAL,
    PLANT,
    SECOND_PLANT,
    SUPPLIER,
    WORKS,
    capacity,
    demand,
    group,
    link,
    series,
)
from tests.unit.ingest.catenax.test_comparing import relation

pytestmark = pytest.mark.unit
NOW = datetime(2029, 12, 31, tzinfo=UTC)
PAIR = (SUPPLIER, CUSTOMER)
SEALS = ItemClass(scheme="hs", code="848420")
WEEK, NEXT = "2030-01-07", "2030-01-14"
RELEASE = Release(class_=SEALS, material=MATERIAL)
OFFERED = Release(class_=SEALS, capacity_group="g", price=Money(amount="1.2", currency="EUR"))


def customer(release: Release | None = RELEASE, sites: Mapping[str, str] | None = None) -> Side:
    found = {MATERIAL: release} if release is not None else {}
    return Side("buyer", {PLANT: "plant", SECOND_PLANT: "second"} if sites is None else sites, found)


def supplier(release: Release = OFFERED) -> Side:
    return Side("maker", {WORKS: "works"}, {"g": release})


def short(amount: Any = 1000, maximum: Any = 800, **more: Any) -> Relation:
    return relation(
        {"d": demand(series({WEEK: amount, NEXT: 5}), **more)},
        {"g": group(capacity(WEEK, 600, maximum), capacity(NEXT, 600, maximum))},
    )


def demands(told: Relation, side: Side, now: datetime = NOW) -> list[Any]:
    return list(market.demands(told, PAIR, side, now))


def offers(told: Relation) -> list[Any]:
    return list(market.offers(told, PAIR, supplier(), NOW))


def test_the_uncovered_part_of_each_week_is_the_customers_demand() -> None:
    (wanted,) = demands(short(), customer())
    (window,) = wanted.data.windows
    assert (window.id, window.quantity, window.from_, window.until) == (
        "2030-W02",
        200,
        datetime(2030, 1, 7, tzinfo=UTC),
        datetime(2030, 1, 14, tzinfo=UTC),
    )
    assert (wanted.data.party, wanted.data.site, wanted.data.item.unit) == ("buyer", "plant", "C62")
    references = {each.type: each.id for each in wanted.data.external_references}
    assert references == {
        "catenax-material-demand": "d",
        "catenax-supplier": SUPPLIER,
        "catenax-material": MATERIAL,
    }


def test_nothing_is_told_that_is_not_released_or_is_covered() -> None:
    assert demands(short(), customer(None)) == []
    assert demands(short(800), customer()) == []
    assert demands(short(materialDemandIsInactive=True), customer()) == []
    assert demands(short(), customer(), datetime(2030, 1, 14, tzinfo=UTC)) == []


def test_what_counts_as_uncovered_is_the_customers_choice() -> None:
    (wanted,) = demands(short(700), customer(Release(class_=SEALS, material=MATERIAL, beyond="actual")))
    assert isinstance(wanted.data, DemandPublished)
    assert [window.quantity for window in wanted.data.windows] == [100]
    alone = relation({"d": demand(series({WEEK: 7}))}, {})
    assert demands(alone, customer()) == []
    (wanted,) = demands(alone, customer(Release(class_=SEALS, material=MATERIAL, unanswered=True)))
    assert isinstance(wanted.data, DemandPublished)
    assert [window.quantity for window in wanted.data.windows] == [7]


def test_each_site_has_a_demand_of_its_own_over_all_categories() -> None:
    told = demand(series({WEEK: 10}), series({WEEK: 20}, category="A1S1"), series({WEEK: 40}, SECOND_PLANT))
    links = [link(), link(category="A1S1"), link(location=SECOND_PLANT)]
    nothing = group(capacity(WEEK, 0, 0), linkedDemandSeries=links)
    found = demands(relation({"d": told}, {"g": nothing}), customer())
    amounts = {each.data.site: each.data.windows[0].quantity for each in found if each.data is not None}
    assert amounts == {"plant": 30, "second": 40}
    assert len({each.listing for each in found}) == 2


@pytest.mark.parametrize(
    ("told", "side", "problem"),
    [
        (short(), customer(sites={}), f"no site of this party has the number {PLANT}"),
        (
            relation(
                {"d": demand(series({WEEK: 9}), unitOfMeasure="unit:page")},
                {"g": group(capacity(WEEK, 1, 1), unitOfMeasure="unit:page")},
            ),
            customer(),
            "unit:page is a unit that Tenon does not convert",
        ),
        (
            relation(
                {"d": demand(series({WEEK: 9}), unitOfMeasure=None)},
                {"g": group(capacity(WEEK, 1, 1), unitOfMeasure=None)},
            ),
            customer(),
            "the partners leave the unit out: say it as unit of the release",
        ),
    ],
)
def test_why_something_cant_be_on_the_market_is_said(told: Relation, side: Side, problem: str) -> None:
    (wanted,) = demands(told, side)
    assert (wanted.data, wanted.problem) == (None, problem)


def test_spare_capacity_is_offered_where_all_demand_is_known() -> None:
    told = relation(
        {"d": demand(series({WEEK: 300}))}, {"g": group(capacity(WEEK, 600, 800), capacity(NEXT, 1, 1))}
    )
    (wanted,) = offers(told)
    assert [(window.id, window.quantity) for window in wanted.data.windows] == [("2030-W02", 500)]
    assert (wanted.data.party, wanted.data.site) == ("maker", "works")


@given(st.decimals(0, 10**6, places=3), st.decimals("0.001", 10, places=3), st.decimals(0, 10**6, places=3))
def test_whatever_is_asked_no_less_is_asked_and_no_more_offered_than_it_is(
    amount: Decimal, factor: Decimal, maximum: Decimal
) -> None:
    told = relation(
        {"d": demand(series({WEEK: amount}))},
        {"g": group(capacity(WEEK, 0, maximum), linkedDemandSeries=[link(loadFactor=factor)])},
    )
    exact = max(Fraction(amount) - Fraction(maximum) / Fraction(factor), Fraction(0))
    asked = sum(each.data.windows[0].quantity for each in demands(told, customer()) if each.data is not None)
    assert exact <= Fraction(asked) < exact + 1
    spare = max(Fraction(maximum) - Fraction(amount) * Fraction(factor), Fraction(0))
    offered = sum(each.data.windows[0].quantity for each in offers(told) if each.data is not None)
    assert spare - 1 < Fraction(offered) <= spare


def changes(
    wanted: list[Any], listed: Mapping[str, Listed], now: datetime = datetime(2026, 1, 5, tzinfo=UTC)
) -> list[Change]:
    return list(listing.changes(wanted, listed, now))


def told_of(found: list[Change]) -> dict[str, Listed]:
    return {change.listed.listing: change.listed for change in found}


def test_a_revision_is_the_time_of_the_last_change_and_rises_with_capacity_alone() -> None:
    (first,) = changes(demands(short(), customer()), {})
    assert first.listed.revision == int(datetime(2026, 1, 6, 8, tzinfo=UTC).timestamp() * 1000)
    assert first.event_type == "tenon.demand.published.v1"
    listed = told_of([first])
    assert list(changes(demands(short(), customer()), listed)) == []
    (second,) = changes(demands(short(maximum=700), customer()), listed)
    assert second.listed.revision == first.listed.revision + 1
    (late,) = changes(demands(short(maximum=700), customer()), listed, NOW)
    assert late.listed.revision == int(NOW.timestamp() * 1000), "above what a lost database had told"


def test_what_is_not_wanted_any_more_is_withdrawn_once_and_comes_back_under_its_id() -> None:
    (first,) = changes(demands(short(), customer()), {})
    (gone,) = changes([], told_of([first]))
    assert isinstance(gone.event, DemandWithdrawn)
    assert (gone.event.revision, gone.event.class_) == (first.listed.revision + 1, SEALS)
    assert list(changes([], told_of([gone]))) == []
    (back,) = changes(demands(short(), customer()), told_of([gone]))
    assert (back.listed.listing, back.listed.revision) == (first.listed.listing, gone.listed.revision + 1)


def test_another_class_is_another_listing_because_it_may_be_of_another_market() -> None:
    (first,) = changes(demands(short(), customer()), {})
    other = Release(class_=ItemClass(scheme="hs", code="4016"), material=MATERIAL)
    found = list(changes(demands(short(), customer(other)), told_of([first])))
    assert [change.event_type for change in found] == [
        "tenon.demand.published.v1",
        "tenon.demand.withdrawn.v1",
    ]


def test_what_the_gate_refuses_is_no_event_but_a_problem() -> None:
    (change,) = changes(demands(short(10**13), customer()), {})
    assert (change.event, change.listed.open) == (None, False)
    assert "more than can be counted" in str(change.listed.problem)
    (good,) = changes(demands(short(), customer()), told_of([change]))
    assert (good.listed.open, good.listed.problem) == (True, None)


@pytest.mark.parametrize(
    ("release", "pointers"),
    [
        (RELEASE, []),
        (OFFERED, []),
        (Release(class_=SEALS), [""]),
        (Release(class_=SEALS, material="a", capacity_group="b"), [""]),
        (Release(class_=SEALS, material="a", price=OFFERED.price, site="s"), ["/price", "/site"]),
        (Release(class_=SEALS, capacity_group="b", highest_price=OFFERED.price), ["/highest_price"]),
    ],
)
def test_a_release_is_about_one_thing_and_says_what_belongs_to_it(
    release: Release, pointers: list[str]
) -> None:
    assert [fault.pointer for fault in releases.faults(release)] == pointers
