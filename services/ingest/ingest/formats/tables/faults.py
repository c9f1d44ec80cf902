"""What is wrong with a file, or with one of its rows, in the words of whoever keeps the table."""

import msgspec

MOST_SHOWN = 60


class RowFault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong with a row; `column` as the file calls it, None where it is the whole row."""

    row: int
    reason: str
    expected: str
    column: str | None = None


class BadCell(ValueError):
    """A cell can't be what its column says."""

    def __init__(self, reason: str, expected: str) -> None:
        super().__init__(f"{reason}; expected {expected}")
        self.reason, self.expected = reason, expected


class Unreadable(ValueError):
    """A file can't be used at all: why, what would be right, and the row where that is known."""

    def __init__(self, reason: str, expected: str, row: int | None = None) -> None:
        super().__init__(f"{f'row {row}: ' if row else ''}{reason}; expected {expected}")
        self.reason, self.expected, self.row = reason, expected, row


def shown(value: object) -> str:
    """Return a value as it is put into a message, cut where it is long."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."
