"""Which column is which field: names, usual names in two languages, what they say beside, what is given."""

from typing import Any

import pytest

from ingest.formats.tables.faults import Unreadable
from tests.unit.ingest.tables.tried import HEADER, ROW, data, fields, table


def test_columns_are_known_by_their_names_in_any_spelling() -> None:
    header = "Offer;SITE;H.S. Code;Unit of measure;Month;QTY;Remark"
    found = fields(f"{header}\no1;s1;630790;pcs;2030-01;5;x\n")
    assert list(found.values()) == ["offer", "site", "code", "unit", "month", "quantity", None]


def test_columns_are_known_by_their_chinese_names() -> None:
    found = fields("供应编号,工厂,海关编码,单位,月份,数量,单价（元）\no1,s1,630790,件,2030-01,5,2\n")
    assert list(found.values()) == ["offer", "site", "code", "unit", "month", "quantity", "price"]


@pytest.mark.parametrize(
    ("column", "cell", "implied"),
    [
        ("Quantity (kg)", "5", {"unit": "KGM"}),
        ("quantity [t]", "5", {"unit": "TNE"}),
        ("Quantity in kg", "5", {"unit": "KGM"}),
        ("quantity_kg", "5", {"unit": "KGM"}),
        ("数量（公斤）", "5", {"unit": "KGM"}),
        ("Quantity (about)", "5", {}),
    ],
)
def test_a_name_says_the_unit_too(column: str, cell: str, implied: dict[str, str]) -> None:
    found = table(f"offer,site,code,unit,month,{column}\no1,s1,hs:630790,,2030-01,{cell}\n").shown()
    assert (found[-1].field, found[-1].implies) == ("quantity", implied)


@pytest.mark.parametrize(
    ("column", "currency"),
    [("Price (EUR)", "EUR"), ("Price EUR", "EUR"), ("单价（元）", "CNY"), ("Unit price €", "EUR")],
)
def test_a_name_says_the_currency_too(column: str, currency: str) -> None:
    (offer,) = data(f"{HEADER},{column}\n{ROW},1.5\n")
    assert offer["price"] == {"amount": "1.5", "currency": currency}


def test_what_is_given_outweighs_every_guess_and_may_leave_a_column_out() -> None:
    body = "offer,site,code,unit,month,planned,quantity\no1,s1,hs:630790,C62,2030-01,5,9\n"
    assert fields(body)["planned"] is None
    given = {"planned": "quantity", "quantity": ""}
    assert fields(body, map=given)["planned"] == "quantity"
    assert data(body, map=given)[0]["windows"][0]["quantity"] == 5


def test_a_given_column_keeps_what_its_name_says() -> None:
    (offer,) = data(
        "offer,site,code,month,net (kg)\no1,s1,hs:630790,2030-01,5\n", map={"net (kg)": "quantity"}
    )
    assert offer["item"]["unit"] == "KGM"


def test_a_column_may_be_given_as_the_file_or_as_the_report_writes_it() -> None:
    body = "供应编号,工厂,海关编码,月份,净重（公斤）\no1,s1,630790,2030-01,5\n"
    for name in ("净重（公斤）", "净重(公斤)"):
        assert data(body, map={name: "quantity"})[0]["item"]["unit"] == "KGM"


def test_its_own_name_outweighs_a_usual_one() -> None:
    found = fields(f"{HEADER},Offer ID\n{ROW},x\n")
    assert (found["offer"], found["Offer ID"]) == ("offer", None)


def test_the_header_may_stand_below_a_title() -> None:
    found = table(f"Our offers\n\n,,as of March\n{HEADER}\n{ROW}\n")
    assert found.notes["header_row"] == "4"
    assert [row.number for row in found.layout.rows] == [5]


def test_what_is_said_for_all_rows_needs_no_column() -> None:
    (offer,) = data(
        "offer,month,quantity\no1,2030-01,5\n", set={"site": "s1", "code": "hs:630790", "unit": "kg"}
    )
    assert (offer["site"], offer["item"]) == (
        "s1",
        {"class": {"scheme": "hs", "code": "630790"}, "unit": "KGM"},
    )


@pytest.mark.parametrize(
    ("body", "said", "reason", "expected"),
    [
        ("", {}, "the file is empty", "names of columns"),
        (f"{HEADER}\n", {}, "no rows below", "a row for each thing"),
        ("1,2,3\n4,5,6\n", {}, "no row names columns", "offer, site, code"),
        ("offer,site,code,unit,month\n1,2,3,4,5\n", {}, "no column for quantity", "map=COLUMN=quantity"),
        ("offer,site,code,unit,quantity\n1,2,3,4,5\n", {}, "no column says when", "from and until"),
        (
            f"{HEADER},Qty,Amount\n{ROW},1,2\n",
            {"map": {"quantity": ""}},
            "'Qty' and 'Amount' may both",
            "map=",
        ),
        (f"{HEADER},quantity\n{ROW},1\n", {}, "'quantity' and 'quantity' may both", "map="),
        (f"{HEADER},MOQ (kg),Lot (t)\n{ROW},1,2\n", {}, "says KGM, column 'Lot (t)' says TNE", "one unit"),
        (
            f"{HEADER}\n{ROW}\n",
            {"map": {"Quantity": "quantity"}},
            "no column 'Quantity'",
            "'quantity', perhaps",
        ),
        (f"{HEADER}\n{ROW}\n", {"map": {"offer": "ofer"}}, "no field 'ofer'", "offer, perhaps"),
        (
            f"{HEADER},x,x\n{ROW},1,2\n",
            {"map": {"x": "lot"}},
            "2 columns are called 'x'",
            "a name of its own",
        ),
        (f"{HEADER}\n{ROW}\n", {"set": {"colour": "red"}}, "no field 'colour'", "one of party"),
        (f"{HEADER}\n{ROW}\n", {"set": {"unit": "bushel"}}, "set=unit: 'bushel'", "a usual name"),
        (f"{HEADER}\n{ROW}\n", {"zone": "Mars"}, "'Mars' is no time zone", "Europe/Berlin"),
    ],
)
def test_a_file_that_can_not_be_understood_is_refused_with_what_to_do(
    body: str, said: dict[str, Any], reason: str, expected: str
) -> None:
    with pytest.raises(Unreadable) as refused:
        table(body, **said)
    assert reason in refused.value.reason
    assert expected in refused.value.expected
