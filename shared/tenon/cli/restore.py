"""`tenon restore`: after PostgreSQL was restored from a backup, catch up with what Kafka was told since.

Every service has its own part, found by entry point; this command must not know what they do.
"""

import importlib
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import entry_points
from typing import Final

import click

from tenon.cli.running import database_url, kafka, run
from tenon.errors import TenonError
from tenon.kafka import KafkaSettings
from tenon.restoring import GROUP, Job, Part

_TO_DO: Final = 3


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; status 3 when there is something to do.")
@click.option("--service", "services", multiple=True, help="Only this service's part; may be repeated.")
def restore(check: bool, services: tuple[str, ...]) -> None:
    """Bring restored databases up to what was told on Kafka since their backup.

    Stop all services first. A service's database is that of TENON_<SERVICE>_DATABASE_URL, else of
    TENON_DATABASE_URL, else of the local stack that runs here. What was done once is not done again, so an
    attempt that failed may be repeated. Status 1: a part failed, the others are done.
    """
    parts = _parts(services)
    urls = {name: database_url(name) for name in parts}
    found, faults = run(_all(parts, urls, kafka(), check))
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        raise click.exceptions.Exit(1)
    if check and found:
        click.echo("`tenon restore` would do this")
        raise click.exceptions.Exit(_TO_DO)


def _parts(wanted: Sequence[str]) -> dict[str, Part]:
    entries = {entry.name: entry.value for entry in entry_points(group=GROUP)}
    if unknown := set(wanted) - entries.keys():
        raise click.UsageError(
            f"no service {min(unknown)} is installed here; there are {', '.join(sorted(entries))}"
        )
    if not entries:
        raise click.ClickException(
            "no service is installed here: run this where ingest, matcher and notifier are"
        )
    return {name: _load(entries[name]) for name in sorted(wanted or entries)}


def _load(reference: str) -> Part:
    module, _, name = reference.partition(":")
    part: Part = getattr(importlib.import_module(module), name)
    return part


async def _all(
    parts: Mapping[str, Part], urls: Mapping[str, str], settings: KafkaSettings, check: bool
) -> tuple[int, list[str]]:
    """Run every part, whatever becomes of the others; return how much there was to do, and what failed."""
    found, faults = 0, []
    for name, part in parts.items():
        try:
            found += await part(Job(settings, urls[name], partial(_tell, name), check))
        except TenonError as error:
            faults.append(f"{name}: {error}")
    return found, faults


def _tell(service: str, line: str) -> None:
    click.echo(f"{service}: {line}")
