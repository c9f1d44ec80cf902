"""Numbers as people write them: grouped or not, with a point or a comma before the decimals.

"1,234" is a thousand in one country and about one in another. So a number is read in both ways; where they
differ, only what the whole file shows, or its sender says, decides. Nothing is guessed for one cell alone.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Literal

from ingest.formats.tables.faults import BadCell, shown

Mark = Literal["point", "comma"]
Cell = str | int | float | Decimal | bool | datetime | date | time | list[object] | None
MARKS: tuple[Mark, Mark] = ("point", "comma")
_MOST_CHARACTERS = 60
_MOST_DIGITS = 30
_MOST_WHOLE = 2**63
_SPACES = str.maketrans(dict.fromkeys("\u00a0\u2007\u2009\u202f'’", " "))
_SWAPPED = str.maketrans(",.", ".,")
_GROUPED = re.compile(r"([+-]?)([1-9]\d{0,2}(?:,\d{3})+|[1-9]\d{0,2}(?: \d{3})+|\d+)(\.\d+)?", re.ASCII)
_POWER = re.compile(r"[+-]?\d+(?:\.\d+)?[eE][+-]?\d{1,3}", re.ASCII)
_NUMBER = "a number such as 1234.5, without unit or currency"


def plain(text: str) -> str:
    """Return text without outer spaces, and full-width characters as their usual ones."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFKC", text).strip()


def readings(text: str) -> dict[Mark, Decimal]:
    """Return what a text is when its decimals stand behind a point, and when behind a comma."""
    text = plain(text).translate(_SPACES)
    if not text or len(text) > _MOST_CHARACTERS:
        return {}
    if (text.isascii() and text.isdecimal()) or _POWER.fullmatch(text):
        return dict.fromkeys(MARKS, Decimal(text))
    both = {"point": text, "comma": text.translate(_SWAPPED)}
    found = {mark: _GROUPED.fullmatch(both[mark]) for mark in MARKS}
    return {mark: _value(match) for mark, match in found.items() if match is not None}


def mark_of(texts: Iterable[str]) -> Mark | None:
    """Return the mark that some texts can only be read with, None when they show none, or both."""
    marks = {next(iter(read)) for read in map(readings, texts) if len(read) == 1}
    return marks.pop() if len(marks) == 1 else None


def number(cell: Cell, mark: Mark | None) -> Decimal:
    """Return a number; raise `BadCell` where it is none, or two different ones."""
    if isinstance(cell, bool) or not isinstance(cell, str | int | float | Decimal):
        raise BadCell(f"{shown(cell)} is no number", _NUMBER)
    value = _of_text(cell, mark) if isinstance(cell, str) else _exact(cell)
    if value and abs(value.adjusted()) > _MOST_DIGITS:
        raise BadCell(f"{shown(cell)} is too large or too fine", f"a number of at most {_MOST_DIGITS} digits")
    return value


def _of_text(cell: str, mark: Mark | None) -> Decimal:
    read = readings(cell)
    if mark is not None and mark in read:
        return read[mark]
    if mark is not None and read:
        raise BadCell(f"{shown(cell)} has no decimal {mark}, which the file is read with", _NUMBER)
    values = set(read.values())
    if len(values) == 1:
        return values.pop()
    if values:
        low, high = sorted(values)
        expected = f"{high:f} or {low:f}, written so; or say decimal=point or decimal=comma for the file"
        raise BadCell(f"{shown(cell)} may be {high:f} or {low:f}", expected)
    raise BadCell(f"{shown(cell)} is no number", _NUMBER)


def whole(cell: Cell, mark: Mark | None) -> int:
    """Return a whole number."""
    value = number(cell, mark)
    if abs(value) >= _MOST_WHOLE or value != value.to_integral_value():
        raise BadCell(f"{shown(cell)} is no whole number", "a whole number")
    return int(value)


def _exact(value: float | Decimal) -> Decimal:
    """Return a number that a file holds as one; a float as the shortest decimal that it is."""
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        raise BadCell(f"{value} is no number", _NUMBER)
    return (
        exact.quantize(Decimal(1)) if exact == exact.to_integral_value() and exact.adjusted() < 20 else exact
    )


def _value(match: re.Match[str]) -> Decimal:
    sign, digits, decimals = match.groups()
    return Decimal(sign + re.sub("[ ,]", "", digits) + (decimals or ""))
