"""Rows of a table as a file has them, and how many there may be."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ingest.formats.tables.amounts import Cell
from ingest.formats.tables.faults import RowFault, Unreadable

MOST_ROWS = 100_000
"""Below the header, which is one more."""
MOST_COLUMNS = 200
MOST_CELLS = 1_000_000
MOST_CHARACTERS = 32_767
"""Of one cell, as in spreadsheets."""


class Row(NamedTuple):
    """A row that is not blank: its number from 1, as a spreadsheet shows it, and its cells."""

    number: int
    cells: Sequence[Cell]


@dataclass(slots=True)
class Sheet:
    """The rows of a file. `names`: the columns, where the format has names of its own.

    `faults`: rows that can't be read though the rest can; `notes`: what was found out on the way (encoding,
    delimiter, sheet) by the names of the options that say it.
    """

    rows: list[Row] = field(default_factory=list)
    names: list[str] | None = None
    faults: dict[int, RowFault] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    _cells: int = 0

    def add(self, number: int, cells: Sequence[Cell]) -> None:
        """Keep a row, unless it is blank; raise `Unreadable` above the limits."""
        end = len(cells)
        while end and is_blank(cells[end - 1]):
            end -= 1
        if not end:
            return
        cells = cells[:end]
        self._cells += len(cells)
        if len(self.rows) > MOST_ROWS:
            raise Unreadable(f"more than {MOST_ROWS} rows", "several files of fewer rows", number)
        if len(cells) > MOST_COLUMNS:
            raise Unreadable(f"{len(cells)} cells", f"at most {MOST_COLUMNS} columns", number)
        if self._cells > MOST_CELLS:
            raise Unreadable(f"more than {MOST_CELLS} cells", "several files of fewer rows", number)
        if any(isinstance(cell, str) and len(cell) > MOST_CHARACTERS for cell in cells):
            raise Unreadable("a cell is too long", f"at most {MOST_CHARACTERS} characters", number)
        self.rows.append(Row(number, cells))


def is_blank(cell: Cell) -> bool:
    """True for a cell that says nothing."""
    return cell is None or (isinstance(cell, str) and not cell.strip())
