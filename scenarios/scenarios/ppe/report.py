"""The demo's results: a table, `demo.json`, `demo-dockings.csv`. Must not know how they came about."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

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


def write(
    folder: Path, results: Mapping[str, Metrics], facts: Mapping[str, object], dockings: Sequence[Docking]
) -> None:
    """Write the figures and every docking, with the ids of the data."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {"results": {strategy: asdict(metrics) for strategy, metrics in results.items()}, **facts}
    (folder / "demo.json").write_text(json.dumps(figures, indent=2) + "\n")
    with (folder / "demo-dockings.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("date", "don_id", "rec_id", "ppe", "qty"))
        rows.writerows((one.date.isoformat(), one.don_id, one.rec_id, one.ppe, one.qty) for one in dockings)
