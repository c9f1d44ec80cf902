"""`tenon topics`: what a cluster needs before the services start."""

from collections.abc import Mapping

import click
import msgspec
from rich.console import Console
from rich.table import Table

from tenon.cli.running import kafka, markets, run
from tenon.contracts.rights import PRINCIPALS
from tenon.contracts.topics import TOPICS
from tenon.kafka import Layout, ensure_layout, ensure_rights, ensure_topics, read_layout


@click.command()
@click.option("--show", is_flag=True, help="Create nothing; show the market table the log was begun with.")
@click.option(
    "--replication", type=click.IntRange(1, 5), default=3, show_default=True, help="Copies of each record."
)
@click.option("--acls", is_flag=True, help="Give each service its rights too; needs an administrator.")
@click.option(
    "--principal",
    "principals",
    multiple=True,
    metavar="SERVICE=NAME",
    help="What Kafka calls a service, where it is not its own name; may be repeated.",
)
def topics(show: bool, replication: int, acls: bool, principals: tuple[str, ...]) -> None:
    """Create the topics that are missing, and write the market table beside the log the first time.

    The table is that of TENON_MARKETS_FILE, or the default. Neither the number of partitions nor the table
    of a log can be changed later: where they differ, nothing is done. With --acls each service may then read
    and write what docs/security.md says; no right is taken away.
    """
    if show:
        _show(run(read_layout(kafka())))
    else:
        named = _named(principals)
        run(_create(replication, named if acls else None))


def _named(principals: tuple[str, ...]) -> dict[str, str]:
    named = {service: name for service, _, name in (text.partition("=") for text in principals)}
    if unknown := named.keys() - set(PRINCIPALS):
        raise click.UsageError(f"--principal {min(unknown)}: there are {', '.join(PRINCIPALS)}")
    return named


async def _create(replication: int, principals: Mapping[str, str] | None) -> None:
    table = markets()
    made = await ensure_topics(kafka(), TOPICS, partitions=table.partitions, replication=replication)
    layout = await ensure_layout(kafka(), table)
    if principals is not None:
        await ensure_rights(kafka(), principals)
    listing = Table("topic", "partitions", "kept", "key", "")
    for topic in TOPICS:
        days = "for ever" if topic.retention_ms is None else f"{topic.retention_ms // 86_400_000} days"
        listing.add_row(
            topic.name,
            str(topic.partitions or table.partitions),
            "latest per key" if topic.compacted else days,
            topic.key,
            "created" if topic.name in made else "",
        )
    Console().print(listing)
    Console().print(f"log {layout.log_id}", highlight=False)


def _show(layout: Layout) -> None:
    """Print the table in the form TENON_MARKETS_FILE takes."""
    click.echo(f"# log {layout.log_id}")
    click.echo(f"partitions = {layout.markets.partitions}")
    for rule in layout.markets.rules:
        click.echo("\n[[rules]]")
        for name, value in msgspec.to_builtins(rule).items():
            if value is not None:
                # A TOML basic string is a JSON string, as long as it is ASCII.
                click.echo(f"{name} = {msgspec.json.encode(value).decode()}")
