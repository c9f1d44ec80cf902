"""Rows into events: rows of one id are one event, and what is wrong is told by row and column.

A row says what its columns say; where a cell is empty, what names of columns and the sender say for all rows.
Rows of one id may each say a window (or a distance) of their own, and must agree on everything else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.domain.faults import Refusal
from ingest.formats.tables.amounts import plain
from ingest.formats.tables.cells import Habits, value_of
from ingest.formats.tables.faults import BadCell, RowFault, shown
from ingest.formats.tables.fields import SPANS
from ingest.formats.tables.reading import Table
from ingest.formats.tables.sheet import Row, is_blank
from tenon.contracts.codec import encode

Place = tuple[int, str | None]
"""A row's number and the name of its column, None where no column says it."""
_WHEN = ("from", "until", "last_day", *SPANS)
_SPAN = "from and until (or last_day), or day, week or month"


@dataclass(slots=True)
class Made:
    """What rows of one id became: the data of an event, or why there is none."""

    rows: tuple[int, ...]
    data: bytes = b""
    faults: list[RowFault] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)

    def blame(self, refusal: Refusal) -> list[RowFault]:
        """Return what is wrong with the event by the rows and columns that say it."""
        return [
            RowFault(row, fault.reason, fault.expected, column)
            for fault in refusal.faults
            for row, column in (self._place(fault.pointer),)
        ] or [RowFault(self.rows[0], refusal.title, refusal.detail)]

    def told(self, faults: Sequence[RowFault]) -> dict[int, list[RowFault]]:
        """Return the faults of each row; a row without one of its own is told whose it shares."""
        first = min((fault.row for fault in faults), default=0)
        shared = f"not taken, because row {first} was not, and they are of one id"
        by_row: dict[int, list[RowFault]] = {row: [] for row in self.rows}
        for fault in faults:
            by_row[fault.row].append(fault)
        return {row: own or [RowFault(row, shared, f"row {first} put right")] for row, own in by_row.items()}

    def _place(self, pointer: str) -> Place:
        where = pointer.removeprefix("/data")
        while where:
            if where in self.places:
                return self.places[where]
            where = where.rpartition("/")[0]
        return self.rows[0], None


def groups_of(table: Table) -> list[tuple[int, ...]]:
    """Return the places of rows that are one event each, in order of their first rows."""
    places = {column.field.name: column.place for column in table.layout.columns if column.field is not None}
    found: dict[object, list[int]] = {}
    for at, row in enumerate(table.layout.rows):
        key = None if row.number in table.faults else _key(table, row, places)
        found.setdefault(at if key is None else key, []).append(at)
    return [tuple(places) for places in found.values()]


def made_of(table: Table, places: Sequence[int], defaults: Mapping[str, Any]) -> Made:
    """Return what rows of one id became; `defaults` (party, revision) hold where nothing else says them."""
    rows = [table.layout.rows[at] for at in places]
    made = Made(tuple(row.number for row in rows))
    made.faults += [table.faults[row.number] for row in rows if row.number in table.faults]
    if not made.faults:
        _Making(table, made, defaults).make(rows)
    return made


def _key(table: Table, row: Row, places: Mapping[str, int]) -> tuple[str, ...] | None:
    """Return whose row it is, None when it does not say an id that is needed."""
    key = []
    for name in table.layout.kind.ids:
        place = places.get(name, len(row.cells))
        cell = row.cells[place] if place < len(row.cells) else None
        text = str(table.constants.get(name, "")) if is_blank(cell) else plain(str(cell))
        field = table.layout.kind.field(name)
        if not text and field is not None and field.needed:
            return None
        key.append(text)
    return tuple(key)


