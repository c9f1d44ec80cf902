"""XLSX by openpyxl, which only this module knows: a sheet into rows, and rows into a workbook.

A workbook is a zip of XML that a library trusts. So `packed` looks at its bytes first, and what could take
more memory than it may is refused before it is unpacked, or parsed. Formulas are the values they last had;
one that never had any, an error instead of a value, and a cell merged with others are faults of their rows.
"""

import io
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter, range_boundaries

from ingest.formats.tables.amounts import Cell
from ingest.formats.tables.faults import RowFault, Unreadable, shown
from ingest.formats.tables.packed import SAVE_AGAIN, Odd, odd_cells
from ingest.formats.tables.sheet import MOST_COLUMNS, Sheet

warnings.filterwarnings("ignore", module="openpyxl")  # they would tell the log what stands in a file
_MOST_BLANK = 10_000
"""Blank rows in succession: each costs time, and a cell far below them was hardly meant."""
_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"})


def read(body: bytes, sheet: str | None) -> Sheet:
    """Return the rows of a sheet, by default the first that is visible; raise `Unreadable`."""
    odd = odd_cells(body)
    try:
        book = load_workbook(io.BytesIO(body), read_only=True, data_only=True, keep_links=False)
        chosen = _chosen(book, sheet)
        chosen.reset_dimensions()  # what a sheet says of its size need not be so
        found = Sheet(notes={"sheet": chosen.title})
        for number, cells in enumerate(chosen.iter_rows(max_col=MOST_COLUMNS + 1, values_only=True), 1):
            _add(found, number, cells)
        _note(found, odd.get(str(chosen._worksheet_path).lstrip("/"), Odd()))
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # whatever a broken workbook makes of a library that trusts it
        raise Unreadable(f"no workbook that can be read: {shown(str(error))}", SAVE_AGAIN) from error
    return found


def written(title: str, rows: Iterable[Sequence[str]], notes: Iterable[Sequence[str]]) -> bytes:
    """Return a workbook with a sheet of rows, the first of them its header, and a second sheet of notes."""
    book = Workbook()
    _fill(book.active, title, rows)
    _fill(book.create_sheet(), "fields", notes)
    told = io.BytesIO()
    book.save(told)
    return told.getvalue()


def _chosen(book: Any, name: str | None) -> Any:
    if name is None:
        visible = [each for each in book.worksheets if each.sheet_state == "visible"]
        if not visible:
            raise Unreadable("no visible sheet", "a workbook with a sheet")
        return visible[0]
    names = [each.title for each in book.worksheets]
    if name not in names:
        raise Unreadable(f"no sheet {shown(name)}", f"one of {', '.join(map(shown, names[:20]))}")
    return book[name]


def _add(found: Sheet, number: int, cells: Sequence[Any]) -> None:
    end = len(cells)
    while end and cells[end - 1] is None:
        end -= 1
    if not end:
        if number > _last(found) + _MOST_BLANK:
            raise Unreadable(
                f"more than {_MOST_BLANK} blank rows", "the cells far below them deleted", number
            )
        return
    cells = cells[:end]
    for at, cell in enumerate(cells, 1):
        if isinstance(cell, str) and cell in _ERRORS:
            where = f"{get_column_letter(at)}{number}"
            found.faults[number] = RowFault(
                number, f"{cell} in {where}", "a value; see the formula of this cell"
            )
    found.add(number, [_cell(cell) for cell in cells])


def _last(found: Sheet) -> int:
    return found.rows[-1].number if found.rows else 0


def _cell(value: Any) -> Cell:
    known: Cell = str(value) if isinstance(value, timedelta) else value
    return known


def _note(found: Sheet, odd: Odd) -> None:
    """Note the rows with cells of which it is not said what they mean for them."""
    left = [row.number for row in found.rows]
    for cells in odd.merged:
        _, first, _, last = range_boundaries(cells)
        these = slice(bisect_left(left, first), bisect_right(left, last))
        for number in left[these]:
            expected = "the cells unmerged, and the value in each row that it is meant for"
            found.faults.setdefault(number, RowFault(number, f"{cells} are merged", expected))
        del left[these]  # a row is told once, however often it is merged
    for cell in odd.uncalculated:
        number = int(cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        found.faults.setdefault(
            number, RowFault(number, f"{cell} has a formula that was never calculated", SAVE_AGAIN)
        )


def _fill(sheet: Any, title: str, rows: Iterable[Sequence[str]]) -> None:
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for at, cell in enumerate(sheet[1], 1):
        cell.font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(at)].width = max(12, len(str(cell.value)) + 2)
    sheet.freeze_panes = "A2"
