"""`tenon audit`: how the audit is asked for, and how it tells what it found."""

import os
from dataclasses import replace
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from tenon.cli import running
from tenon.contracts.rights import AUDITOR
from tenon.kafka import KafkaSettings
from tenon.sharding import Sharding
from tenon_audit.auditing import Sources
from tenon_audit.auditing import audit as run_audit
from tenon_audit.report import Report

_FOUND = 1


@click.command()
@click.option(
    "--kafka", "bootstrap", metavar="HOST:PORT", help="Brokers; TENON_KAFKA_BOOTSTRAP or the local stack's."
)
@click.option("--prefix", help="Prefix of topics; TENON_TOPIC_PREFIX if not given.")
@click.option(
    "--database-url",
    help="As a role that may read all three schemas; TENON_AUDIT_DATABASE_URL or the local stack's.",
)
@click.option(
    "--database-shards",
    envvar="TENON_AUDIT_DATABASE_SHARDS",
    default="",
    help="The matchers' TENON_DATABASE_SHARDS, with a role that may read there.",
)
@click.option(
    "--journal",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='What a sender wrote down: lines of {"id": …, "source": …, "answer": 202}.',
)
@click.option("--replay", is_flag=True, help="Decide all rounds again and compare their digests.")
@click.option(
    "--settle", type=click.FloatRange(0), default=30.0, show_default=True, help="Seconds to wait for rest."
)
@click.option(
    "--feed-retention", envvar="TENON_FEED_RETENTION_H", default=720.0, help="The notifier's, in h."
)
@click.option(
    "--attempts-retention", envvar="TENON_ATTEMPTS_RETENTION_H", default=168.0, help="The notifier's, in h."
)
@click.option(
    "--history-retention", envvar="TENON_HISTORY_RETENTION_H", default=8760.0, help="The notifier's, in h."
)
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the report there too."
)
def audit(  # noqa: PLR0913 - one per option
    bootstrap: str | None,
    prefix: str | None,
    database_url: str | None,
    database_shards: str,
    journal: Path | None,
    replay: bool,
    settle: float,
    feed_retention: float,
    attempts_retention: float,
    history_retention: float,
    json_file: Path | None,
) -> None:
    """Recompute Tenon's guarantees from topics and tables.

    Ends with status 0 when all hold, 1 when something was found, 2 when it can't look. Nothing is written.
    docs/audit.md says what is checked and how to read a finding.
    """
    try:
        kept = (feed_retention, attempts_retention, history_retention)
        sharding = _sharding(_database(database_url), database_shards)
        sources = Sources(_kafka(bootstrap, prefix), sharding, settle, *kept)
        work = run_audit(sources, journal=journal, replay=replay, say=_say)
        report = running.run(work)
    except click.ClickException as error:
        raise _CantLook(error.message) from error
    if json_file is not None:
        json_file.write_bytes(report.json() + b"\n")
    show(report)
    if not report.clean:
        raise click.exceptions.Exit(_FOUND)


def show(report: Report) -> None:
    """Print a report for people."""
    console = Console()
    looked = ", ".join(f"{number:,} {name}" for name, number in report.looked_at.items())
    console.print(f"looked at {looked}", highlight=False, soft_wrap=True)
    if report.accepted or report.lost or report.unanswered:
        counts = (
            f"journal: {report.accepted:,} accepted, {report.lost:,} lost, {report.unanswered:,} unanswered"
        )
        console.print(counts, highlight=False)
    for note in report.notes:
        console.print(f"note: {note}", highlight=False, soft_wrap=True)
    if report.clean:
        console.print("all guarantees hold", highlight=False)
        return
    table = Table("guarantee", "check", "what", "where", "what to do")
    for finding in sorted(report.findings):
        table.add_row(str(finding.guarantee), finding.check, finding.what, finding.where, finding.todo)
    console.print(table)
    total = sum(report.counts.values())
    kinds = ", ".join(f"{number:,} {name}" for name, number in report.counts.most_common())
    console.print(f"{total:,} found: {kinds}", highlight=False, soft_wrap=True)


class _CantLook(click.ClickException):
    """Nothing can be said of the guarantees."""

    exit_code = 2


class _Stack(msgspec.Struct, frozen=True):
    """What the state file of a local stack says of its database."""

    database_urls: dict[str, str]


def _kafka(bootstrap: str | None, prefix: str | None) -> KafkaSettings:
    reached = running.kafka(bootstrap, user=AUDITOR)
    return reached if prefix is None else replace(reached, prefix=prefix)


def _database(database_url: str | None) -> str:
    named = database_url or os.environ.get("TENON_AUDIT_DATABASE_URL")
    if named:
        return named
    file = running.state_file()
    hint = "give --database-url, or set TENON_AUDIT_DATABASE_URL"
    if file is None:
        raise click.ClickException(f"no local stack runs here; {hint}")
    try:
        urls = msgspec.json.decode(file.read_bytes(), type=_Stack).database_urls
    except (OSError, msgspec.MsgspecError) as error:
        raise click.ClickException(f"{file} can't be read ({error}); {hint}") from error
    if "auditor" not in urls:
        raise click.ClickException(
            f"the local stack has no auditor: start it again with `tenon up`, or {hint}"
        )
    return urls["auditor"]


def _sharding(database_url: str, shards: str) -> Sharding:
    try:
        return Sharding.parse(database_url, shards)
    except ValueError as error:
        raise click.ClickException(f"TENON_AUDIT_DATABASE_SHARDS: {error}") from None


def _say(text: str) -> None:
    click.echo(text, err=True)
