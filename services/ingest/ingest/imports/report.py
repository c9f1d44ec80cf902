"""The report of rows as CSV, a line per fault. Pure.

What spreadsheet programs would take for a formula is written so that they show it as text.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from ingest.imports.job import RowOutcome

HEADER = ("row", "outcome", "column", "reason", "expected", "event")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def lines_of(rows: Iterable[RowOutcome]) -> Iterator[Sequence[str]]:
    """Yield the lines of rows: one for each fault, one for a row without."""
    for row in rows:
        told = [(fault.column or "", fault.reason, fault.expected) for fault in row.faults] or [("", "", "")]
        for line in told:
            yield (str(row.row), row.outcome, *map(_shown_as_text, line), str(row.event))


def text_of(lines: Iterable[Sequence[str]]) -> str:
    """Return lines as CSV."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue()


def _shown_as_text(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
