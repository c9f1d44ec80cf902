"""`tenon demo`: the whole line on real input, with a report beside what others would have decided."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from scenarios.ppe import baselines, report, story
from scenarios.ppe.data import Dataset, DatasetMissing, Docking, load
from scenarios.ppe.layout import Layout, rebuild
from scenarios.ppe.live import Scene
from scenarios.ppe.metrics import measure
from scenarios.ppe.picture import draw
from scenarios.ppe.run import Run, RunFailed, run
from scenarios.ppe.showing import showing
from tenon.contracts.intake import PolicyPublished
from tenon.errors import TenonError
from tenon_local.errors import LocalError

POLICIES = {"Tenon": story.near_and_whole(), "Tenon, docks everything": story.everything()}
"""The demo's policies by the name of their row; the first is the default, whose dockings are listed."""
_PAGE_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Timed:
    """A run, and how long it took with the start of its stack."""

    run: Run
    seconds: float


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("build"), help="Folder for the results.")
def demo(out: Path) -> None:
    """Stream GetUsPPE's offers and requests of March to July 2020 through the whole line."""
    try:
        _demo(_console(), out)
    except (DatasetMissing, RunFailed, LocalError, TenonError) as error:
        raise click.ClickException(str(error)) from error


def _console() -> Console:
    """Return the terminal, or a page wide enough for the table where the output is none."""
    console = Console()
    return console if console.is_terminal else Console(width=_PAGE_WIDTH)


def _demo(console: Console, out: Path) -> None:
    with console.status("reading the data"):
        data = load()
        layout = rebuild(data)
    runs = {name: _run(console, data, layout, Scene(name), policy) for name, policy in POLICIES.items()}
    with console.status("what others would have decided"):
        made = {name: timed.run.dockings for name, timed in runs.items()} | _others(data)
        results = {name: measure(data, dockings) for name, dockings in made.items()}
    figures = report.figures_of(results, _facts(runs, layout))
    report.write(out, figures, draw(figures, layout.places, made, data.distances), made[next(iter(runs))])
    console.print(report.table(results))
    console.print(f"{out}/demo.html, {out}/demo.json, {out}/demo-dockings.csv")


def _run(console: Console, data: Dataset, layout: Layout, scene: Scene, policy: PolicyPublished) -> Timed:
    began = time.monotonic()
    with _folder() as folder, showing(console, scene):
        done = asyncio.run(run(data, layout.places, policy, folder, scene))
    return Timed(done, round(time.monotonic() - began, 1))


def _facts(runs: dict[str, Timed], layout: Layout) -> dict[str, object]:
    return {
        "seconds": {name: timed.seconds for name, timed in runs.items()},
        "digests": {name: timed.run.digests for name, timed in runs.items()},
        "layout_median_error_miles": layout.median_error_miles,
    }


def _others(data: Dataset) -> dict[str, list[Docking]]:
    return {
        "package, first come": baselines.first_come(data),
        "package, proximity": baselines.proximity(data),
        "greedy at each event": baselines.greedy(data),
        "greedy, at most 500 miles": baselines.greedy(data, most_miles=500),
    }


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tenon-demo-") as path:
        folder = Path(path)
        folder.chmod(0o755)
        yield folder
