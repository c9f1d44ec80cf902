"""A small linear program, solved as its columns come: a simplex tableau in doubles.

Adds, subtracts, multiplies and divides elementwise and in a fixed order alone, which IEEE 754 defines to the
last bit: the same on every machine (ADR 18). Knows nothing of what it decides.
"""

import numpy as np

from matcher.domain.columns import Floats

ENOUGH = 1e-7
"""What a column adds to the value, which is about 1, to be worth taking in."""
_ZERO = 1e-9
_MOST_PIVOTS = 2_000


class Program:
    """max value · x, columns · x ≤ 1, x ≥ 0, of which columns come one by one: a simplex tableau.

    Its first columns are the slacks, which hold the inverse of the basis; its last row the prices.
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._tableau = np.zeros((rows + 1, rows + 1))
        self._tableau[:rows, :rows] = np.eye(rows)
        self._tableau[:rows, -1] = 1.0
        self._basis = list(range(rows))

    @property
    def duals(self) -> Floats:
        """What a unit of each row is worth."""
        duals: Floats = np.maximum(self._tableau[-1, : self._rows], 0.0)
        return duals

    @property
    def value(self) -> float:
        """What the best mixture is worth."""
        return float(self._tableau[-1, -1])

    def add(self, column: Floats, value: float) -> bool:
        """Take a column in; False where it would add nothing."""
        entry = np.zeros(self._rows + 1)
        for row in range(self._rows):
            entry += column[row] * self._tableau[:, row]
        entry[-1] -= value
        if entry[-1] >= -ENOUGH:
            return False
        self._tableau = np.insert(self._tableau, -1, entry, axis=1)
        # Bland's rule lets none of them come again; doubles might, and then what there is does as well.
        for _ in range(_MOST_PIVOTS):
            entering = self._entering()
            leaving = None if entering is None else self._leaving(entering)
            if entering is None or leaving is None:
                break
            self._pivot(leaving, entering)
        return True

    def mixture(self, columns: int) -> list[float]:
        """Return how much of each column is in the best mixture."""
        shares = [0.0] * columns
        for row, column in enumerate(self._basis):
            if column >= self._rows:
                shares[column - self._rows] = float(max(0.0, self._tableau[row, -1]))
        return shares

    def _entering(self) -> int | None:
        reduced = self._tableau[-1, :-1]
        gaining = np.flatnonzero(reduced < -_ZERO)
        return int(gaining[0]) if len(gaining) else None

    def _leaving(self, entering: int) -> int | None:
        column, bound = self._tableau[:-1, entering], self._tableau[:-1, -1]
        rows = np.flatnonzero(column > _ZERO)
        if not len(rows):
            return None
        ratios = np.maximum(bound[rows], 0.0) / column[rows]
        least = rows[ratios <= ratios.min()]
        return min((int(row) for row in least), key=lambda row: self._basis[row])

    def _pivot(self, row: int, column: int) -> None:
        self._tableau[row] /= self._tableau[row, column]
        for other in range(self._rows + 1):
            if other != row and self._tableau[other, column]:
                self._tableau[other] -= self._tableau[other, column] * self._tableau[row]
        self._basis[row] = column
