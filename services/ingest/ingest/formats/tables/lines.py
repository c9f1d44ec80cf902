"""NDJSON: a JSON object per line, its members the columns. A line that can't be read harms no other."""

from decimal import Decimal

import msgspec

from ingest.domain.repeated import repeated_names
from ingest.formats.tables.amounts import Cell
from ingest.formats.tables.encoding import text_of
from ingest.formats.tables.faults import RowFault, Unreadable
from ingest.formats.tables.sheet import MOST_COLUMNS, Sheet

_decoder: msgspec.json.Decoder[object] = msgspec.json.Decoder(object, float_hook=Decimal)
_FLAT = "one object per line, of texts, numbers, true, false, null, and arrays of texts"


def read(body: bytes, encoding: str | None) -> Sheet:
    """Return the rows of a file; raise `Unreadable`."""
    text, found = text_of(body, encoding, lambda line: False)
    if text.lstrip().startswith("["):
        raise Unreadable("a JSON array", f"{_FLAT}; events in an array are for `tenon publish`")
    sheet = Sheet(notes={"encoding": found})
    places: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            _add(sheet, number, line, places)
    sheet.names = list(places)
    return sheet


def _add(sheet: Sheet, number: int, line: str, places: dict[str, int]) -> None:
    try:
        members = _members(line)
    except _BadLine as bad:
        sheet.faults[number] = RowFault(number, str(bad), _FLAT)
        sheet.add(number, ["unreadable"])
        return
    for name in members:
        places.setdefault(name, len(places))
    if len(places) > MOST_COLUMNS:
        raise Unreadable(f"more than {MOST_COLUMNS} names", f"at most {MOST_COLUMNS} columns", number)
    cells: list[Cell] = [None] * len(places)
    for name, value in members.items():
        cells[places[name]] = value
    sheet.add(number, cells)


class _BadLine(ValueError):
    pass


def _members(line: str) -> dict[str, Cell]:
    raw = line.encode(errors="replace")
    try:
        value = _decoder.decode(raw)
    except (msgspec.DecodeError, ValueError) as error:
        raise _BadLine(f"no JSON: {error}") from error
    except RecursionError:
        raise _BadLine("nested too deeply") from None
    if not isinstance(value, dict):
        raise _BadLine("no object")
    repeated = repeated_names(raw)
    if repeated:
        raise _BadLine(f"{repeated[0].pointer[1:]!r} is there twice")
    return {name: _cell(name, inner) for name, inner in value.items()}


def _cell(name: str, value: object) -> Cell:
    if value is None or isinstance(value, str | bool | int | float | Decimal):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    raise _BadLine(f"{name!r} is nested")
