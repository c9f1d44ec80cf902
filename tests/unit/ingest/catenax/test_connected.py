"""Only what hangs together with a change is compared again: it comes out as if everything were."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.catenax import market
from ingest.formats.catenax.connected import connected, nodes_of
from ingest.formats.catenax.linking import Relation
from ingest.formats.catenax.listing import changes
from ingest.formats.catenax.market import Side
from ingest.formats.catenax.releases import Release
from tenon.contracts.values import ItemClass
from tests.support.catenax import CUSTOMER, PLANT, SUPPLIER, WORKS, capacity, demand, group, link, series
from tests.unit.ingest.catenax.test_comparing import relation

pytestmark = pytest.mark.unit
NOW = datetime(2029, 12, 31, tzinfo=UTC)
WEEK = "2030-01-07"
MATERIALS = ("A", "B", "C")
DEMANDS = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(3)]
GROUPS = [f"10000000-0000-4000-8000-00000000000{n}" for n in range(4)]
CLASS = ItemClass(scheme="hs", code="848420")
BUYER = Side("buyer", {PLANT: "plant"}, {name: Release(class_=CLASS, material=name) for name in MATERIALS})
MAKER = Side("maker", {WORKS: "works"}, {name: Release(class_=CLASS, capacity_group=name) for name in GROUPS})

_demands = st.builds(
    lambda n, amount, inactive: demand(
        series({WEEK: amount}),
        materialDemandId=DEMANDS[n],
        materialNumberCustomer=MATERIALS[n],
        materialDemandIsInactive=inactive,
    ),
    st.integers(0, 2),
    st.integers(0, 20),
    st.booleans(),
)
_groups = st.builds(
    lambda n, maximum, materials, nested, inactive: group(
        capacity(WEEK, 0, maximum),
        capacityGroupId=GROUPS[n],
        linkedDemandSeries=[link(name) for name in sorted(materials)],
        linkedCapacityGroups=[GROUPS[each] for each in sorted(nested - {n})],
        capacityGroupIsInactive=inactive,
    ),
    st.integers(0, 3),
    st.integers(0, 30),
    st.sets(st.sampled_from(MATERIALS)),
    st.sets(st.integers(0, 3), max_size=2),
    st.booleans(),
)


def together(told: list[dict[str, Any]]) -> Relation:
    demands = {each["materialDemandId"]: each for each in told if "materialDemandId" in each}
    groups = {each["capacityGroupId"]: each for each in told if "capacityGroupId" in each}
    return relation(demands, groups)


def wanted(found: Relation) -> list[market.Wanted]:
    pair = (SUPPLIER, CUSTOMER)
    return [*market.demands(found, pair, BUYER, NOW), *market.offers(found, pair, MAKER, NOW)]


@given(st.lists(_demands | _groups, max_size=8), _demands | _groups)
def test_whatever_changes_the_rest_comes_out_as_it_was(
    told: list[dict[str, Any]], change: dict[str, Any]
) -> None:
    before, after = together(told), together([*told, change])
    listed = {each.listed.listing: each.listed for each in changes(wanted(before), {}, NOW)}
    name = change.get("materialDemandId") or change["capacityGroupId"]
    values = [each.get(name) for held in (before, after) for each in (held.demands, held.groups)]
    part = connected(after, {node for value in values for node in nodes_of(value)})
    subjects = {*part.demands, *part.groups}
    known = {key: each for key, each in listed.items() if each.subject in subjects}
    everything = {each.listed.listing: each for each in changes(wanted(after), listed, NOW)}
    again = {each.listed.listing: each for each in changes(wanted(part), known, NOW)}
    assert again.keys() == everything.keys()
    for key, each in again.items():
        assert each.listed.digest == everything[key].listed.digest


def test_what_has_nothing_in_common_is_not_compared_again() -> None:
    alone = demand(series({WEEK: 3}), materialDemandId=DEMANDS[0], materialNumberCustomer="A")
    other = demand(series({WEEK: 3}), materialDemandId=DEMANDS[1], materialNumberCustomer="B")
    both = group(capacity(WEEK, 1, 1), capacityGroupId=GROUPS[0], linkedDemandSeries=[link("B"), link("C")])
    found = connected(together([alone, other, both]), nodes_of(together([other]).demands[DEMANDS[1]]))
    assert (set(found.demands), set(found.groups)) == ({DEMANDS[1]}, {GROUPS[0]})
