"""`tenon watch`: the live feed, a sentence per event."""

from collections.abc import Callable
from contextlib import aclosing
from typing import Final

import click
from rich.console import Console
from rich.text import Text

from tenon.cli.running import client, run
from tenon.cli.sentences import sentence, short_type
from tenon.client import FeedEntry
from tenon.contracts.cloudevents import to_structured

_COLOURS: Final = {
    "proposed": "cyan",
    "confirmed": "green",
    "shipped": "blue",
    "delivered": "bold green",
    "declined": "yellow",
    "lapsed": "yellow",
    "cancelled": "yellow",
    "failed": "red",
}


@click.command()
@click.option("--after", type=click.IntRange(min=0), help="Begin behind this number; 0: at the first event.")
@click.option("--type", "types", multiple=True, help="Only events of this type; may be repeated.")
@click.option("--party", help="For the administrator: this party's feed.")
@click.option("--json", "as_json", is_flag=True, help="Print each event as CloudEvents JSON.")
def watch(after: int | None, types: tuple[str, ...], party: str | None, as_json: bool) -> None:
    """Tell dockings, and everything else that the key may see, as they happen; Ctrl-C ends it."""
    run(_watch(after, types, party, show_json if as_json else show_line))


async def _watch(
    after: int | None, types: tuple[str, ...], party: str | None, show: Callable[[FeedEntry], None]
) -> None:
    async with client() as tenon, aclosing(tenon.stream(after, types=types, party=party)) as entries:
        async for entry in entries:
            show(entry)


def show_json(entry: FeedEntry) -> None:
    """Print the whole event on one line."""
    click.echo(to_structured(entry.event).decode())


def show_line(entry: FeedEntry) -> None:
    """Print what happened, in a line for people."""
    Console(soft_wrap=True, highlight=False).print(line_of(entry))


def line_of(entry: FeedEntry) -> Text:
    """Return an event as one line: its number, when it happened, and what it says."""
    event = entry.event
    time = (event.time or "")[:19].replace("T", " ")
    colour = _COLOURS.get(short_type(event).rpartition(".")[2], "")
    return Text(f"{entry.number:>8}  {time:<19}  ").append(sentence(event), style=colour)
