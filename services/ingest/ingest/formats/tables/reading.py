"""Bytes and options into a table: rows, which column is which field, how numbers and times are written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from ingest.formats.tables import lines, separated, workbook
from ingest.formats.tables.amounts import Cell, Mark, mark_of, plain
from ingest.formats.tables.cells import Habits, value_of
from ingest.formats.tables.faults import BadCell, RowFault, Unreadable, shown
from ingest.formats.tables.fields import Kind, Reading
from ingest.formats.tables.layout import Column, Layout, check_complete, header_of, implied_by, known_columns
from ingest.formats.tables.sheet import Row, Sheet, is_blank
from ingest.formats.tables.times import Order, UnknownZone, order_of, zone_of

Format = Literal["csv", "xlsx", "ndjson"]
_EXAMPLES = 3
_NUMBERS: tuple[Reading, ...] = ("number", "whole", "metres", "kilometres", "days", "hours")
_TIMES: tuple[Reading, ...] = ("moment", "day", "week", "month", "last")


class Options(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a sender says of a file. `map`: columns to fields, "" leaves one out; `set`: for all rows."""

    format: Format
    map: dict[str, str] = {}
    set: dict[str, str] = {}
    encoding: str | None = None
    delimiter: str | None = None
    decimal: Mark | None = None
    dates: Order | None = None
    zone: str = "UTC"
    sheet: str | None = None


class ColumnShown(msgspec.Struct, frozen=True):
    """A column, the field it is taken for (None: left out), why, and some of its values."""

    column: str
    field: str | None
    how: str | None
    implies: dict[str, str]
    examples: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A file that can be used: its layout, what holds for all rows, rows at fault, and what was found out."""

    layout: Layout
    constants: Mapping[str, Any]
    faults: Mapping[int, RowFault]
    notes: Mapping[str, str]

    def shown(self) -> list[ColumnShown]:
        """Return each column and what it is taken for, with examples."""
        return [
            ColumnShown(
                column.name or f"column {column.place + 1}",
                column.field.name if column.field else None,
                column.how,
                dict(column.implied),
                _examples(self.layout.rows, column.place),
            )
            for column in self.layout.columns
        ]


def table_of(kind: Kind, body: bytes, options: Options, defaults: Sequence[str] = ()) -> Table:
    """Return the table that a file holds; raise `Unreadable`. `defaults`: fields that need no column."""
    given = {plain(name): field for name, field in options.map.items()}
    sheet = _sheet(kind, body, options, given)
    header = header_of(kind, sheet, given)
    implied = implied_by(header.columns)
    fields = {column.field.name for column in header.columns if column.field is not None}
    check_complete(kind, {*fields, *implied, *options.set, *defaults})
    mark = options.decimal or mark_of(_texts(header.columns, header.rows, _NUMBERS))
    order = options.dates or order_of(_texts(header.columns, header.rows, _TIMES))
    try:
        zone = zone_of(options.zone)
    except UnknownZone as error:
        raise Unreadable(str(error), "UTC, +08:00, or a name such as Europe/Berlin") from error
    layout = Layout(kind, header.columns, header.row, header.rows, implied, mark, order, zone)
    faults = {**sheet.faults, **_headers_again(sheet, header.row)}
    notes = {**sheet.notes, "decimal": mark or "", "dates": order or "", "zone": options.zone}
    if header.row:
        notes["header_row"] = str(header.row)
    return Table(layout, _constants(kind, options.set, layout), faults, {n: v for n, v in notes.items() if v})


def _sheet(kind: Kind, body: bytes, options: Options, given: Mapping[str, str]) -> Sheet:
    match options.format:
        case "csv":
            return separated.read(
                body,
                options.encoding,
                options.delimiter,
                lambda names: known_columns(kind, given, names),
            )
        case "ndjson":
            return lines.read(body, options.encoding)
        case "xlsx":
            return workbook.read(body, options.sheet)


def _headers_again(sheet: Sheet, header_row: int) -> dict[int, RowFault]:
    """Return the rows that repeat the header, as where two files were put behind one another."""
    header = next((row.cells for row in sheet.rows if row.number == header_row), None)
    again = [row.number for row in sheet.rows if header and row.number > header_row and row.cells == header]
    return {number: RowFault(number, "the header once more", "no such row") for number in again}


def _texts(columns: Sequence[Column], rows: Sequence[Row], readings: Sequence[Reading]) -> Iterator[str]:
    places = [column.place for column in columns if column.field and column.field.reading in readings]
    for row in rows:
        for place in places:
            cell = row.cells[place] if place < len(row.cells) else None
            if isinstance(cell, str) and not is_blank(cell):
                yield cell


def _constants(kind: Kind, said: Mapping[str, str], layout: Layout) -> dict[str, Any]:
    """Return what the sender says for all rows, read as cells are."""
    habits, found = Habits(layout.mark, layout.order, layout.zone), {}
    for name, text in said.items():
        field = kind.field(name)
        if field is None:
            raise Unreadable(
                f"no field {shown(name)}", f"one of {', '.join(each.name for each in kind.fields)}"
            )
        try:
            found[name] = value_of(field, text, habits)
        except BadCell as bad:
            raise Unreadable(f"set={name}: {bad.reason}", bad.expected) from bad
    return found


def _examples(rows: Sequence[Row], place: int) -> list[str]:
    cells: Iterator[Cell] = (row.cells[place] for row in rows if place < len(row.cells))
    found: list[str] = []
    for cell in cells:
        if not is_blank(cell) and (text := shown(cell).strip("'")) not in found:
            found.append(text)
        if len(found) == _EXAMPLES:
            break
    return found
