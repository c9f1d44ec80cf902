"""The demo's results: a table, `demo.json`, `demo.html` and `demo-dockings.csv`."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from scenarios.ppe.data import Docking
from scenarios.ppe.metrics import Metrics

COLUMNS = (
    ("units", "{:,}"),
    ("dockings", "{:,}"),
    ("recipients_served", "{:,}"),
    ("holding_days", "{:.2f}"),
    ("unit_miles", "{:,.1f}"),
    ("fill_rate", "{:.3f}"),
    ("fill_of_served", "{:.3f}"),
)


def table(results: Mapping[str, Metrics]) -> Table:
    """Return the figures of each strategy as a table."""
    shown = Table("strategy", *(name.replace("_", " ") for name, _ in COLUMNS))
    for strategy, metrics in results.items():
        shown.add_row(strategy, *(form.format(getattr(metrics, name)) for name, form in COLUMNS))
    return shown


def figures_of(results: Mapping[str, Metrics], facts: Mapping[str, object]) -> dict[str, Any]:
    """Return everything that `demo.json` holds."""
    return {"results": {strategy: asdict(metrics) for strategy, metrics in results.items()}, **facts}


def write(folder: Path, figures: Mapping[str, Any], page: str, dockings: Sequence[Docking]) -> None:
    """Write the figures, the picture, and every docking with the ids of the data."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "demo.json").write_text(json.dumps(figures, indent=2) + "\n")
    (folder / "demo.html").write_text(page)
    with (folder / "demo-dockings.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("date", "don_id", "rec_id", "ppe", "qty"))
        rows.writerows((one.date.isoformat(), one.don_id, one.rec_id, one.ppe, one.qty) for one in dockings)
