"""Which column of a file is which field of its kind: by what the sender says, by name, by a usual name.

What a header says beside its name counts too: "Quantity (kg)" names the unit, "Price EUR" the currency,
"HS code" the classification. Two columns that are as good for one field are a fault, never a choice.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from difflib import get_close_matches
from functools import cache
from typing import Literal

from ingest.domain.currencies import CURRENCIES
from ingest.formats.tables.amounts import Mark, plain
from ingest.formats.tables.faults import Unreadable, shown
from ingest.formats.tables.fields import SPANS, Field, Kind
from ingest.formats.tables.sheet import MOST_COLUMNS, Row, Sheet, is_blank
from ingest.formats.tables.times import Order
from ingest.formats.tables.wording import CURRENCY_NAMES, unit_code

How = Literal["given", "name", "usual name"]
_LOOKED_AT = 20
_LONGEST_NAME = 100
_TAIL = re.compile(r"(.+?)\s*(?:[(\[]\s*([^()\[\]]{1,30})\s*[)\]]|(?:\bin|[\s_/,-])\s*([^\s()]{1,12}))")
_RANKS: Mapping[int, How] = {0: "given", 1: "name", 2: "usual name", 3: "name", 4: "usual name"}
_SCHEMES = ("hs", "unspsc", "cpv", "isic", "eclass")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: its place, its name, the field that it is, and what its name says beside that."""

    place: int
    name: str
    field: Field | None
    how: How | None
    implied: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of a file are read."""

    kind: Kind
    columns: Sequence[Column]
    header_row: int
    rows: Sequence[Row]
    implied: Mapping[str, str]
    mark: Mark | None
    order: Order | None
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a file, and its rows below the header."""

    row: int
    columns: Sequence[Column]
    rows: Sequence[Row]


def known_columns(kind: Kind, given: Mapping[str, str], names: Sequence[object]) -> int:
    """Return how many names of a row are known columns of a kind, or were given."""
    texts = (name for name in names[:MOST_COLUMNS] if isinstance(name, str))
    return sum(plain(text) in given or _ranked(kind, text) is not None for text in texts)


def header_of(kind: Kind, sheet: Sheet, given: Mapping[str, str]) -> Header:
    """Find the header and say what its columns are; raise `Unreadable`."""
    if sheet.names is not None:
        row, names, rows = 0, sheet.names, sheet.rows
    else:
        at = _header_at(kind, sheet.rows, given)
        names = ["" if is_blank(cell) else plain(str(cell)) for cell in sheet.rows[at].cells]
        row, rows = sheet.rows[at].number, sheet.rows[at + 1 :]
    _check_given(kind, names, given)
    if not rows:
        raise Unreadable("no rows below the names of columns", "a row for each thing to say", row or None)
    return Header(row, _resolved(kind, names, given), rows)


def implied_by(columns: Sequence[Column]) -> dict[str, str]:
    """Return what names of columns say for every row; raise `Unreadable` where two say different things."""
    said: dict[str, tuple[str, str]] = {}
    for column in columns:
        for name, value in column.implied.items():
            before = said.setdefault(name, (value, column.name))
            if before[0] != value:
                first, second = f"{shown(before[1])} says {before[0]}", f"{shown(column.name)} says {value}"
                raise Unreadable(f"column {first}, column {second}", f"one {name} for all columns")
    return {name: value for name, (value, _) in said.items()}


def check_complete(kind: Kind, fields: set[str]) -> None:
    """Raise `Unreadable` when no column, and nothing that was said, gives a field that is needed."""
    missing = [each for each in kind.fields if each.needed and each.name not in fields]
    if missing:
        first = missing[0]
        names = ", ".join((first.name, *first.usual[:6]))
        more = f" (nor for {', '.join(each.name for each in missing[1:])})" if missing[1:] else ""
        expected = (
            f"a column called {names}; or map=COLUMN={first.name}, or set={first.name}=VALUE for all rows"
        )
        raise Unreadable(f"no column for {first.name}{more}", expected)
    if kind.field("from") is not None and not _has_span(fields):
        raise Unreadable("no column says when", "columns from and until (or last_day), or day, week or month")
    if kind.field("distance_m") is not None and not fields & {"distance_m", "distance_km"}:
        raise Unreadable("no column says how far", "a column distance_m or distance_km")


def _has_span(fields: set[str]) -> bool:
    return bool(fields.intersection(SPANS)) or ("from" in fields and bool(fields & {"until", "last_day"}))


def _header_at(kind: Kind, rows: Sequence[Row], given: Mapping[str, str]) -> int:
    if not rows:
        raise Unreadable("the file is empty", "a row with the names of columns, and rows below it")
    worth = [known_columns(kind, given, row.cells) for row in rows[:_LOOKED_AT]]
    best = max(range(len(worth)), key=lambda at: (worth[at], -at))
    if worth[best] < 2:
        needed = ", ".join(each.name for each in kind.fields if each.needed)
        expected = (
            f"a row with the names of columns among the first {_LOOKED_AT}: {needed} … as in the template"
        )
        raise Unreadable("no row names columns that are known", expected, rows[0].number)
    return best


