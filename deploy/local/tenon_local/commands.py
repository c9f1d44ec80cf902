"""`tenon up`, `down`, `status` and `logs`: how the embedded stack is asked for and shown."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from http import HTTPStatus
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tenon_local import ports, probe, state
from tenon_local.errors import LocalError
from tenon_local.plan import parse_replicas
from tenon_local.settings import LocalSettings

_START_S = 180
_STOP_S = 60
_TAIL_LINES = 40


@click.command()
@click.option("--replicas", multiple=True, help="SERVICE=NUMBER, such as matcher=2; may be repeated.")
@click.option("--foreground", is_flag=True, help="Stay attached; Ctrl-C stops the stack.")
def up(replicas: tuple[str, ...], *, foreground: bool) -> None:
    """Start Kafka, PostgreSQL and the services, and keep them running."""
    _checked(replicas)
    folder = _data_dir()
    if (held := state.read(folder)) is not None and held.supervisor.is_alive():
        raise click.ClickException(f"a stack runs on {folder} already: tenon status, or tenon down")
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [part for replica in replicas for part in ("--replicas", replica)]
    command = [sys.executable, "-m", "tenon_local", "supervise", *arguments]
    if foreground:
        raise SystemExit(subprocess.call(command))
    log = folder / "supervisor.log"
    with log.open("wb") as out:
        holder = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    _show(_running(folder, holder, log))


@click.command()
def down() -> None:
    """Stop the stack; its data stay."""
    held = _present()
    if not held.supervisor.is_alive():
        names = held.kill_leftovers()
        state.forget(_data_dir())
        click.echo(f"its holder was gone; ended {', '.join(names) or 'nothing'}")
        return
    os.kill(held.supervisor_pid, signal.SIGTERM)
    ends = time.monotonic() + _STOP_S
    while held.supervisor.is_alive():
        if time.monotonic() > ends:
            raise click.ClickException(f"not stopped within {_STOP_S} s; see {_data_dir()}/supervisor.log")
        time.sleep(0.1)
    click.echo("stopped")


@click.command()
def status() -> None:
    """Show every process of the stack."""
    held = _present()
    table = Table("process", "pid", "port", "state", "up for")
    for entry in held.processes:
        up_for = f"{time.time() - entry.started_at_s:.0f} s"
        table.add_row(entry.name, str(entry.pid), str(entry.port), _state_of(held, entry), up_for)
    Console().print(table)


@click.command()
@click.argument("service", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on as lines are written.")
def logs(service: str | None, *, follow: bool) -> None:
    """Show the end of the logs, of one SERVICE or of all."""
    entries = [entry for entry in _present().processes if service in (None, entry.kind, entry.name)]
    if not entries:
        raise click.ClickException(f"there is no {service}; tenon status lists what there is")
    files = [entry.log for entry in entries]
    option = ["-F"] if follow else []
    raise SystemExit(subprocess.call(["tail", "-n", str(_TAIL_LINES), *option, *files]))


def _checked(replicas: tuple[str, ...]) -> None:
    try:
        parse_replicas(replicas)
    except LocalError as error:
        raise click.ClickException(str(error)) from error


def _data_dir() -> Path:
    return LocalSettings().data_dir.absolute()


def _present() -> state.State:
    held = state.read(_data_dir())
    if held is None:
        raise click.ClickException(f"no stack runs on {_data_dir()}: tenon up")
    return held


def _running(folder: Path, holder: subprocess.Popen[bytes], log: Path) -> state.State:
    """Wait until the stack says that it runs, and pass on what its holder reports."""
    ends, shown = time.monotonic() + _START_S, 0
    while time.monotonic() < ends:
        text = log.read_text(errors="replace")
        click.echo(text[shown:], nl=False)
        shown = len(text)
        held = state.read(folder)
        if held is not None and held.phase == "running" and held.supervisor_pid == holder.pid:
            return held
        if holder.poll() is not None:
            raise click.ClickException(f"the stack did not start; see {log} and {folder}/log")
        time.sleep(0.1)
    raise click.ClickException(f"the stack is not ready after {_START_S} s; see {log}")


def _show(held: state.State) -> None:
    for service, urls in held.urls.items():
        click.echo(f"{service:9} {' '.join(urls)}")
    click.echo(f"kafka     {held.kafka_bootstrap}")
    click.echo(f"administrator's key: {held.admin_key}")


def _state_of(held: state.State, entry: state.Entry) -> str:
    if not entry.identity.is_alive():
        return "gone"
    urls = [url for url in held.urls.get(entry.kind, []) if url.endswith(f":{entry.port}")]
    return "running" if not urls else "ready" if _is_ready(entry.port) else "not ready"


def _is_ready(port: int) -> bool:
    status, _ = asyncio.run(probe.http_get(ports.HOST, port, "/health/ready"))
    return status == HTTPStatus.OK
