"""`tenon import FILE`: a table of people's to ingest, with the guess of its columns shown before it acts.

The service does the work, so an import goes on when this command is interrupted; `--resume` looks again.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, BinaryIO, Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tenon.cli.imported import columns_table, fault_line, notes_line, summary_line
from tenon.cli.running import client, run
from tenon.client import TenonClient, Unreachable, Upload
from tenon.client.imports import ENDED, pairs_of

JsonObject = dict[str, Any]
_FORMATS: Final = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
}
_LOOK_S: Final = 0.3
_SHOWN: Final = 20
_SAID: Final = ("encoding", "delimiter", "decimal", "dates", "zone", "sheet", "revision")


@click.command("import")
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--kind", help="What its rows are: offers, demands, sites, parties, routes, progress …")
@click.option(
    "--format", "form", type=click.Choice(["csv", "xlsx", "ndjson"]), help="If its name does not say."
)
@click.option(
    "--map", "columns", multiple=True, metavar="COLUMN=FIELD", help="A column's field; COLUMN= leaves it out."
)
@click.option("--set", "values", multiple=True, metavar="FIELD=VALUE", help="For rows whose cell is empty.")
@click.option("--encoding", help="utf-8, utf-16, gb18030, windows-1252 …, if it can't be seen.")
@click.option("--delimiter", help="comma, semicolon, tab or pipe, if it can't be seen.")
@click.option("--decimal", help="point or comma: what stands before decimals, if it can't be seen.")
@click.option("--dates", help="day-first or month-first: how 01/02/2030 is meant, if it can't be seen.")
@click.option("--zone", help="Of times without one: UTC if not said, +08:00, Europe/Berlin.")
@click.option("--sheet", help="Of a workbook; the first visible one if not said.")
@click.option("--revision", type=click.IntRange(min=1), help="Of rows that say none; the time if not said.")
@click.option("--dry-run", is_flag=True, help="Do everything but send.")
@click.option("--yes", is_flag=True, help="Ask nothing: for scripts.")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Write what became of each row (CSV)."
)
@click.option("--resume", metavar="JOB", help="Instead of a file: go on looking at an import.")
@click.option("--cancel", metavar="JOB", help="Instead of a file: end an import where it is.")
@click.option("--template", metavar="KIND", help="Instead of a file: get one to begin with.")
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Where the template goes."
)
def import_file(file: BinaryIO | None, **said: Any) -> None:
    """Import the rows of FILE (CSV, XLSX, NDJSON): offers, demands, sites and so on, one kind per file.

    Shows which column is taken for which field, with some of its values and what would be refused, and asks
    before anything is sent. Ends with status 1 when a row was refused; the others are taken nevertheless.
    """
    wanted = [file is not None, *(bool(said[name]) for name in ("resume", "cancel", "template"))]
    if sum(wanted) != 1:
        raise click.UsageError("name a FILE, or one of --resume, --cancel and --template")
    if said["template"]:
        _give(run(_template(said["template"], said["output"])), said["output"])
        return
    if said["cancel"]:
        run(_cancel(said["cancel"]))
        return
    work = _resume(said["resume"], said["report"]) if file is None else _import(_upload(file, said), said)
    if not run(work):
        raise click.exceptions.Exit(1)


def _upload(file: BinaryIO, said: dict[str, Any]) -> Upload:
    name = Path(str(getattr(file, "name", "-")))
    form = said["form"] or _FORMATS.get(name.suffix.lower())
    if form is None:
        raise click.UsageError(f"{name}: its name does not say what it is; give --format csv, xlsx or ndjson")
    if not said["kind"]:
        raise click.UsageError("say what its rows are: --kind offers, for example")
    try:
        columns, values = pairs_of(said["columns"], last=True), pairs_of(said["values"], last=False)
    except ValueError as error:
        raise click.UsageError(f"{error}; --map COLUMN=FIELD, --set FIELD=VALUE") from error
    options = {option: str(said[option]) for option in _SAID if said[option]}
    if name.suffix.lower() == ".tsv":
        options.setdefault("delimiter", "tab")
    return Upload(said["kind"], form, file.read(), name.name, columns, values, options)


async def _import(upload: Upload, said: dict[str, Any]) -> bool:
    """Return whether every row was taken, or with --dry-run would be."""
    console = _console()
    async with client() as tenon:
        if said["dry_run"] or not said["yes"]:
            tried = await _followed(tenon, await tenon.imports.begin(upload, dry_run=True), console)
            taken = await _told(tenon, tried, console, said["report"] if said["dry_run"] else None)
            if said["dry_run"] or tried["state"] != "done" or not tried["rows"]["accepted"]:
                return taken
            if not click.confirm(f"Import {tried['rows']['accepted']} rows?", err=True):
                return False
        job = await tenon.imports.begin(upload)
        console.print(f"import {job['job']} has begun", markup=False)
        done = await _followed(tenon, job, console)
        return await _told(tenon, done, console, said["report"], columns=said["yes"])


async def _resume(job: str, report: Path | None) -> bool:
    console = _console()
    async with client() as tenon:
        found = await tenon.imports.state(job)
        return await _told(tenon, await _followed(tenon, found, console), console, report)


async def _cancel(job: str) -> None:
    async with client() as tenon:
        await tenon.imports.cancel(job)
        click.echo(summary_line(await tenon.imports.state(job)), err=True)


async def _template(kind: str, output: Path | None) -> bytes:
    form = "csv" if output is None else _FORMATS.get(output.suffix.lower(), "csv")
    async with client() as tenon:
        return await tenon.imports.template(kind, form)


def _give(body: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(body)
    else:
        output.write_bytes(body)
        click.echo(f"{output} written", err=True)


async def _followed(tenon: TenonClient, job: JsonObject, console: Console) -> JsonObject:
    """Return a job when it has ended; told how to go on where that is not waited for."""
    hint = f"the import goes on without this command; tenon import --resume {job['job']} looks at it again"
    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*shown, console=console, transient=True, disable=not console.is_terminal)
    try:
        with bar:
            task = bar.add_task("looking" if job["dry_run"] else "importing", total=None)
            while job["state"] not in ENDED:
                await asyncio.sleep(_LOOK_S)
                job = await tenon.imports.state(job["job"])
                rows = job["rows"]
                bar.update(task, total=rows["total"], completed=rows["accepted"] + rows["rejected"])
    except asyncio.CancelledError:
        console.print(hint, markup=False)
        raise
    except Unreachable as error:
        raise Unreachable(f"{error}; {hint}") from error
    return job


async def _told(
    tenon: TenonClient, job: JsonObject, console: Console, report: Path | None, *, columns: bool = True
) -> bool:
    """Tell how an import ended, and return whether every row was taken; `columns`: and what was guessed."""
    if columns and job["columns"]:
        console.print(columns_table(job))
        console.print(notes_line(job), markup=False)
    if job["rows"]["rejected"]:
        async for line in _first_faults(tenon, job["job"]):
            console.print(line, markup=False)
    console.print(summary_line(job), markup=False)
    if report is not None and job["columns"]:
        await asyncio.to_thread(report.write_bytes, await tenon.imports.report(job["job"]))
        console.print(f"{report} says what became of each row", markup=False)
    return bool(job["state"] == "done" and not job["rows"]["rejected"])


async def _first_faults(tenon: TenonClient, job: str) -> AsyncIterator[str]:
    left = _SHOWN
    async with aclosing(tenon.imports.rows(job, "rejected")) as rows:
        async for row in rows:
            for fault in row["faults"][:left]:
                yield fault_line(row["row"], fault)
            left -= len(row["faults"])
            if left <= 0:
                yield "… --report FILE.csv writes all of them"
                return


def _console() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)
