"""The figures as a table and as bench.json. Decides how they look, not what they are."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from tests.bench.measures import Figures, medians, ratios
from tests.bench.size import BYTES, LOG, ROWS

BASE, FULL = "bare", "tenon.full"
_SPEEDS = {
    "decided_per_s": "events/s, decided",
    "accepted_per_s": "events/s, accepted",
    "told_per_s": "events/s, told by the notifier",
    "dockings_per_s": "dockings/s",
}
_LATENCIES = {
    "tenon.half.latency_p50_ms": "docked at half load, p50",
    "tenon.half.latency_p99_ms": "docked at half load, p99",
    "tenon.single.latency_p50_ms": "docked, one event at rest, p50",
}
_CPU = "cpu_us."


def document(runs: Sequence[Figures], machine: Mapping[str, Any], load: Mapping[str, Any]) -> dict[str, Any]:
    """Return bench.json: of each figure and each ratio the median and the value of each run."""
    compared = [ratios(run, BASE, FULL) for run in runs]
    others = [max(value for name, value in run.items() if name.endswith("others_share")) for run in runs]
    return {
        "machine": {**machine, "others_share": max(others)},
        "load": dict(load),
        "figures": _spread(runs),
        "ratios_to_bare": _spread(compared),
    }


def _spread(runs: Sequence[Figures]) -> dict[str, dict[str, Any]]:
    middle = medians(runs)
    return {
        name: {"median": round(middle[name], 4), "runs": [round(run[name], 4) for run in runs]}
        for name in middle
    }


def table(told: Mapping[str, Any]) -> Table:
    """Return the medians of bench.json as a table for the terminal."""
    figures = {name: each["median"] for name, each in told["figures"].items()}
    shares = {name: each["median"] for name, each in told["ratios_to_bare"].items()}
    shown = Table(title=_title(told))
    for heading in ("", "bare", "Tenon", "ratio"):
        shown.add_column(heading, justify="right" if heading else "left")
    for name, label in (*_SPEEDS.items(), *_cpu_labels(figures)):
        row = (figures.get(f"{BASE}.{name}"), figures.get(f"{FULL}.{name}"), shares.get(f"{FULL}.{name}"))
        shown.add_row(label, _number(row[0]), _number(row[1]), "" if row[2] is None else f"{row[2]:.3f}")
    for name, label in _LATENCIES.items():
        shown.add_row(label, "", f"{figures[name]:,.1f} ms", "")
    return shown


def kept(told: Mapping[str, Any]) -> Table:
    """Return what a thousand events leave in tables and logs, as a table for the terminal."""
    figures = {name: each["median"] for name, each in told["figures"].items()}
    shown = Table(title="kept of 1,000 events")
    for heading in ("", "rows", "bytes"):
        shown.add_column(heading, justify="right" if heading else "left")
    for name, grown in sorted(figures.items()):
        if name.startswith(f"tenon.kept.{BYTES}") and grown >= 1:
            table_name = name.removeprefix(f"tenon.kept.{BYTES}")
            shown.add_row(table_name, _number(figures[f"tenon.kept.{ROWS}{table_name}"]), _number(grown))
        elif name.startswith(f"tenon.kept.{LOG}") and grown >= 1:
            shown.add_row(f"log of {name.removeprefix(f'tenon.kept.{LOG}')}", "", _number(grown))
    return shown


def _cpu_labels(figures: Figures) -> list[tuple[str, str]]:
    found = dict.fromkeys(name[name.index(_CPU) :] for name in figures if _CPU in name)
    last = sorted(found, key=lambda name: name.endswith(".all"))
    return [(name, f"CPU µs per event: {name.removeprefix(_CPU)}") for name in last]


def _title(told: Mapping[str, Any]) -> str:
    machine = told["machine"]
    runs = len(next(iter(told["figures"].values()))["runs"])
    return (
        f"{machine['cpu']}, {machine['cores']} cores, commit {machine['commit'][:9]}"
        f"{' (changed)' if machine['dirty'] else ''}, median of {runs};"
        f" others used up to {machine['others_share']:.0%} of the machine"
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
