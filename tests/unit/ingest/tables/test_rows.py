"""Rows into events: rows of one id together, faults by row and column."""

import json
from typing import Any

import pytest

from ingest.domain.admit import Sender, admit
from ingest.domain.faults import Refused
from ingest.formats.tables.faults import RowFault
from ingest.formats.tables.kinds import KINDS
from ingest.formats.tables.reading import Format, Options, table_of
from ingest.formats.tables.rows import groups_of, made_of
from ingest.formats.tables.templates import template
from tenon.contracts.cloudevents import CloudEvent
from tests.unit.ingest.tables.tried import DEFAULTS, HEADER, ROW, data, faults, made, workbook

ANYBODY = Sender("administrator", None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["csv", "xlsx", "ndjson"])
def test_every_template_is_taken_as_it_is(kind: str, form: Format) -> None:
    known = KINDS[kind]
    read = table_of(known, template(known, form), Options(format=form), list(DEFAULTS))
    (group,) = groups_of(read)
    event = made_of(read, group, DEFAULTS)
    assert event.faults == []
    assert (
        admit(CloudEvent("e", "/s", known.event_type, event.data), ANYBODY, "wall").family.name
        == known.event_type
    )


def test_rows_of_one_id_are_its_windows_wherever_they_stand() -> None:
    other = ROW.replace("o1", "o2")
    offers = data(f"{HEADER}\n{ROW}\n{other}\n{ROW.replace('2030-01', '2030-02')}\n")
    assert [(offer["offer"], len(offer["windows"])) for offer in offers] == [("o1", 2), ("o2", 1)]
    assert [window["id"] for window in offers[0]["windows"]] == ["2030-01-01", "2030-02-01"]


def test_what_later_rows_of_an_id_leave_empty_the_first_has_said() -> None:
    (offer,) = data(f"{HEADER}\n{ROW}\no1,,,,2030-02,20\n")
    assert [window["quantity"] for window in offer["windows"]] == [10, 20]


def test_rows_of_one_id_that_contradict_one_another_are_refused_together() -> None:
    (event,) = made(f"{HEADER}\n{ROW}\n{ROW.replace('s1', 's2').replace('2030-01', '2030-02')}\n")
    reason = "'s2', but row 2 says 's1' for the same id"
    assert event.faults == [RowFault(3, reason, "one value in all rows of an id, or another id", "site")]
    assert [(row, told[0].reason) for row, told in event.told(event.faults).items()] == [
        (2, "not taken, because row 3 was not, and they are of one id"),
        (3, reason),
    ]


def test_an_id_may_be_said_for_all_rows() -> None:
    (offer,) = data(
        "site,code,unit,month,quantity\ns1,hs:1,kg,2030-01,5\n,,,2030-02,6\n", set={"offer": "o1"}
    )
    assert len(offer["windows"]) == 2


@pytest.mark.parametrize("more", ["", ",party"])
def test_rows_without_an_id_are_refused_one_by_one(more: str) -> None:
    row = ROW.replace("o1", "") + (more and ",mill")
    body = f"{HEADER}{more}\n{row}\n{row}\n"
    assert [(fault.row, fault.column, fault.reason) for fault in faults(body)] == [
        (2, "offer", "no offer"),
        (3, "offer", "no offer"),
    ]


def test_what_a_row_says_more_than_its_header_is_no_other_columns() -> None:
    (fault,) = faults(f"{HEADER}\n{ROW},5\n")
    assert (fault.reason, fault.column) == ("7 cells, the header has 6", None)
    assert data(f"{HEADER}\n{ROW},,\n")


@pytest.mark.parametrize(
    ("column", "cell", "column_at_fault", "reason"),
    [
        ("price", "1.5", "price", "a price without a currency"),
        ("Price (EUR)", "cheap", "Price (EUR)", "'cheap' is no number"),
        ("scheme", "isic", "code", "scheme 'hs', but it is 'isic' elsewhere"),
        ("week", "2030-W01", None, "it is said twice when"),
        ("until", "2030-02-01", None, "it is said twice when"),
        ("Lot (kg)", "5", "unit", "'C62', but the name of a column says KGM"),
        ("tier", "", None, ""),
    ],
)
def test_a_fault_names_row_and_column(
    column: str, cell: str, column_at_fault: str | None, reason: str
) -> None:
    found = faults(f"{HEADER},{column}\n{ROW},{cell}\n")
    assert [(fault.row, fault.column, fault.reason) for fault in found] == (
        [(2, column_at_fault, reason)] if reason else []
    )


