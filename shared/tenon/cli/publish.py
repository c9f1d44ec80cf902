"""`tenon publish FILE`: events from a file to ingest, and a line for each that was refused."""

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

import click
from rich.console import Console
from rich.markup import escape

from tenon.cli.running import client, run
from tenon.client import Published
from tenon.contracts.cloudevents import CloudEvent, NotCloudEvent, from_structured, split_batch
from tenon.contracts.codec import NotJson

_AT_ONCE = 1_000
Place = tuple[int, CloudEvent | str]
"""Line (or place in the array, from 1) of an event, and the event, or why it can't be read."""


@click.command()
@click.argument("file", type=click.File("rb"))
def publish(file: BinaryIO) -> None:
    """Publish the events of FILE: one CloudEvent per line (NDJSON), or a JSON array of them; - reads stdin.

    Every event needs an id of its own: sending a file again then changes nothing. Ends with status 1 when
    an event was refused; the others are taken nevertheless.
    """
    refused = run(_publish(events(file)))
    if refused:
        raise click.exceptions.Exit(1)


async def _publish(places: Iterator[Place]) -> int:
    console, accepted, refused = Console(stderr=True), 0, 0
    async with client() as tenon:
        while chunk := list(islice(places, _AT_ONCE)):
            readable = [(line, event) for line, event in chunk if isinstance(event, CloudEvent)]
            told = await tenon.publish(event for _, event in readable)
            faults = {line: event for line, event in chunk if isinstance(event, str)}
            faults |= {
                line: _reason(found)
                for (line, _), found in zip(readable, told, strict=True)
                if not found.accepted
            }
            for line, reason in sorted(faults.items()):
                console.print(f"[red]{line}[/]: {escape(reason)}", highlight=False, soft_wrap=True)
            refused += len(faults)
            accepted += len(chunk) - len(faults)
    console.print(f"{accepted} accepted, {refused} refused", highlight=False)
    return refused


def events(file: BinaryIO) -> Iterator[Place]:
    """Yield the events of a file: an array when its first character is a bracket, else one per line."""
    lines = enumerate(file, start=1)
    for number, line in lines:
        if line.lstrip().startswith(b"["):
            yield from _array(line + file.read())
        elif line.strip():
            yield number, _event(line)


def _array(body: bytes) -> Iterator[Place]:
    try:
        items = split_batch(body)
    except NotJson as error:
        yield 1, str(error)
        return
    for number, item in enumerate(items, start=1):
        yield number, _event(item)


def _event(body: bytes) -> CloudEvent | str:
    try:
        return from_structured(body)
    except (NotCloudEvent, NotJson) as error:
        return str(error)


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
