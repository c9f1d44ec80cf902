"""How far it is: known ways, else the great circle."""

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.domain.distance import distance_m, great_circle_m, site_of
from matcher.domain.model import Market, Site
from tenon.contracts import intake
from tenon.contracts.log import SiteState
from tenon.contracts.values import Evidence, Position, Readiness
from tests.support.market import MARKET, World, demand, item, offer

pytestmark = pytest.mark.unit

latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)
places = st.tuples(latitudes, longitudes)
QUARTER_M = 10_007_557  # a quarter of the circumference of the sphere of radius 6,371,008.8 m


def at(latitude: float, longitude: float) -> Site:
    position = Position(latitude=latitude, longitude=longitude)
    return site_of(SiteState(party="p", site="s", revision=1, position=position, region="DE"))


@pytest.mark.parametrize(
    ("start", "end", "metres"),
    [
        ((0, 0), (0, 0), 0),
        ((0, 0), (0, 90), QUARTER_M),
        ((90, 0), (-90, 77), 2 * QUARTER_M),
        ((0, 179.5), (0, -179.5), 111_195),
        ((90, 10), (90, -120), 0),
        ((52.52, 13.405), (48.8566, 2.3522), 877_464),
        ((40.7128, -74.006), (34.0522, -118.2437), 3_935_751),
    ],
)
def test_known_distances(start: tuple[float, float], end: tuple[float, float], metres: int) -> None:
    assert isclose(great_circle_m(at(*start), at(*end)), metres, rel_tol=1e-6, abs_tol=1)


@given(places, places)
def test_there_and_back_are_equally_far(start: tuple[float, float], end: tuple[float, float]) -> None:
    assert great_circle_m(at(*start), at(*end)) == great_circle_m(at(*end), at(*start))


@given(places, places)
def test_nothing_is_farther_than_half_way_round(start: tuple[float, float], end: tuple[float, float]) -> None:
    assert 0 <= great_circle_m(at(*start), at(*end)) <= 2 * QUARTER_M + 2


def test_positions_closer_than_the_grain_are_the_same_place() -> None:
    assert great_circle_m(at(50.000001, 8.000004), at(50.000004, 8.000001)) == 0


def test_a_site_is_as_ready_as_the_least_of_its_factors() -> None:
    readiness = Readiness(man=Evidence(ratio=0.9), material=Evidence(ratio=0.25))
    state = SiteState(
        party="p",
        site="s",
        revision=1,
        position=Position(latitude=0, longitude=0),
        region="DE",
        readiness=readiness,
    )
    assert site_of(state).readiness_ppm == 250_000


def routes(party: str, metres: int, code: str = "mask", revision: int = 1) -> intake.RoutesPublished:
    other = {"a": "b/main", "b": "a/main"}[party]
    return intake.RoutesPublished(
        party=party, site="main", revision=revision, class_=item(code).class_, distances_m={other: metres}
    )


def between(*said: intake.RoutesPublished, code: str = "mask") -> int:
    world = World()
    world.round(*said, offer("a", item=item(code)), demand("b", kilometres=300))
    market: Market = world.state.markets[MARKET]
    return distance_m(market, market.offers["a/o"], market.demands["b/d"])


def test_without_a_route_it_is_the_great_circle() -> None:
    assert isclose(between(), 300_000, rel_tol=1e-3)


@pytest.mark.parametrize("party", ["a", "b"])
def test_a_route_holds_in_both_directions(party: str) -> None:
    assert between(routes(party, 7)) == 7


def test_where_both_know_the_way_the_suppliers_word_holds() -> None:
    assert between(routes("b", 9), routes("a", 7)) == 7


def test_a_route_for_a_wider_class_holds_for_what_lies_within_it() -> None:
    assert between(routes("a", 7), code="mask.ffp2") == 7


def test_a_route_for_other_goods_does_not_hold() -> None:
    assert isclose(between(routes("a", 7, "mask.ffp3"), code="mask.ffp2"), 300_000, rel_tol=1e-3)


def test_the_narrowest_class_holds() -> None:
    assert between(routes("a", 5, "mask.ffp2"), routes("a", 7), code="mask.ffp2") == 5


def test_a_later_revision_replaces_the_whole_set() -> None:
    other = intake.RoutesPublished(
        party="a", site="main", revision=2, class_=item().class_, distances_m={"c/main": 1}
    )
    assert isclose(between(routes("a", 7), other), 300_000, rel_tol=1e-3)


@pytest.mark.parametrize(("revision", "metres", "superseded"), [(1, 7, 1), (2, 7, 1), (2, 8, 0)])
def test_an_older_set_changes_nothing_and_is_answered(revision: int, metres: int, superseded: int) -> None:
    world = World()
    world.round(routes("a", 8, revision=2), offer("a"), demand("b"))
    decisions = world.round(routes("a", metres, revision=revision))
    assert decisions.decided.counts.superseded == superseded
    (docking,) = world.dockings()
    assert docking.distance_m == 8
