"""What an import is, in a line for people."""

from typing import Any

import pytest

from tenon.cli.imported import fault_line, summary_line
from tenon.client.imports import pairs_of

ROWS = {"total": 5, "accepted": 3, "rejected": 1}
WHY = {"reason": "no rows", "expected": "rows", "row": 1}


@pytest.mark.parametrize(
    ("state", "dry_run", "reason", "line"),
    [
        ("done", False, None, "3 of 5 rows were taken, 1 refused"),
        ("done", True, None, "3 of 5 rows would be taken, 1 refused; nothing was sent"),
        ("failed", False, WHY, "it failed behind 4 rows: row 1: no rows; expected rows"),
        ("failed", True, {**WHY, "row": None}, "it can't be imported: no rows; expected rows"),
        ("cancelled", False, None, "it was ended behind 4 of 5 rows, of which 3 were taken"),
        ("cancelled", True, None, "it was ended; nothing was sent"),
        ("running", False, None, "4 of 5 rows are worked off"),
    ],
)
def test_an_import_is_told_in_a_line(state: str, dry_run: bool, reason: Any, line: str) -> None:
    assert summary_line({"state": state, "dry_run": dry_run, "reason": reason, "rows": ROWS}) == line


def test_a_fault_is_told_with_its_row_and_column() -> None:
    fault = {"reason": "'x' is no number", "expected": "a number"}
    assert fault_line(3, fault) == "row 3: 'x' is no number; expected a number"
    assert fault_line(3, {**fault, "column": "Qty"}) == "row 3, Qty: 'x' is no number; expected a number"


def test_pairs_are_taken_apart_at_the_first_or_the_last_sign() -> None:
    assert pairs_of(["a=b=c", "d="], last=True) == {"a=b": "c", "d": ""}
    assert pairs_of(["a=b=c"], last=False) == {"a": "b=c"}
    with pytest.raises(ValueError, match="no pair"):
        pairs_of(["=x"], last=False)
