"""Tables in a few words, for tests: from bytes to events or faults in one step."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import openpyxl

from ingest.formats.tables.faults import RowFault
from ingest.formats.tables.kinds import KINDS
from ingest.formats.tables.reading import Options, Table, table_of
from ingest.formats.tables.rows import Made, groups_of, made_of

DEFAULTS: Mapping[str, Any] = {"party": "acme", "revision": 7}
HEADER = "offer,site,code,unit,month,quantity"
ROW = "o1,s1,hs:630790,C62,2030-01,10"
NAMES, CELLS = HEADER.split(","), ROW.split(",")
CHINESE = "供应编号,工厂,海关编码,单位,月份,数量\n钢-1,s1,720839,公斤,2030-01,5\n"
SHEET_NAME = "xl/worksheets/sheet1.xml"


def table(body: bytes | str, kind: str = "offers", **said: Any) -> Table:
    raw = body.encode() if isinstance(body, str) else body
    return table_of(KINDS[kind], raw, Options(format=said.pop("format", "csv"), **said), list(DEFAULTS))


def made(body: bytes | str, kind: str = "offers", **said: Any) -> list[Made]:
    read = table(body, kind, **said)
    return [made_of(read, group, DEFAULTS) for group in groups_of(read)]


def data(body: bytes | str, kind: str = "offers", **said: Any) -> list[Any]:
    """Return the data of each event; fails where a row is at fault."""
    all_made = made(body, kind, **said)
    assert [each.faults for each in all_made] == [[] for _ in all_made]
    return [json.loads(each.data) for each in all_made]


def faults(body: bytes | str, kind: str = "offers", **said: Any) -> list[RowFault]:
    return [fault for each in made(body, kind, **said) for fault in each.faults]


def fields(body: bytes | str, kind: str = "offers", **said: Any) -> dict[str, str | None]:
    """Return the field of each column."""
    return {shown.column: shown.field for shown in table(body, kind, **said).shown()}


def workbook(*rows: Sequence[Any], merged: Sequence[str] = ()) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cells in merged:
        book.active.merge_cells(cells)
    told = io.BytesIO()
    book.save(told)
    return told.getvalue()


def with_part(book: bytes, name: str, part: bytes) -> bytes:
    """Return a workbook with one of its parts exchanged, or a new one."""
    told = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(told, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            if entry != name:
                new.writestr(entry, old.read(entry))
        new.writestr(name, part)
    return told.getvalue()


def sheet_of(book: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(book)) as packed:
        return packed.read(SHEET_NAME)