def _check_given(kind: Kind, names: Sequence[str], given: Mapping[str, str]) -> None:
    for name, wanted in given.items():
        if name not in names:
            near = get_close_matches(name, names, 1)
            raise Unreadable(
                f"no column {shown(name)}", f"{shown(near[0])}, perhaps" if near else _some(names)
            )
        if names.count(name) > 1:
            raise Unreadable(
                f"{names.count(name)} columns are called {shown(name)}", "a name of its own for each"
            )
        if wanted and kind.field(wanted) is None:
            fields = [each.name for each in kind.fields]
            near = get_close_matches(wanted, fields, 1)
            raise Unreadable(
                f"no field {shown(wanted)}", f"{near[0]}, perhaps" if near else f"one of {', '.join(fields)}"
            )


def _some(names: Sequence[str]) -> str:
    return f"one of {', '.join(shown(name) for name in names[:20] if name)}"


def _resolved(kind: Kind, names: Sequence[str], given: Mapping[str, str]) -> list[Column]:
    found = [(*_rank(kind, name, given), place) for place, name in enumerate(names)]
    best: dict[str, tuple[int, int]] = {}
    for rank, column, _, place in sorted(found, key=lambda each: (each[0], each[3])):
        if column is None:
            continue
        before = best.setdefault(column.name, (rank, place))
        if before[0] == rank and before[1] != place:
            first, second = shown(names[before[1]]), shown(names[place])
            reason = f"columns {first} and {second} may both be {column.name}"
            raise Unreadable(
                reason, f"one of them named: map=COLUMN={column.name}; map=COLUMN= leaves one out"
            )
    return [
        Column(place, names[place], column, _RANKS[rank], implied)
        if column is not None and best[column.name] == (rank, place)
        else Column(place, names[place], None, None, {})
        for rank, column, implied, place in found
    ]


def _rank(kind: Kind, name: str, given: Mapping[str, str]) -> tuple[int, Field | None, Mapping[str, str]]:
    ranked = _ranked(kind, name) or (9, None, {})
    if name not in given:
        return ranked
    wanted = kind.field(given[name])
    tail = _hinted(wanted, name) if wanted is not None else {}
    return 0, wanted, ranked[2] if ranked[1] is wanted and wanted is not None else tail


def _ranked(kind: Kind, name: str) -> tuple[int, Field, Mapping[str, str]] | None:
    """Return how well a name fits a field (the lower the better), and what else it says."""
    if len(name) > _LONGEST_NAME:
        return None
    names = _names(kind)
    if found := names.get(_key(name)):
        return found[0], found[1], {**_scheme(found[1], name), **_hinted(found[1], name)}
    match = _TAIL.fullmatch(plain(name))
    found = names.get(_key(match[1])) if match else None
    if match is None or found is None:
        return None
    implied = _hint(found[1], match[2] or match[3])
    if not implied and not match[2]:
        return None
    return found[0] + 2, found[1], implied


def _hinted(wanted: Field, name: str) -> Mapping[str, str]:
    match = _TAIL.fullmatch(plain(name)) if len(name) <= _LONGEST_NAME else None
    return _hint(wanted, match[2] or match[3]) if match else {}


def _hint(wanted: Field, text: str) -> Mapping[str, str]:
    """Return what the end of a column's name says of its field."""
    if wanted.at[-1:] == ("amount",):
        code = CURRENCY_NAMES.get(text.casefold(), text.upper())
        return {"currency": code} if code in CURRENCIES else {}
    if wanted.reading == "code":
        return {"scheme": text.casefold()} if text.casefold() in _SCHEMES else {}
    unit = unit_code(text) if wanted.reading == "number" and wanted.name in _MEASURED else None
    return {"unit": unit} if unit else {}


_MEASURED = ("quantity", "minimum_order", "lot", "shipped", "delivered", "failed")


def _scheme(wanted: Field, name: str) -> Mapping[str, str]:
    if wanted.reading != "code":
        return {}
    key = _key(name)
    scheme = next((scheme for scheme in _SCHEMES if key.startswith(scheme)), "hs" if "海关" in key else "")
    return {"scheme": scheme} if scheme else {}


@cache
def _names(kind: Kind) -> Mapping[str, tuple[int, Field]]:
    """Return the fields of a kind by the names that their columns may have."""
    usual = {_key(name): (2, each) for each in kind.fields for name in each.usual}
    return usual | {_key(each.name): (1, each) for each in kind.fields}


def _key(name: str) -> str:
    return "".join(_letters(plain(name).casefold()))


def _letters(text: str) -> Iterator[str]:
    return (letter for letter in text if letter.isalnum())
