"""Open windows as columns of numbers, so that a round looks at all pairs of a market at once.

A table holds the open windows of one class, without gaps: what leaves is replaced by the last row. Rows have
no order of their own; whoever decides sorts what it takes. Integers are exact; positions are vectors
of length 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Ref = TypeVar("Ref")
NO_CEILING = -1
_FIRST_ROWS = 16


def least(costs: Ints, *order: Ints, most: int) -> Ints:
    """Return the places of the least costs, at most so many; of equal ones those first in order."""
    if len(costs) <= most:
        return np.arange(len(costs))
    near = np.flatnonzero(costs <= np.partition(costs, most)[most])
    ranks = (column[near] for column in reversed(order))
    return near[np.lexsort((*ranks, costs[near]))[:most]]


def groups(numbers: Ints) -> Iterator[Ints]:
    """Yield the places of each number."""
    if len(numbers):
        order = np.argsort(numbers, kind="stable")
        yield from np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)


class Column(IntEnum):
    """What is known of a window. `PICKY`: tests that numbers can't decide are asked of each pair."""

    FROM_MS = 0
    UNTIL_MS = 1
    SINCE_MS = 2
    PARTY = 3
    SITE = 4
    UNIT = 5
    KIND = 6
    CURRENCY = 7
    PICKY = 8
    PRICE_MICROS = 9
    """Of an offer its price, of a demand the highest that it pays, or `NO_CEILING`."""
    QUANTITY = 10
    """What is free of it, or open."""
    ORDER = 11
    """Rises with the place in the log of the offer or demand, then with the window's place in it."""
    TIER = 12
    LEAD_MS = 13
    VALID_UNTIL_MS = 14
    READINESS_PPM = 15
    DUE_MS = 16
    LEAST = 17
    """What a docking for it moves at least."""
    FLEXIBLE = 18


Row = tuple[int, ...]
Vector = tuple[float, float, float]


class Table(Generic[Ref]):
    """The open windows of one class of goods, on one side of a market."""

    def __init__(self) -> None:
        self._rows: dict[str, list[int]] = {}
        self._refs: list[tuple[str, Ref]] = []
        self._ints = np.zeros((len(Column), _FIRST_ROWS), dtype=np.int64)
        self._places = np.zeros((3, _FIRST_ROWS), dtype=np.float64)

    def __len__(self) -> int:
        """Return of how many offers or demands something is open."""
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        """Yield their keys."""
        return iter(self._rows)

    def __contains__(self, key: object) -> bool:
        """Return whether something is open of an offer or demand."""
        return key in self._rows

    @property
    def height(self) -> int:
        """How many windows there are."""
        return len(self._refs)

    def ints(self, column: Column) -> Ints:
        """Return a column, one number for each window."""
        whole: Ints = self._ints[column, : self.height]
        return whole

    @property
    def places(self) -> Floats:
        """Where the windows' sites are: three rows, one column for each window."""
        whole: Floats = self._places[:, : self.height]
        return whole

    def ref(self, row: int) -> Ref:
        """Return what stands in a row."""
        return self._refs[row][1]

    def rows_of(self, keys: Iterable[str]) -> Ints:
        """Return the rows of some offers or demands, those that are not here left out."""
        return np.array([row for key in keys for row in self._rows.get(key, ())], dtype=np.int64)

    def put(self, key: str, place: Vector, windows: Sequence[tuple[Ref, Row]]) -> None:
        """Replace the windows of an offer or demand; without any, it is not open."""
        self.remove(key)
        if not windows:
            return
        first, end = self.height, self.height + len(windows)
        if end > self._ints.shape[1]:
            self._grow()
        for row, (ref, numbers) in enumerate(windows, first):
            self._refs.append((key, ref))
            self._ints[:, row] = numbers
            self._places[:, row] = place
        self._rows[key] = list(range(first, end))

    def remove(self, key: str) -> None:
        """Take an offer or demand out, if it is here."""
        for row in sorted(self._rows.pop(key, ()), reverse=True):
            last = self.height - 1
            if row != last:
                moved = self._refs[row] = self._refs[last]
                self._ints[:, row] = self._ints[:, last]
                self._places[:, row] = self._places[:, last]
                rows = self._rows[moved[0]]
                rows[rows.index(last)] = row
            self._refs.pop()

    def _grow(self) -> None:
        self._ints = np.concatenate((self._ints, np.zeros_like(self._ints)), axis=1)
        self._places = np.concatenate((self._places, np.zeros_like(self._places)), axis=1)
