"""What events come to: the same in whatever order they come, how often, and whatever was taken back when."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.epcis import reading
from ingest.formats.epcis.effects import Shipment
from ingest.formats.epcis.ledger import Spot, Stock, Taken, changes, stock, take
from ingest.formats.epcis.progress import Uncountable, progress
from ingest.formats.epcis.reading import Event
from tests.support.epcis import ITEM, PLACE, amount, body, event, moved, shipped, void

pytestmark = pytest.mark.unit
SPOT = ITEM, PLACE, "KGM"


def taken(held: dict[str, Event], *told: Any) -> list[Taken]:
    return [take(read, held) for read in reading.events(body(*told))]


def outcomes(*told: Any) -> tuple[list[str], Any]:
    held: dict[str, Event] = {}
    found: list[str] = [each.outcome for each in taken(held, *told)]
    return found, stock(held.values()).get(SPOT, Stock()).quantity


ADDED = moved("ADD", 10, eventID="urn:uuid:1")


@pytest.mark.parametrize(
    ("told", "became", "left"),
    [
        ([ADDED], ["new"], 10),
        ([ADDED, ADDED], ["new", "repeated"], 10),
        ([moved("ADD", 10), moved("ADD", 10)], ["new", "repeated"], 10),
        ([ADDED, {**ADDED, "eventID": "urn:uuid:2"}], ["new", "new"], 20),
        ([ADDED, void(ADDED)], ["new", "taken_back"], 0),
        ([ADDED, void(ADDED), void(ADDED)], ["new", "taken_back", "repeated"], 0),
        ([void(ADDED), ADDED], ["taken_back", "repeated"], 0),
        ([void(moved("ADD", 10)), moved("ADD", 10)], ["taken_back", "repeated"], 0),
        ([ADDED, moved("ADD", 11, eventID="urn:uuid:1")], ["new", "clash"], 10),
        ([ADDED, void(moved("ADD", 11, eventID="urn:uuid:1"))], ["new", "clash"], 10),
        ([void(ADDED), moved("ADD", 12, eventID="urn:uuid:2")], ["taken_back", "new"], 12),
        (["no event", ADDED], ["invalid", "new"], 10),
    ],
)
def test_each_event_counts_once_and_not_where_it_was_taken_back(
    told: list[Any], became: list[str], left: int
) -> None:
    assert outcomes(*told) == (became, left)


def test_a_clash_says_which_name_and_what_to_do() -> None:
    _, clash = taken({}, ADDED, moved("ADD", 11, eventID="urn:uuid:1"))
    (fault,) = clash.faults
    assert fault.pointer == "/epcisBody/eventList/1/eventID"
    assert "urn:uuid:1 is held with other content" in fault.reason
    assert "eventID of its own" in fault.expected


EVENTS = st.builds(
    lambda kind, quantity, place, name: {
        **kind(quantity),
        "readPoint": {"id": f"urn:x:place:{place}"},
        "eventID": f"urn:x:{name}",
    },
    st.sampled_from(
        [
            lambda quantity: moved("ADD", quantity),
            lambda quantity: moved("DELETE", quantity),
            lambda quantity: moved("OBSERVE", quantity),
            shipped,
            lambda quantity: shipped(quantity, "receiving"),
            lambda quantity: event(
                "TransformationEvent",
                inputQuantityList=[amount(quantity)],
                outputQuantityList=[amount(quantity, uom=None)],
            ),
        ]
    ),
    st.integers(0, 10**6),
    st.integers(1, 2),
    st.uuids(),
)


@given(told=st.lists(EVENTS, min_size=1, max_size=8), data=st.data())
def test_order_repeats_and_late_declarations_change_nothing(
    told: list[dict[str, Any]], data: st.DataObject
) -> None:
    gone = data.draw(st.lists(st.sampled_from(told), max_size=4))
    all_of_them = [*told, *map(void, gone)]
    other = data.draw(st.permutations([*all_of_them, *data.draw(st.lists(st.sampled_from(all_of_them)))]))
    one: dict[str, Event] = {}
    two: dict[str, Event] = {}
    taken(one, *all_of_them)
    taken(two, *other)
    assert stock(one.values()) == stock(two.values())


@given(told=st.lists(st.lists(EVENTS | EVENTS.map(void), min_size=1, max_size=4), min_size=1, max_size=4))
def test_what_changes_document_by_document_is_what_all_of_it_comes_to(
    told: list[list[dict[str, Any]]],
) -> None:
    held: dict[str, Event] = {}
    kept: dict[Spot, Stock] = {}
    for each in told:
        before = dict(held)
        taken(held, *each)
        for spot, change in changes(before.values(), held.values()).items():
            was = kept.get(spot, Stock())
            kept[spot] = Stock(was.quantity + change.quantity, was.produced + change.produced)
    empty = Stock()
    assert {s: k for s, k in kept.items() if k != empty} == {
        s: k for s, k in stock(held.values()).items() if k != empty
    }


@pytest.mark.parametrize(
    ("told", "unit", "sums"),
    [
        ([], "KGM", (0, 0)),
        ([("KGM", 10, 4)], "KGM", (10, 4)),
        ([("KGM", 10, 0), ("TNE", 1, 0)], "TNE", (1010, 0)),
        ([("C62", 3, 0), ("DZN", 1, 0)], "EA", (15, 0)),
        ([("KGM", -5, 0)], "KGM", (0, 0)),
    ],
)
def test_progress_is_counted_in_base_units(told: list[tuple[str, int, int]], unit: str, sums: Any) -> None:
    assert progress([Shipment(u, Decimal(s), Decimal(r)) for u, s, r in told], unit) == sums


@pytest.mark.parametrize(
    ("unit", "quantity", "why"),
    [
        ("KGM", "1", "the docking is counted in C62, not in KGM"),
        ("XYZ", "1", "not a known unit"),
        ("C62", "0.5", "whole"),
    ],
)
def test_what_cant_be_counted_is_said(unit: str, quantity: str, why: str) -> None:
    with pytest.raises(Uncountable, match=why):
        progress([Shipment(unit, Decimal(quantity))], "C62")
