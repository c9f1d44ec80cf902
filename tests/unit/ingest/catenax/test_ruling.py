"""What becomes of the objects of one message, in order: what one changes, the next one finds."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.formats.catenax import reading
from ingest.formats.catenax.aspects import COMMENT, DEMAND, GROUP, AspectType
from ingest.formats.catenax.ruling import MOST_COMPARED, Known, Ruled, rule
from tests.support.catenax import (
    CUSTOMER,
    DEMAND_ID,
    GROUP_ID,
    OTHER,
    SUPPLIER,
    capacity,
    comment,
    demand,
    group,
    series,
)

pytestmark = pytest.mark.unit
NOW = datetime(2026, 1, 7, tzinfo=UTC)
WEEK = "2026-01-26"
PAIR = (SUPPLIER, CUSTOMER)
PARTNERS = frozenset((SUPPLIER, CUSTOMER))
LATER = "2026-01-08T08:00:00Z"


def told(aspect: AspectType, *values: Any, known: Known | None = None, sender: str = CUSTOMER) -> list[Ruled]:
    held = known or Known(sender, NOW, PARTNERS, exchanged=frozenset({(*PAIR, GROUP_ID)}))
    return [rule(reading.read(aspect, each, f"/{n}", NOW), aspect, held) for n, each in enumerate(values)]


def one_demand(**more: Any) -> dict[str, Any]:
    return demand(series({WEEK: 3}), **more)


def one_group(**more: Any) -> dict[str, Any]:
    return group(capacity(WEEK, 1, 1), **more)


def numbers(ruled: list[Ruled]) -> list[int]:
    return [int(each.clause.rsplit(" ", 1)[1]) for each in ruled]


def test_the_same_demand_twice_is_new_and_then_known() -> None:
    found = told(DEMAND, one_demand(), one_demand(), one_demand(changedAt=LATER), one_demand())
    assert numbers(found) == [6, 8, 4, 7]
    assert [each.clause for each in told(DEMAND, {})] == ["CX-0128 §4.1.2.7 no. 1"]


def test_an_id_is_one_however_it_is_written() -> None:
    found = told(DEMAND, one_demand(), one_demand(materialDemandId=f"urn:uuid:{DEMAND_ID.upper()}"))
    assert (numbers(found), found[1].id) == ([6, 8], DEMAND_ID)


def test_a_material_has_one_demand_and_a_demand_may_leave_it() -> None:
    other = "11111111-1111-4111-8111-111111111111"
    second = one_demand(materialDemandId=other)
    moved = one_demand(materialNumberCustomer="RING", changedAt=LATER)
    found = told(DEMAND, one_demand(), second, moved, second)
    assert numbers(found) == [6, 5, 4, 6]
    back = told(
        DEMAND, one_demand(), one_demand(materialDemandId=other, materialNumberCustomer="RING"), moved
    )
    assert numbers(back) == [6, 6, 1]
    assert back[2].faults[0].pointer == "/2/materialNumberCustomer"


def test_who_sends_and_who_is_served_decide_before_ids_do() -> None:
    assert numbers(told(DEMAND, one_demand(), sender=SUPPLIER)) == [2]
    assert numbers(told(DEMAND, one_demand(supplier=OTHER))) == [3]
    assert numbers(told(GROUP, one_group())) == [2]
    assert numbers(told(GROUP, one_group(customer=OTHER), sender=SUPPLIER)) == [3]


def test_a_volatility_start_in_the_past_is_kept_and_not_set() -> None:
    def measured(start: str, **more: Any) -> dict[str, Any]:
        parameters = {"startReferenceDateTime": start, "measurementInterval": 4}
        return one_group(demandVolatilityParameters=parameters, **more)

    past, future = "2026-01-01T00:00:00Z", "2026-01-07T00:00:01Z"
    known = Known(SUPPLIER, NOW, PARTNERS)
    assert numbers(told(GROUP, measured(past), measured(future), known=known)) == [5, 7]
    known.now = datetime(2026, 2, 1, tzinfo=UTC)
    found = [
        rule(reading.read(GROUP, measured(at, changedAt=LATER), "/0", NOW), GROUP, known)
        for at in (future, past)
    ]
    assert numbers(found) == [6, 5]


def test_there_is_room_for_so_many() -> None:
    known = Known(CUSTOMER, NOW, PARTNERS, counts={PAIR: MOST_COMPARED - 1})
    ids = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(2)]
    values = [one_demand(materialDemandId=name, materialNumberCustomer=name) for name in (*ids, ids[0])]
    found = told(DEMAND, *values, known=known)
    assert numbers(found) == [6, 1, 8]
    assert found[1].faults[0].reason == "no room for another one"


def test_a_comment_belongs_to_who_wrote_it_and_its_end_is_final() -> None:
    known = Known(CUSTOMER, NOW, PARTNERS, exchanged=frozenset({(*PAIR, GROUP_ID)}))
    mine = comment(listOfReferenceDates=[WEEK], changedAt="2026-01-06T08:00:00Z")
    delete = {**mine, "requestDelete": True}
    assert numbers(told(COMMENT, mine, {**mine, "changedAt": None}, known=known)) == [8, 7]
    known.sender = SUPPLIER
    assert numbers(told(COMMENT, mine, delete, known=known)) == [1, 1]
    known.sender = CUSTOMER
    late = {**mine, "changedAt": "2027-01-01T00:00:00Z"}
    assert numbers(told(COMMENT, delete, delete, late, known=known)) == [6, 6, 9]


def test_what_a_comment_leaves_out_is_filled_in() -> None:
    (found,) = told(COMMENT, comment(listOfReferenceDates=[], author=None, postedAt=None, changedAt=None))
    assert found.held is not None
    kept = found.held.value
    assert (kept.author, kept.posted_at, found.held.changed_at) == (CUSTOMER, NOW, NOW)
