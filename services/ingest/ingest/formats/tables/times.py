"""Times and spans of time as people write them: days, weeks and months in the zone that the sender says.

The year first is sure. With points the day comes first; with strokes it depends on the country, so where both
orders give a day, only the whole file, or its sender, decides.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from ingest.formats.tables.amounts import Cell, plain
from ingest.formats.tables.faults import BadCell, shown

Order = Literal["day-first", "month-first"]
ORDERS: tuple[Order, Order] = ("day-first", "month-first")
Span = tuple[datetime, datetime]
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})", re.ASCII)
_YEAR = r"((?:19|2[0-2])\d{2})"
_YEARS = range(1900, 2300)
_CLOCK = r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}:?\d{2})?)?"
_YEAR_FIRST = re.compile(rf"{_YEAR}[-/.年](\d{{1,2}})[-/.月](\d{{1,2}})日?{_CLOCK}", re.ASCII)
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2{_YEAR}{_CLOCK}", re.ASCII)
_DIGITS = re.compile(rf"{_YEAR}(\d{{2}})(\d{{2}})", re.ASCII)
_MONTH = re.compile(rf"{_YEAR}[-/.年](\d{{1,2}})月?", re.ASCII)
_WEEK = re.compile(rf"{_YEAR}-?W(\d{{1,2}})", re.ASCII | re.IGNORECASE)
_TIME = "a time such as 2030-01-31 or 2030-01-31 08:00"


class UnknownZone(ValueError):
    """The text names no time zone."""


def zone_of(text: str) -> tzinfo:
    """Return the zone that a text names (`UTC`, `+08:00`, `Asia/Shanghai`); raise `UnknownZone`."""
    offset = _OFFSET.fullmatch(text)
    try:
        if offset is not None:
            return _fixed(offset)
        return UTC if text.upper() in ("UTC", "Z") else ZoneInfo(text)
    except (ValueError, OSError) as error:  # ZoneInfo: no such key, a path, a folder
        raise UnknownZone(f"{shown(text)} is no time zone") from error
    except KeyError:
        raise UnknownZone(f"{shown(text)} is no time zone") from None


def orders_of(text: str) -> dict[Order, datetime]:
    """Return what a text with the year last is in either order; {} when it is none."""
    match = _YEAR_LAST.fullmatch(plain(text))
    if match is None:
        return {}
    first, dot, second, year, *clock = match.groups()
    days = {"day-first": (second, first), "month-first": (first, second)}
    if dot == ".":
        del days["month-first"]
    found = {order: _at(year, *days[order], clock) for order in ORDERS if order in days}
    return {order: at for order, at in found.items() if at is not None}


def order_of(texts: Iterable[str]) -> Order | None:
    """Return the order that texts with strokes can only be read in, None when they show none, or both."""
    orders = {next(iter(read)) for text in texts if "." not in text and len(read := orders_of(text)) == 1}
    return orders.pop() if len(orders) == 1 else None


def moment(cell: Cell, order: Order | None, zone: tzinfo) -> datetime:
    """Return an instant; raise `BadCell` where it is none, or two different ones."""
    return _placed(_read(cell, order), zone, cell)


def day(cell: Cell, order: Order | None, zone: tzinfo) -> Span:
    """Return the span of a whole day."""
    at = _day(cell, order)
    return _span(at, at + timedelta(days=1), zone, cell)


def week(cell: Cell, order: Order | None, zone: tzinfo) -> Span:
    """Return the span of a week (ISO 8601): 2030-W05, or the Monday that it begins with."""
    match = _WEEK.fullmatch(plain(cell)) if isinstance(cell, str) else None
    expected = "a week such as 2030-W05, or its Monday"
    if match is not None:
        monday = _tried(lambda: date.fromisocalendar(int(match[1]), int(match[2]), 1), cell, expected)
    else:
        monday = _day(cell, order)
        if monday.weekday() != 0:
            raise BadCell(f"{shown(cell)} is no Monday", expected)
    return _span(monday, monday + timedelta(days=7), zone, cell)


def month(cell: Cell, order: Order | None, zone: tzinfo) -> Span:
    """Return the span of a month: 2030-01, or the first day that it begins with."""
    match = _MONTH.fullmatch(plain(cell)) if isinstance(cell, str) else None
    expected = "a month such as 2030-01, or its first day"
    if match is not None:
        first = _tried(lambda: date(int(match[1]), int(match[2]), 1), cell, expected)
    else:
        first = _day(cell, order)
        if first.day != 1:
            raise BadCell(f"{shown(cell)} is no first day of a month", expected)
    return _span(first, (first + timedelta(days=31)).replace(day=1), zone, cell)


def _read(cell: Cell, order: Order | None) -> datetime:
    if isinstance(cell, date):
        at = cell if isinstance(cell, datetime) else datetime.combine(cell, time())
        if at.year not in _YEARS:
            raise BadCell(f"{at.isoformat()} is out of range", _TIME)
        return at
    if not isinstance(cell, str):
        raise BadCell(f"{shown(cell)} is no time", f"{_TIME}, as text or as a date cell")
    return _of_text(cell, order)


def _of_text(text: str, order: Order | None) -> datetime:
    match = _YEAR_FIRST.fullmatch(plain(text)) or _DIGITS.fullmatch(plain(text))
    if match is not None:
        year, month, day, *clock = match.groups()
        at = _at(year, month, day, clock)
        if at is not None:
            return at
    read = orders_of(text)
    if order in read:
        return read[order]
    if len(set(read.values())) == 1:
        return next(iter(read.values()))
    if read:
        both = " or ".join(f"{at:%Y-%m-%d}" for at in read.values())
        expected = f"{both}, written so; or say dates=day-first or dates=month-first for the file"
        raise BadCell(f"{shown(text)} may be {both}", expected)
    raise BadCell(f"{shown(text)} is no time", _TIME)


def _at(year: str, month: str, day: str, clock: list[str | None]) -> datetime | None:
    """Return the moment of these parts, None when there is no such one."""
    hour, minute, second, fraction, offset = clock or [None] * 5
    micros = int(f"{fraction or '0':<06}"[:6])
    try:
        on = date(int(year), int(month), int(day))
        at = time(int(hour or 0), int(minute or 0), int(second or 0), micros)
        return datetime.combine(on, at, None if offset is None else _offset(offset))
    except ValueError:
        return None


def _offset(text: str) -> tzinfo:
    match = _OFFSET.fullmatch(text)
    return UTC if match is None else _fixed(match)


def _fixed(match: re.Match[str]) -> tzinfo:
    hours, minutes = int(match[2]), int(match[3])
    if hours > 14 or minutes > 59:
        raise ValueError("no offset of a zone")
    return timezone((1 if match[1] == "+" else -1) * timedelta(hours=hours, minutes=minutes))


def _day(cell: Cell, order: Order | None) -> date:
    at = _read(cell, order)
    if at.tzinfo is not None or at.time() != time():
        raise BadCell(
            f"{shown(cell)} has a time of day", "a day such as 2030-01-31; from and until take times"
        )
    return at.date()


def _span(from_: date, until: date, zone: tzinfo, cell: Cell) -> Span:
    return tuple(_placed(datetime.combine(at, time()), zone, cell) for at in (from_, until))  # type: ignore[return-value]


def _placed(at: datetime, zone: tzinfo, cell: Cell) -> datetime:
    """Return a local time as an instant; one that the change of clocks makes two, or none, is refused."""
    if at.tzinfo is not None:
        return at
    early, late = (at.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if early.utcoffset() != late.utcoffset():
        raise BadCell(
            f"{shown(cell)} is twice, or not at all, in {zone}: clocks change", "a time with its offset"
        )
    return early


def _tried(make: Callable[[], date], cell: Cell, expected: str) -> date:
    try:
        return make()
    except ValueError:
        raise BadCell(f"there is no {shown(cell)}", expected) from None
