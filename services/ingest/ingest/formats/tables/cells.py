"""A cell as the value of its field; what a whole file is read with (marks, orders, zone) is handed in."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from typing import Any

from ingest.formats.tables import times
from ingest.formats.tables.amounts import Cell, Mark, number, plain, whole
from ingest.formats.tables.faults import BadCell, shown
from ingest.formats.tables.fields import Field, Reading
from ingest.formats.tables.wording import CURRENCY_NAMES, FLAGS, unit_code
from tenon.contracts.units import UNITS

_MOST_ENTRIES = 1_000
_APART = re.compile(r"[;；、|\n]")


@dataclass(frozen=True, slots=True)
class Habits:
    """How a file writes numbers and times."""

    mark: Mark | None
    order: times.Order | None
    zone: tzinfo


def value_of(field: Field, cell: Cell, habits: Habits) -> Any:
    """Return what a cell says; raise `BadCell`."""
    return _READERS[field.reading](cell, habits)


def _id(cell: Cell, habits: Habits) -> str:
    """Return a short text; a number of a spreadsheet is one where nothing of it can have been lost."""
    if isinstance(cell, bool | list | date | time):
        raise BadCell(f"{shown(cell)} is no text", "text; format the cells of this column as text")
    if isinstance(cell, int | float | Decimal):
        value = number(cell, None)
        if value != value.to_integral_value():
            expected = "text; format the cells of this column as text, so that zeros stay"
            raise BadCell(f"{shown(cell)} is a number", expected)
        return f"{value:f}"
    return plain(cell or "")


def _text(cell: Cell, habits: Habits) -> str:
    if isinstance(cell, int | float | Decimal) and not isinstance(cell, bool):
        return f"{number(cell, None):f}"
    return cell.strip() if isinstance(cell, str) else _id(cell, habits)


def _unit(cell: Cell, habits: Habits) -> str:
    text = _id(cell, habits)
    code = unit_code(text)
    if code is None:
        expected = f"a usual name (pcs, kg, t, m, l, h, 件, 公斤), or a code: {', '.join(sorted(UNITS))}"
        raise BadCell(f"{shown(text)} is no unit that is known", expected)
    return code


def _currency(cell: Cell, habits: Habits) -> str:
    text = _id(cell, habits)
    return CURRENCY_NAMES.get(text.casefold(), text.upper())


def _choice(cell: Cell, habits: Habits) -> str:
    return _id(cell, habits).lower()


def _region(cell: Cell, habits: Habits) -> str:
    return _id(cell, habits).upper()


def _flag(cell: Cell, habits: Habits) -> bool:
    if isinstance(cell, bool):
        return cell
    text = _id(cell, habits).casefold()
    if text not in FLAGS:
        raise BadCell(f"{shown(text)} is neither yes nor no", "yes or no")
    return FLAGS[text]


def _ids(cell: Cell, habits: Habits) -> list[str]:
    texts = cell if isinstance(cell, list) else _APART.split(_id(cell, habits))
    if len(texts) == 1:
        texts = str(texts[0]).split(",")
    found = [plain(str(text)) for text in texts if str(text).strip()]
    if len(found) > _MOST_ENTRIES:
        raise BadCell(f"{len(found)} entries", f"at most {_MOST_ENTRIES}")
    return found


def _number(cell: Cell, habits: Habits) -> Decimal:
    return number(cell, habits.mark)


def _whole(cell: Cell, habits: Habits) -> int:
    return whole(cell, habits.mark)


def _times(factor: int, what: str) -> Callable[[Cell, Habits], int]:
    def read(cell: Cell, habits: Habits) -> int:
        value = number(cell, habits.mark) * factor
        if value != value.to_integral_value() or abs(value) > 10**15:
            raise BadCell(f"{shown(cell)} is no whole number of {what}", f"a multiple of one of {factor}")
        return int(value)

    return read


def _moment(cell: Cell, habits: Habits) -> datetime:
    return times.moment(cell, habits.order, habits.zone)


def _last(cell: Cell, habits: Habits) -> datetime:
    return times.day(cell, habits.order, habits.zone)[1]


def _span(
    read: Callable[[Cell, times.Order | None, tzinfo], times.Span],
) -> Callable[[Cell, Habits], times.Span]:
    return lambda cell, habits: read(cell, habits.order, habits.zone)


_READERS: Mapping[Reading, Callable[[Cell, Habits], Any]] = {
    "id": _id,
    "code": _id,
    "text": _text,
    "number": _number,
    "whole": _whole,
    "metres": _times(1, "metres"),
    "kilometres": _times(1_000, "metres"),
    "days": _times(86_400, "seconds"),
    "hours": _times(3_600, "seconds"),
    "unit": _unit,
    "currency": _currency,
    "region": _region,
    "choice": _choice,
    "flag": _flag,
    "ids": _ids,
    "moment": _moment,
    "day": _span(times.day),
    "week": _span(times.week),
    "month": _span(times.month),
    "last": _last,
    "place": _id,
}
