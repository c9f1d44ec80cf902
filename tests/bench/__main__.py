"""`python -m tests.bench`, or `make bench`: how fast the line is, beside a bare pipeline in the same run."""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.status import Status

from tenon.errors import TenonError
from tenon_local.errors import LocalError
from tenon_local.together import cancelled_by_signals
from tests.bench import baseline, line, machine, report
from tests.bench.course import Course
from tests.bench.helpers import HelperEnded
from tests.bench.measures import Figures
from tests.bench.rig import BenchFailed
from tests.support.stack import folder

_RUN_S = 900


@click.command()
@click.option("--runs", default=1, show_default=True, help="Figures are the medians of so many runs.")
@click.option("--seconds", default=10.0, show_default=True, help="Length of each phase of the load.")
@click.option("--batch", default=100, show_default=True, help="Events in a request.")
@click.option("--connections", default=8, show_default=True, help="Requests at a time.")
@click.option("--outstanding", default=4_000, show_default=True, help="Events sent and not yet decided.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("build/bench.json"), show_default=True)
def bench(runs: int, seconds: float, batch: int, connections: int, outstanding: int, out: Path) -> None:
    """Measure events per second and processor time per event, end to end and of a bare pipeline."""
    course, console, facts = Course(seconds, batch, connections, outstanding), Console(), machine.facts()
    try:
        with console.status("starting") as status:
            measured = asyncio.run(_runs(runs, course, status))
    except (BenchFailed, HelperEnded, LocalError, TenonError) as error:
        raise click.ClickException(str(error)) from error
    except TimeoutError as error:
        raise click.ClickException("the run took too long") from error
    except asyncio.CancelledError:
        raise click.Abort from None
    told = report.document(measured, facts, asdict(course))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(told, indent=1) + "\n")
    console.print(report.table(told))
    console.print(report.kept(told))
    console.print(str(out))


async def _runs(runs: int, course: Course, status: Status) -> list[Figures]:
    with cancelled_by_signals():
        return [await _run(f"run {number} of {runs}", course, status) for number in range(1, runs + 1)]


async def _run(title: str, course: Course, status: Status) -> Figures:
    """Measure both pipelines one after the other on a stack of their own, the services started in between."""
    with folder() as path:
        async with asyncio.timeout(_RUN_S), line.stack_of_stores(path) as stack:
            bare = await baseline.run(stack, course, lambda far: status.update(f"{title}, bare: {far}"))
            full = await line.run(stack, course, lambda far: status.update(f"{title}, Tenon: {far}"))
            return {**bare, **full}


if __name__ == "__main__":
    bench()
