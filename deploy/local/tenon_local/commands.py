"""`tenon up`, `down`, `status` and `logs`: how the embedded stack is asked for and shown."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tenon.errors import TenonError
from tenon.settings import load
from tenon_local import health, state
from tenon_local.errors import LocalError
from tenon_local.monitoring import prometheus
from tenon_local.plan import parse_replicas
from tenon_local.ports import HOST
from tenon_local.settings import LocalSettings

_START_S = 180
_STOP_S = 60
_TAIL_LINES = 40
_ERROR = "error: "


@click.command()
@click.option("--replicas", multiple=True, help="SERVICE=NUMBER, such as matcher=2; may be repeated.")
@click.option(
    "--with-prometheus", is_flag=True, help="Start Prometheus too, with the alerts of deploy/prometheus."
)
@click.option("--foreground", is_flag=True, help="Stay attached; Ctrl-C stops the stack.")
def up(replicas: tuple[str, ...], *, with_prometheus: bool, foreground: bool) -> None:
    """Start Kafka, PostgreSQL and the services, and keep them running.

    A stack that was stopped or killed starts again with its data. TENON_DATA_DIR chooses its folder,
    TENON_KAFKA_PORT, TENON_POSTGRES_PORT, TENON_INGEST_PORT, TENON_MATCHER_PORT, TENON_NOTIFIER_PORT and
    TENON_PROMETHEUS_PORT its ports (0: any free one).
    """
    _checked(replicas)
    folder = _data_dir()
    if (held := state.read(folder)) is not None and held.supervisor.is_alive():
        raise click.ClickException(f"a stack runs on {folder} already: tenon status, or tenon down")
    arguments = [part for replica in replicas for part in ("--replicas", replica)]
    arguments += ["--with-prometheus"] if with_prometheus else []
    command = [sys.executable, "-m", "tenon_local", "supervise", *arguments]
    if foreground:
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted
    _show(_start(command, folder))


@click.command()
def down() -> None:
    """Stop the stack; its data stay."""
    held = _present()
    if not held.supervisor.is_alive():
        names = held.kill_leftovers()
        state.forget(_data_dir())
        click.echo(f"it was killed before; ended what was left of it: {', '.join(names) or 'nothing'}")
        return
    os.kill(held.supervisor_pid, signal.SIGTERM)
    ends = time.monotonic() + _STOP_S
    while held.supervisor.is_alive():
        if time.monotonic() > ends:
            raise click.ClickException(f"not stopped within {_STOP_S} s; see {_holder_log(_data_dir())}")
        time.sleep(0.1)
    click.echo("stopped")


@click.command()
def status() -> None:
    """Show every process of the stack; ends with status 1 unless all are ready."""
    held = _present()
    found = asyncio.run(health.states(held))
    table = Table("process", "pid", "port", "state", "up for")
    for entry, said in zip(held.processes, found, strict=True):
        up_for = "" if said == "gone" else f"{time.time() - entry.started_at_s:.0f} s"
        table.add_row(entry.name, str(entry.pid), str(entry.port), said, up_for)
    Console().print(table)
    if not held.supervisor.is_alive():
        raise click.ClickException("the stack was killed: tenon up starts it again with its data")
    if held.phase != "running":
        raise click.ClickException(f"the stack is {held.phase}")
    if set(found) != {health.READY}:
        raise click.ClickException("not all of it is ready: tenon logs")


@click.command()
@click.argument("process", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on as lines are written.")
def logs(process: str | None, *, follow: bool) -> None:
    """Show the end of the logs, of one PROCESS (matcher, matcher-2, kafka, supervisor …) or of all.

    They stay when the stack is stopped.
    """
    folder = _data_dir()
    files = _log_files(folder)
    if not files:
        raise click.ClickException(f"there are no logs in {folder}: tenon up")
    wanted = [str(file) for name, file in files.items() if process in (None, name, name.rpartition("-")[0])]
    if not wanted:
        raise click.ClickException(f"there is no log of {process}; there are {', '.join(files)}")
    option = ["-F"] if follow else []
    os.execvp("tail", ["tail", "-n", str(_TAIL_LINES), *option, *wanted])  # noqa: S606 - no shell is wanted


def _checked(replicas: tuple[str, ...]) -> None:
    try:
        parse_replicas(replicas)
    except LocalError as error:
        raise click.ClickException(str(error)) from error


def _data_dir() -> Path:
    try:
        return load(LocalSettings).data_dir.absolute()
    except TenonError as error:
        raise click.ClickException(str(error)) from error


def _holder_log(folder: Path) -> Path:
    return folder / "log" / "supervisor.log"


def _log_files(folder: Path) -> dict[str, Path]:
    """The logs there are, by the names of their processes."""
    brokers = {f"kafka-{file.parent.name}": file for file in sorted(folder.glob("kafka/*/kafka.log"))}
    database = {file.stem: file for file in folder.glob("postgres/postgres.log")}
    return brokers | database | {file.stem: file for file in sorted(folder.glob("log/*.log"))}


def _present() -> state.State:
    folder = _data_dir()
    held = state.read(folder)
    if held is None:
        raise click.ClickException(f"no stack runs on {folder}: tenon up")
    return held


def _start(command: list[str], folder: Path) -> state.State:
    """Start the holder of the stack, and return when it says that the stack runs; Ctrl-C ends both."""
    log = _holder_log(folder)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            begins = out.tell()
            holder = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
    except OSError as error:
        raise click.ClickException(f"{folder} can't be used ({error}); choose TENON_DATA_DIR") from error
    try:
        return _running(folder, holder, log, begins)
    except KeyboardInterrupt:
        holder.terminate()
        holder.wait(_STOP_S)
        raise


def _running(folder: Path, holder: subprocess.Popen[bytes], log: Path, shown: int) -> state.State:
    """Wait until the stack runs, and pass on what its holder writes from byte `shown` on."""
    ends = time.monotonic() + _START_S
    while time.monotonic() < ends:
        ended = holder.poll() is not None
        told = log.read_bytes()[shown:].decode(errors="replace")
        before, failed, why = told.partition(_ERROR)
        if ended:
            click.echo(before, nl=False)
            raise click.ClickException(why.strip() if failed else f"the stack did not start; see {log}")
        lines = before[: before.rfind("\n") + 1]
        click.echo(lines, nl=False)
        shown += len(lines.encode())
        held = state.read(folder)
        if held is not None and held.phase == "running" and held.supervisor_pid == holder.pid:
            return held
        time.sleep(0.1)
    raise click.ClickException(f"not ready after {_START_S} s; tenon status, tenon logs, or tenon down")


def _show(held: state.State) -> None:
    for service, urls in held.urls.items():
        click.echo(f"{service:10} {' '.join(urls)}")
    click.echo(f"{'kafka':10} {held.kafka_bootstrap}")
    for entry in held.processes:
        if entry.kind == prometheus.NAME:
            click.echo(f"{entry.kind:10} http://{HOST}:{entry.port}")
    click.echo(f"administrator's key: {held.admin_key}")
