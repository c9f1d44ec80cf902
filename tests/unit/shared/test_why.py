"""`tenon why` shows every reason that the matcher gave."""

import io
from typing import Any

from rich.console import Console

from tenon.cli.why import show

POSITION: dict[str, Any] = {
    "market": "own:mask",
    "item": {"unit": "C62"},
    "windows": [{"open": 30}, {"open": 12}],
}


def shown(reasons: dict[str, Any]) -> str:
    out = io.StringIO()
    show(Console(file=out, width=120), POSITION, reasons)
    return out.getvalue()


def test_what_is_open_and_each_failed_test_is_told_most_frequent_first() -> None:
    text = shown({"considered": 9, "failed": {"price": 2, "region": 7}})
    assert "42 C62 open; 9 offers in own:mask" in text
    assert text.index("region") < text.index("price")
    assert "no single change would make an offer dock" in text


def test_each_nearest_miss_says_what_would_have_to_change() -> None:
    miss = {"test": "price", "change": "pay 5 % more", "offers": 2, "quantity": 60}
    text = shown({"considered": 2, "failed": {"price": 2}, "nearest": [miss]})
    row = next(line for line in text.splitlines() if "pay 5 % more" in line)
    assert "2" in row
    assert "60" in row
