"""What an import is, for people: the guess of its columns, faults, and how it ended. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from rich.table import Table
from rich.text import Text

Fields = Mapping[str, Any]
_ENDS: Final = {
    ("done", False): "{accepted} of {total} rows were taken, {rejected} refused",
    ("done", True): "{accepted} of {total} rows would be taken, {rejected} refused; nothing was sent",
    ("failed", False): "it failed behind {done} rows: {reason}",
    ("failed", True): "it can't be imported: {reason}",
    ("cancelled", False): "it was ended behind {done} of {total} rows, of which {accepted} were taken",
    ("cancelled", True): "it was ended; nothing was sent",
}


def columns_table(job: Fields) -> Table:
    """Return which column is taken for which field, why, and some of its values."""
    table = Table("column", "field", "because", "it also says", "for example")
    for column in job["columns"]:
        field = column["field"]
        implies = ", ".join(f"{name} {value}" for name, value in column["implies"].items())
        table.add_row(
            Text(column["column"]),
            Text(field, style="green") if field else Text("left out", style="yellow"),
            Text(column["how"] or ""),
            Text(implies),
            Text(" | ".join(column["examples"]), overflow="ellipsis", no_wrap=True),
        )
    return table


def notes_line(job: Fields) -> str:
    """Return how the file is written, in the words of the options that say it."""
    return "read with " + ", ".join(f"{name} {value}" for name, value in job["notes"].items())


def fault_line(row: int, fault: Fields) -> str:
    """Return what is wrong with a row."""
    column = f", {fault['column']}" if fault.get("column") else ""
    return f"row {row}{column}: {fault['reason']}; expected {fault['expected']}"


def summary_line(job: Fields) -> str:
    """Return how an import ended, or how far it is."""
    rows, why = job["rows"], job["reason"] or {}
    row = f"row {why['row']}: " if why.get("row") else ""
    reason = f"{row}{why.get('reason')}; expected {why.get('expected')}"
    text = _ENDS.get((job["state"], job["dry_run"]), "{done} of {total} rows are worked off")
    return text.format(
        accepted=rows["accepted"],
        rejected=rows["rejected"],
        total=rows["total"],
        done=rows["accepted"] + rows["rejected"],
        reason=reason,
    )