def test_a_cell_at_fault_is_told_once() -> None:
    row = ROW.replace("10", "many").replace("2030-01", "soon").replace("C62", "bushel")
    assert [fault.column for fault in faults(f"{HEADER}\n{row}\n")] == ["unit", "month", "quantity"]


def blamed(body: str, kind: str = "offers") -> list[tuple[int, str | None]]:
    """Return row and column of whatever the gate finds wrong with an event."""
    (event,) = made(body, kind)
    sent = CloudEvent("e", "/s", KINDS[kind].event_type, event.data)
    with pytest.raises(Refused) as refused:
        admit(sent, ANYBODY, "wall")
    return [(fault.row, fault.column) for fault in event.blame(refused.value.refusal)]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (f"{HEADER}\n{ROW.replace('o1', 'o 1')}\n", (2, "offer")),
        (f"{HEADER}\n{ROW}\n{ROW.replace('10', '-1').replace('2030-01', '2030-02')}\n", (3, "quantity")),
        (f"{HEADER}\n{ROW}\n{ROW}\n", (3, None)),
        (
            f"{HEADER},Price (XYZ)\n{ROW},5\n".replace("(XYZ)", "(EUR)").replace(",5\n", ",0.12345678\n"),
            (2, "Price (EUR)"),
        ),
        (f"{HEADER},regions\n{ROW},CN-SD; nowhere\n", (2, "regions")),
        ("offer,site,code,unit,from,until,quantity\no1,s1,hs:1,C62,2030-02-01,2030-01-01,5\n", (2, "until")),
        (f"{HEADER},certificates\n{ROW},a; a\n", (2, "certificates")),
    ],
)
def test_what_the_gate_refuses_is_told_by_row_and_column(body: str, place: tuple[int, str | None]) -> None:
    assert place in blamed(body)


def test_distances_from_one_site_are_one_event() -> None:
    body = "site,class,to,distance (km)\ns1,hs:63,b/x,1.5\ns1,hs:63,c/y,20\ns2,hs:63,b/x,3\n"
    first, second = data(body, "routes")
    assert first["distances_m"] == {"b/x": 1500, "c/y": 20_000}
    assert (second["site"], second["class"]) == ("s2", {"scheme": "hs", "code": "63"})
    (fault,) = faults("site,class,to,distance_m\ns1,hs:63,b/x,1\ns1,hs:63,b/x,2\n", "routes")
    assert (fault.row, fault.column) == (3, "to")


def test_what_no_column_says_the_key_and_the_upload_do() -> None:
    (offer,) = data(f"{HEADER}\n{ROW}\n")
    assert (offer["party"], offer["revision"]) == ("acme", 7)
    (other,) = data(f"{HEADER},party,revision\n{ROW},mill,3\n")
    assert (other["party"], other["revision"]) == ("mill", 3)


def test_a_workbook_says_numbers_and_dates_of_its_own() -> None:
    from datetime import date, datetime

    rows: list[list[Any]] = [
        ["offer", "site", "code", "unit", "from", "until", "quantity", "price", "currency"],
        ["o1", "s1", "hs:630790", "kg", date(2030, 1, 1), datetime(2030, 2, 1), 1234.5, 0.1, "EUR"],  # noqa: DTZ001
        [2, "s1", "hs:630790", "kg", "2030-01-01", "2030-02-01", "1234.5", "0.1", "EUR"],
    ]
    first, second = data(workbook(*rows), format="xlsx")
    assert second["offer"] == "2"
    assert {**first, "offer": "2"} == second


def test_the_same_rows_in_each_format_are_the_same_events() -> None:
    names, cells = HEADER.split(","), ROW.split(",")
    line = json.dumps(dict(zip(names, cells, strict=True)))
    as_csv = data(f"{HEADER}\n{ROW}\n")
    assert as_csv == data(line, format="ndjson")
    assert as_csv == data(workbook(names, cells), format="xlsx")
    assert as_csv == data("\ufeff" + f"{HEADER}\n{ROW}\n".replace(",", "\t"))