class _Making:
    """One event on its way from its rows."""

    def __init__(self, table: Table, made: Made, defaults: Mapping[str, Any]) -> None:
        self._table = table
        self._layout = table.layout
        self._made = made
        self._defaults = defaults
        self._habits = Habits(table.layout.mark, table.layout.order, table.layout.zone)
        self._common: dict[str, Any] = {}
        self._said: dict[str, Place] = {}
        self._bad: set[tuple[int, str]] = set()
        """Fields (each with its row, where every row says its own) that a fault is told of already."""

    def make(self, rows: Sequence[Row]) -> None:
        entries = [self._read(row) for row in rows]
        kind = self._layout.kind
        self._fill(rows[0])
        data: dict[str, Any] = {}
        for each in kind.fields:
            if not each.each and each.at and each.name in self._common:
                self._put(data, each.at, self._common[each.name], each.name)
        self._compose(data)
        if kind.field("quantity") is not None:
            data["windows"] = [
                self._window(at, row.number, *entry)
                for at, (row, entry) in enumerate(zip(rows, entries, strict=True))
            ]
        if kind.field("to") is not None:
            data["distances_m"] = self._distances(rows, entries)
        if not self._made.faults:
            self._made.data = encode(data)

    def _read(self, row: Row) -> tuple[dict[str, Any], dict[str, Place]]:
        """Return what a row says of its own, and note what it says of the whole."""
        own: dict[str, Any] = {}
        places: dict[str, Place] = {}
        for column in self._layout.columns:
            cell = row.cells[column.place] if column.place < len(row.cells) else None
            if column.field is None or is_blank(cell):
                continue
            place = (row.number, column.name)
            try:
                value = value_of(column.field, cell, self._habits)
            except BadCell as bad:
                self._fault(place, bad.reason, bad.expected)
                self._bad.add((row.number if column.field.each else 0, column.field.name))
                continue
            if column.field.each:
                own[column.field.name], places[column.field.name] = value, place
            else:
                self._note(column.field.name, value, place)
        self._check_length(row)
        for each in self._layout.kind.fields:
            if each.each and each.name not in own and each.name in self._table.constants:
                own[each.name] = self._table.constants[each.name]
        return own, places

    def _note(self, name: str, value: Any, place: Place) -> None:
        before = self._common.setdefault(name, value)
        if before != value:
            reason = f"{shown(value)}, but row {self._said[name][0]} says {shown(before)} for the same id"
            self._fault(place, reason, "one value in all rows of an id, or another id")
        self._said.setdefault(name, place)

    def _check_length(self, row: Row) -> None:
        beyond = [cell for cell in row.cells[len(self._layout.columns) :] if not is_blank(cell)]
        if beyond:
            reason = f"{len(row.cells)} cells, the header has {len(self._layout.columns)}"
            self._fault(
                (row.number, None), reason, "a cell for each column; a separator inside a text in quotes"
            )

    def _fill(self, row: Row) -> None:
        """Add what names of columns, the sender and the key say where no cell does; check what is there."""
        for name, value in self._layout.implied.items():
            if self._common.setdefault(name, value) != value:
                reason = f"{shown(self._common[name])}, but the name of a column says {value}"
                self._fault(
                    self._said.get(name, (row.number, None)),
                    reason,
                    f"{value}, or the column named otherwise",
                )
        self._split_code(row)
        for name, value in (*self._table.constants.items(), *self._defaults.items()):
            field = self._layout.kind.field(name)
            if field is not None and not field.each:
                self._common.setdefault(name, value)
        self._split_code(row)
        for each in self._layout.kind.fields:
            told = each.each or each.name in self._common or (0, each.name) in self._bad
            if each.needed and not told:
                self._fault((row.number, self._column_of(each.name)), f"no {each.name}", "a value")
        if self._layout.kind.field("scheme") is not None and "scheme" not in self._common:
            self._fault(
                (row.number, self._column_of("code")),
                "the class names no scheme",
                "hs:630790, for example, or set=scheme=hs",
            )

    def _split_code(self, row: Row) -> None:
        """Take SCHEME:CODE apart."""
        scheme, sign, code = str(self._common.get("code", "")).partition(":")
        if not sign:
            return
        self._common["code"], scheme = code.strip(), scheme.strip().lower()
        place = self._said.get("code", (row.number, None))
        if self._common.setdefault("scheme", scheme) != scheme:
            said = self._common["scheme"]
            self._fault(place, f"scheme {shown(scheme)}, but it is {shown(said)} elsewhere", "one scheme")
        self._said.setdefault("scheme", place)

    def _compose(self, data: dict[str, Any]) -> None:
        """Put together what is made of several fields."""
        for price in ("price", "highest_price"):
            if price in data:
                data[price]["amount"] = f"{data[price]['amount']:f}"
                self._put(data, (price, "currency"), self._common.get("currency", ""), "currency")
                if "currency" not in self._common:
                    self._fault(
                        self._said[price],
                        "a price without a currency",
                        "a column currency, or set=currency=CNY",
                    )
        if "certificates" in data:
            data["certificates"] = [{"scheme": scheme} for scheme in data["certificates"]]
        if "reference" in self._common and self._layout.kind.field("reference") is not None:
            kind = self._common.get("reference_type", "purchase-order")
            self._put(
                data, ("external_references",), [{"type": kind, "id": self._common["reference"]}], "reference"
            )
        if "ready_at" in self._common:
            for factor in data.get("readiness", {}).values():
                factor["at"] = self._common["ready_at"]

    def _window(self, at: int, row: int, own: dict[str, Any], places: dict[str, Place]) -> dict[str, Any]:
        window = {"id": own.get("window"), "quantity": own.get("quantity")}
        if window["quantity"] is None and (row, "quantity") not in self._bad:
            self._fault((row, self._column_of("quantity")), "no quantity", "a number of at least 0")
        window["from"], window["until"] = self._between(row, own)
        if window["id"] is None and isinstance(window["from"], datetime):
            window["id"] = _named(window["from"])
        sources = {
            "id": ("window",),
            "from": ("from", *SPANS),
            "until": ("until", "last_day", *SPANS),
            "quantity": ("quantity",),
        }
        for name, fields in sources.items():
            said = next((places[each] for each in fields if each in places), (row, None))
            self._made.places[f"/windows/{at}/{name}"] = said
        self._made.places[f"/windows/{at}"] = (row, None)
        return window

    def _between(self, row: int, own: Mapping[str, Any]) -> tuple[Any, Any]:
        ways: list[tuple[Any, Any]] = [own[span] for span in SPANS if span in own]
        ends = [own[end] for end in ("until", "last_day") if end in own]
        if "from" in own or ends:
            ways.append((own.get("from"), ends[0] if len(ends) == 1 else None))
        if self._bad & {(row, name) for name in _WHEN}:
            return None, None
        if len(ways) != 1 or None in ways[0]:
            reason = "it is said twice when" if len(ways) > 1 or len(ends) > 1 else "it is not said when"
            self._fault((row, None), reason, f"one of these: {_SPAN}")
            return None, None
        return ways[0]

    def _distances(
        self, rows: Sequence[Row], entries: Sequence[tuple[dict[str, Any], dict[str, Place]]]
    ) -> dict[str, Any]:
        distances: dict[str, Any] = {}
        for row, (own, places) in zip(rows, entries, strict=True):
            far = [own[name] for name in ("distance_m", "distance_km") if name in own]
            if self._bad & {(row.number, name) for name in ("to", "distance_m", "distance_km")}:
                continue
            if "to" not in own or len(far) != 1:
                self._fault(
                    (row.number, None),
                    "a way needs its end and one distance",
                    "to, and distance_m or distance_km",
                )
            elif distances.setdefault(own["to"], far[0]) != far[0]:
                self._fault(
                    places["to"], f"another distance to {shown(own['to'])} stands above", "each place once"
                )
            else:
                self._made.places[f"/distances_m/{own['to'].replace('~', '~0').replace('/', '~1')}"] = places[
                    "to"
                ]
        return distances

    def _put(self, data: dict[str, Any], at: Sequence[str], value: Any, name: str) -> None:
        inner = data
        for step in at[:-1]:
            inner = inner.setdefault(step, {})
        inner[at[-1]] = value
        said = self._said.get(name, (self._made.rows[0], None))
        self._made.places["/" + "/".join(at)] = said
        self._made.places.setdefault(f"/{at[0]}", said)

    def _fault(self, place: Place, reason: str, expected: str) -> None:
        self._made.faults.append(RowFault(place[0], reason, expected, place[1]))

    def _column_of(self, name: str) -> str | None:
        return next(
            (c.name for c in self._layout.columns if c.field is not None and c.field.name == name), None
        )


def _named(at: datetime) -> str:
    """Return the id of a window that has none: when it begins."""
    local = f"{at:%Y-%m-%dT%H:%M}"
    return local.removesuffix("T00:00")
