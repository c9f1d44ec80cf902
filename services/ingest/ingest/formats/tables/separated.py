"""CSV (RFC 4180) and its relatives: a separator, quotes, and nothing else that can be relied on."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from ingest.formats.tables.encoding import text_of
from ingest.formats.tables.faults import Unreadable
from ingest.formats.tables.sheet import MOST_CHARACTERS, Sheet

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
"""What `delimiter=` may name."""
Known = Callable[[Sequence[str]], int]
"""How many known columns a row of names has."""
_LOOKED_AT = 10
_SAID = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
_WORDS = {
    "unexpected end of data": ("a quote is opened and never closed", 'a quote inside a text doubled: ""'),
    "expected after": ("text behind a closing quote", 'a quote inside a text doubled: ""'),
    "field larger": ("a cell is too long", f"at most {MOST_CHARACTERS} characters; is a quote left open?"),
    "new-line character": ("a lone carriage return", "lines that end with LF or CR LF"),
}


def read(body: bytes, encoding: str | None, delimiter: str | None, known: Known) -> Sheet:
    """Return the rows of a file; raise `Unreadable`."""
    text, found = text_of(body, encoding, lambda line: _names_columns(line, known))
    said = _SAID.match(text)
    mark = DELIMITERS[delimiter] if delimiter else said[1] if said else _guess(text, known)
    sheet = Sheet(notes={"encoding": found, "delimiter": _name(mark)})
    for number, cells in _records(text, mark):
        if not (said and number == 1):
            sheet.add(number, cells)
    return sheet


def _names_columns(line: str, known: Known) -> bool:
    """Tell whether two columns are known by names that only the right encoding gives."""

    def foreign(names: Sequence[str]) -> int:
        return known([name for name in names if not name.isascii()])

    return any(_worth(line, mark, foreign)[0] >= 2 for mark in DELIMITERS.values())


def _guess(text: str, known: Known) -> str:
    """Return the separator by which the first rows name most known columns, else have most cells."""
    first = "".join(islice(io.StringIO(text, newline=""), _LOOKED_AT))
    return max(DELIMITERS.values(), key=lambda mark: _worth(first, mark, known))


def _worth(text: str, mark: str, known: Known) -> tuple[int, int]:
    """Return how many known columns the best row names, and how many cells the longest has."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))
    except csv.Error:
        return 0, 0
    return max(map(known, rows), default=0), max(map(len, rows), default=0)


def _records(text: str, mark: str) -> Iterator[tuple[int, Sequence[str]]]:
    number = 0
    try:
        for number, cells in enumerate(
            csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True), 1
        ):
            yield number, cells
    except csv.Error as error:
        reason, expected = next(
            (words for start, words in _WORDS.items() if start in str(error)), (str(error), "CSV (RFC 4180)")
        )
        raise Unreadable(reason, expected, number + 1) from error


def _name(mark: str) -> str:
    return next((name for name, sign in DELIMITERS.items() if sign == mark), mark)
