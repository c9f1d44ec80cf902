"""`tenon publish FILE`: events from a file to ingest, and a line for each that was refused."""

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

import click
from rich.console import Console
from rich.markup import escape

from tenon.cli.files import Place, events
from tenon.cli.running import client, run
from tenon.client import Published, TenonClient, Unreachable
from tenon.contracts.cloudevents import CloudEvent

_AT_ONCE = 1_000


@click.command()
@click.argument("file", type=click.File("rb"))
def publish(file: BinaryIO) -> None:
    """Publish the CloudEvents of FILE: one per line (NDJSON), a JSON array, or a single one; - reads stdin.

    Every event needs an id of its own: sending a file again then changes nothing. What is refused is told as
    FILE:LINE with the reason, and ends the command with status 1; the other events are taken nevertheless.
    """
    name = str(getattr(file, "name", "<stdin>"))
    if run(_publish(name, events(file))):
        raise click.exceptions.Exit(1)


async def _publish(name: str, places: Iterator[Place]) -> int:
    console, accepted, refused = Console(stderr=True, highlight=False, soft_wrap=True), 0, 0
    async with client() as tenon:
        while chunk := list(islice(places, _AT_ONCE)):
            faults = await _send(tenon, chunk, accepted)
            for line, reason in sorted(faults.items()):
                console.print(f"[red]{escape(name)}:{line}[/]: {escape(reason)}")
            refused += len(faults)
            accepted += len(chunk) - len(faults)
    if not accepted + refused:
        raise click.ClickException(f"{name} holds no event")
    console.print(f"{accepted} accepted, {refused} refused")
    return refused


async def _send(tenon: TenonClient, chunk: list[Place], accepted: int) -> dict[int, str]:
    """Publish what can be read, and return by line why the rest was not taken."""
    readable = [(line, event) for line, event in chunk if isinstance(event, CloudEvent)]
    try:
        told = await tenon.publish(event for _, event in readable)
    except Unreachable as error:
        raise Unreachable(
            f"{error}; {accepted} events were accepted before: publish the file again, they change nothing"
        ) from error
    faults = {line: event for line, event in chunk if isinstance(event, str)}
    outcomes = zip(readable, told, strict=True)
    return faults | {line: _reason(found) for (line, _), found in outcomes if not found.accepted}


def _reason(published: Published) -> str:
    problem = published.problem
    if problem is None:
        return f"{published.event.id}: refused"
    faults = "; ".join(
        f"{fault.pointer or '/'}: {fault.reason}"
        + (f" (expected {fault.expected})" if fault.expected else "")
        for fault in problem.errors
    )
    return f"{published.event.id}: {problem.title}: {faults or problem.detail}"
