"""`tenon why`: every reason why a demand is open, and what would have to change."""

import click
from rich.console import Console
from rich.table import Table

from tenon.cli.running import client, run
from tenon.client.client import JsonObject


@click.command()
@click.argument("party")
@click.argument("demand")
def why(party: str, demand: str) -> None:
    """Say why DEMAND of PARTY is open, as of now; for the administrator."""
    run(_why(party, demand))


async def _why(party: str, demand: str) -> None:
    async with client(deadline_ms=60_000, with_matcher=True) as tenon:
        position = await tenon.demand(party, demand)
        show(Console(highlight=False), position, await tenon.reasons(position["market"], party, demand))


def show(console: Console, position: JsonObject, reasons: JsonObject) -> None:
    """Print what is open, how many offers fail which test first, and every nearest miss."""
    unit = position["item"]["unit"]
    still = sum(window["open"] for window in position["windows"])
    console.print(f"{still} {unit} open; {reasons['considered']} offers in {position['market']}")
    failed = Table("test", "offers that fail it first")
    for test, offers in sorted(reasons["failed"].items(), key=lambda entry: -entry[1]):
        failed.add_row(test, f"{offers:,}")
    console.print(failed)
    nearest = Table("what would have to change", "offers that would dock", f"they have, {unit}")
    for miss in reasons.get("nearest", []):
        nearest.add_row(miss["change"], f"{miss['offers']:,}", f"{miss['quantity']}")
    console.print(nearest if nearest.row_count else "no single change would make an offer dock")
