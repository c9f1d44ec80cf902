"""`tenon demo`: the whole line on real input, with a report beside what others would have decided."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.status import Status

from scenarios.ppe import baselines, report, story
from scenarios.ppe.data import Dataset, DatasetMissing, Docking, load
from scenarios.ppe.layout import rebuild
from scenarios.ppe.metrics import measure
from scenarios.ppe.picture import draw
from scenarios.ppe.run import Run, RunFailed, run

DEFAULT, EVERYTHING = "Tenon", "Tenon, docks everything"


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("build"), help="Folder for the results.")
def demo(out: Path) -> None:
    """Stream GetUsPPE's offers and requests of March to July 2020 through the whole line."""
    console = Console()
    try:
        _demo(console, out)
    except (DatasetMissing, RunFailed) as error:
        raise click.ClickException(str(error)) from error


def _demo(console: Console, out: Path) -> None:
    with console.status("reading the data") as status:
        data = load()
        layout = rebuild(data)
        runs: dict[str, Run] = {}
        seconds: dict[str, float] = {}
        for name, policy in ((DEFAULT, story.near_and_whole()), (EVERYTHING, story.everything())):
            began = time.monotonic()
            with _folder() as folder:
                runs[name] = asyncio.run(
                    run(
                        data,
                        layout.places,
                        policy,
                        folder,
                        lambda *told, name=name: _show(status, name, *told),
                    )
                )
            seconds[name] = round(time.monotonic() - began, 1)
        status.update("what others would have decided")
        made = {name: one.dockings for name, one in runs.items()} | _others(data)
        results = {name: measure(data, dockings) for name, dockings in made.items()}
    facts = {
        "seconds": seconds,
        "digests": {name: one.digests for name, one in runs.items()},
        "layout_median_error_miles": layout.median_error_miles,
    }
    figures = report.figures_of(results, facts)
    report.write(out, figures, draw(figures, layout.places, made), runs[DEFAULT].dockings)
    console.print(report.table(results))
    console.print(f"{out}/demo.html, {out}/demo.json, {out}/demo-dockings.csv")


def _others(data: Dataset) -> dict[str, list[Docking]]:
    return {
        "package, first come": baselines.first_come(data),
        "package, proximity": baselines.proximity(data),
        "greedy at each event": baselines.greedy(data),
        "greedy, at most 500 miles": baselines.greedy(data, most_miles=500),
    }


def _show(status: Status, name: str, what: str, done: int, of: int) -> None:
    status.update(f"{name}: {what}" + (f" ({done} of {of})" if of else ""))


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tenon-demo-") as path:
        folder = Path(path)
        folder.chmod(0o755)
        yield folder
