"""`tenon watch`: the live feed, a line per event."""

from collections.abc import Callable
from contextlib import aclosing
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.text import Text

from tenon.cli.running import client, run
from tenon.client import FeedEntry
from tenon.contracts.cloudevents import to_structured

_DOCKING: Final = "tenon.docking."
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
    """Show dockings and everything else that the key may see, as it happens; ends with Ctrl-C."""
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
    """Return an event as one line: number, time, what, and for dockings who, what, how much and how far."""
    event = entry.event
    name = event.type.removeprefix("tenon.").rpartition(".v")[0]
    line = Text(f"{entry.number:>8} {event.time or '':<20.20} ")
    if not event.type.startswith(_DOCKING):
        return line.append(f"{name:<20} ").append(event.subject or "")
    status = name.rpartition(".")[2]
    data = msgspec.json.decode(event.data)
    return line.append(f"{status:<10}", style=_COLOURS.get(status, "")).append(f" {_docked(data)}")


def _docked(data: dict[str, Any]) -> str:
    kind = data.get("class") or {}
    goods = f"{data.get('quantity')} {data.get('unit', '')} of {kind.get('scheme')}:{kind.get('code')}"
    far = f", {data['distance_m'] / 1000:.0f} km" if isinstance(data.get("distance_m"), int) else ""
    return f"{goods}  {_side(data.get('supply'))} → {_side(data.get('demand'))}{far}"


def _side(side: dict[str, Any] | None) -> str:
    if not side:
        return "?"
    return str(side.get("party") or side.get("name") or side.get("region") or "?")
