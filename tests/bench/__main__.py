"""`python -m tests.bench`, or `make bench`: what the line and its parts can do, beside bare ones."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.status import Status

from tenon.errors import TenonError
from tenon_local.errors import LocalError
from tenon_local.together import cancelled_by_signals
from tests.bench import (
    calls,
    fanout,
    handover,
    intake,
    isolation,
    line,
    machine,
    matching,
    report,
    scaling,
    tables,
)
from tests.bench.course import Course
from tests.bench.cpu import Others
from tests.bench.failing import BenchFailed
from tests.bench.helpers import HelperEnded
from tests.bench.measures import Figures
from tests.bench.rig import Part

PARTS: Mapping[str, Part] = {
    "line": line.run,
    "ingest": intake.run,
    "matcher": matching.many_markets,
    "market": matching.one_market,
    "handover": handover.run,
    "webhooks": calls.run,
    "scale": scaling.run,
    "tables": tables.run,
    "isolation": isolation.run,
    "streams": fanout.run,
}
_ON_REQUEST = frozenset({"scale"})
"""Parts that not every machine lets a user measure."""
_PART_S = 1_800


@click.command()
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(list(PARTS)),
    help="Not all parts, but this one; `scale` only so.",
)
@click.option("--runs", default=1, show_default=True, help="Figures are the medians of so many runs.")
@click.option("--seconds", default=8.0, show_default=True, help="Length of each phase of a load.")
@click.option("--batch", default=100, show_default=True, help="Events in a request.")
@click.option("--connections", default=8, show_default=True, help="Requests at a time.")
@click.option("--outstanding", default=4_000, show_default=True, help="Events sent and not yet decided.")
@click.option("--open", "positions", default=100_000, show_default=True, help="Positions a matcher holds.")
@click.option("--records", default=20_000, show_default=True, help="Records that it then decides.")
@click.option("--crowd", default=10_000, show_default=True, help="Positions open in one market, at most.")
@click.option("--crowd-records", default=6_000, show_default=True, help="Records decided there, each time.")
@click.option("--deliveries", default=12_000, show_default=True, help="Calls of webhooks from full feeds.")
@click.option("--streamed", default=2_000, show_default=True, help="Events that a thousand clients get.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("build/bench.json"), show_default=True)
def bench(only: Sequence[str], runs: int, out: Path, **chosen: float) -> None:
    """Measure events per second and processor time per event: end to end, part by part, and of bare ones."""
    course, console, facts = Course(**chosen), Console(), machine.facts()  # type: ignore[arg-type]
    try:
        with console.status("starting") as status:
            measured = asyncio.run(
                _runs(runs, only or [name for name in PARTS if name not in _ON_REQUEST], course, status)
            )
    except (AssertionError, BenchFailed, HelperEnded, LocalError, TenonError) as error:
        raise click.ClickException(str(error)) from error
    except TimeoutError as error:
        raise click.ClickException("the run took too long") from error
    except asyncio.CancelledError:
        raise click.Abort from None
    told = report.document(measured, facts, asdict(course))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(told, indent=1) + "\n")
    for table in report.tables(told):
        console.print(table)
    console.print(str(out))


async def _runs(runs: int, parts: Sequence[str], course: Course, status: Status) -> list[Figures]:
    with cancelled_by_signals():
        return [await _run(f"run {number} of {runs}", parts, course, status) for number in range(1, runs + 1)]


async def _run(title: str, parts: Sequence[str], course: Course, status: Status) -> Figures:
    """Measure the parts one after the other, each on a stack of its own."""
    figures: Figures = {}
    for part in parts:

        def show(far: str, part: str = part) -> None:
            status.update(f"{title}, {part}: {far}")

        others = Others()
        async with asyncio.timeout(_PART_S):
            figures |= await PARTS[part](course, show)
        figures[f"{part}.others_share"] = others.share()
    return figures


if __name__ == "__main__":
    bench()
