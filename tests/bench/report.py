"""The figures as a table and as bench.json. Decides how they look, not what they are."""

import re
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
_PARTS = {
    "ingest.batches": ("bare.batches", "accepted_per_s", "ingest, batches: events/s"),
    "ingest.singles": ("bare.singles", "accepted_per_s", "ingest, single events: events/s"),
    "matcher.log": ("bare.log", "decided_per_s", "matcher, full log, 16 markets: records/s"),
    "webhooks.full": ("bare.calls", "delivered_per_s", "webhooks: calls/s"),
    "tables.csv": ("bare.csv", "rows_per_s", "CSV into events: rows/s of a core"),
    "tables.ndjson": ("bare.ndjson", "rows_per_s", "NDJSON into events: rows/s of a core"),
    "tables.xlsx": ("bare.xlsx", "rows_per_s", "XLSX into events: rows/s of a core"),
    "streams.full": ("bare.streams", "streamed_per_s", "streams, 1,000 clients: events/s"),
}
"""Of each part its baseline, its figure of speed, and how it is called."""
_MARKET = re.compile(r"(market\.(\d+)\.log)\.decided_per_s")
_SCALE = re.compile(r"scale\.(\w+)\.(\d+)\.per_s")
_OTHERS = {
    "matcher.open": ("positions open at the end, 16 markets", ""),
    "matcher.opening_per_s": ("positions opened/s", ""),
    "restart.memory_bytes_per_open": ("memory of a matcher per open position", "bytes"),
    "restart.table_bytes_per_open": ("tables per open position", "bytes"),
    "restart.load_s": ("a matcher's state loaded", "s"),
    "restart.stopped.first_s": ("stopped and started: until its first partition decides", "s"),
    "restart.stopped.all_s": ("… until all do", "s"),
    "restart.killed.first_s": ("killed and started: until its first partition decides", "s"),
    "restart.killed.all_s": ("… until all do", "s"),
    "handover.rest_s": ("longest time without decisions: at rest", "s"),
    "handover.join_s": ("… a matcher joins", "s"),
    "handover.leave_s": ("… it leaves", "s"),
    "handover.join_again_s": ("… it joins again", "s"),
    "handover.kill_s": ("… it is killed", "s"),
    "webhooks.half.wait_p50_ms": ("webhooks at half load: from feed to receiver, p50", "ms"),
    "webhooks.half.wait_p99_ms": ("webhooks at half load: from feed to receiver, p99", "ms"),
    "isolation.alone.wait_p99_ms": ("webhooks, 40 endpoints: from feed to receiver, p99", "ms"),
    "isolation.hanging.wait_p99_ms": ("… with 10 more that hang", "ms"),
    "isolation.ratio": ("… as long as without them", "times"),
}
_CPU = "cpu_us."


def document(runs: Sequence[Figures], machine: Mapping[str, Any], load: Mapping[str, Any]) -> dict[str, Any]:
    """Return bench.json: of each figure and each ratio the median and the value of each run."""
    others = [max(value for name, value in run.items() if name.endswith("others_share")) for run in runs]
    return {
        "machine": {**machine, "others_share": max(others)},
        "load": dict(load),
        "figures": _spread(runs),
        "ratios_to_bare": _spread([_compared(run) for run in runs]),
    }


def _compared(run: Figures) -> Figures:
    compared = ratios(run, BASE, FULL)
    for other, (base, _, _) in _parts(run).items():
        compared |= ratios(run, base, other)
    return compared


def _parts(figures: Figures) -> dict[str, tuple[str, str, str]]:
    """Return the parts that were measured, one market by its numbers of open positions among them."""
    found = {other: part for other, part in _PARTS.items() if f"{other}.{part[1]}" in figures}
    for market in filter(None, map(_MARKET.fullmatch, figures)):
        label = f"matcher, one market of {int(market[2]):,} open: records/s"
        found[market[1]] = ("bare.log", "decided_per_s", label)
    return found


def _spread(runs: Sequence[Figures]) -> dict[str, dict[str, Any]]:
    middle = medians(runs)
    return {
        name: {"median": round(middle[name], 4), "runs": [round(run[name], 4) for run in runs]}
        for name in middle
    }


def tables(told: Mapping[str, Any]) -> list[Table]:
    """Return the medians of bench.json as tables for the terminal, of what was measured."""
    whole = any(name.startswith(f"{FULL}.") for name in told["figures"])
    parts = bool(_parts(told["figures"]) or _OTHERS.keys() & told["figures"].keys())
    scales = any(map(_SCALE.fullmatch, told["figures"]))
    return [
        *([line(told), kept(told)] if whole else []),
        *([alone(told)] if parts else []),
        *([scaled(told)] if scales else []),
    ]


def line(told: Mapping[str, Any]) -> Table:
    """Return the whole line beside the bare pipeline."""
    figures, shown = _medians(told), _compared_table(_title(told))
    for name, label in (*_SPEEDS.items(), *_cpu_labels(figures)):
        shown.add_row(label, *_row(told, BASE, FULL, name))
    for name, label in _LATENCIES.items():
        shown.add_row(label, "", f"{figures[name]:,.1f} ms", "")
    return shown


def alone(told: Mapping[str, Any]) -> Table:
    """Return each part alone beside its own baseline."""
    figures, shown = _medians(told), _compared_table(f"parts alone: {_title(told)}")
    for other, (base, speed, label) in _parts(figures).items():
        shown.add_row(label, *_row(told, base, other, speed))
        shown.add_row("  CPU µs each, of all processes", *_row(told, base, other, f"{_CPU}all"))
    for name, (label, unit) in _OTHERS.items():
        if name in figures:
            value = f"{figures[name]:,.2f}" if unit in ("s", "times") else _number(figures[name])
            shown.add_row(label, "", f"{value} {unit}".rstrip(), "")
    return shown


def scaled(told: Mapping[str, Any]) -> Table:
    """Return what more processes of a service bring, beside one of it."""
    figures, shown = _medians(told), Table(title=f"more processes: {_title(told)}")
    for heading in ("", "per s", "to one"):
        shown.add_column(heading, justify="right" if heading else "left")
    for found in filter(None, map(_SCALE.fullmatch, figures)):
        per_s = figures[found[0]]
        ratio = per_s / figures[f"scale.{found[1]}.1.per_s"]
        shown.add_row(f"{found[2]} of {found[1]}", _number(per_s), f"{ratio:.2f}")
    return shown


def _compared_table(title: str) -> Table:
    shown = Table(title=title)
    for heading in ("", "bare", "Tenon", "ratio"):
        shown.add_column(heading, justify="right" if heading else "left")
    return shown


def _row(told: Mapping[str, Any], base: str, other: str, name: str) -> tuple[str, str, str]:
    """Return a figure of the baseline, of what is compared, and the ratio."""
    figures, ratio = _medians(told), told["ratios_to_bare"].get(f"{other}.{name}")
    shown = "" if ratio is None else f"{ratio['median']:.3f}"
    return _number(figures.get(f"{base}.{name}")), _number(figures.get(f"{other}.{name}")), shown


def _medians(told: Mapping[str, Any]) -> Figures:
    return {name: each["median"] for name, each in told["figures"].items()}


def kept(told: Mapping[str, Any]) -> Table:
    """Return what a thousand events leave in tables and logs, as a table for the terminal."""
    figures, shown = _medians(told), Table(title="kept of 1,000 events")
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
    ours = [name for name in figures if name.startswith((f"{BASE}.{_CPU}", f"{FULL}.{_CPU}"))]
    found = dict.fromkeys(name[name.index(_CPU) :] for name in ours)
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
