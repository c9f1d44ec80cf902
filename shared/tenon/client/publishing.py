"""Batches of events for ingest: how they are cut, and what became of each. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from tenon.contracts.cloudevents import CloudEvent, to_structured
from tenon.problems import ProblemDocument

MOST_EVENTS = 1_000
MOST_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Published:
    """What became of one event: accepted, or refused with the reason."""

    event: CloudEvent
    accepted: bool
    problem: ProblemDocument | None = None


class _Result(msgspec.Struct, frozen=True):
    index: int
    status: Literal["accepted", "rejected", "unavailable"]
    problem: ProblemDocument | None = None


class _Results(msgspec.Struct, frozen=True):
    results: list[_Result]


def batches(
    events: Iterable[CloudEvent], most_events: int = MOST_EVENTS, most_bytes: int = MOST_BYTES
) -> Iterator[tuple[list[CloudEvent], bytes]]:
    """Cut events into batches that ingest takes, in order, each with its body (CloudEvents JSON batch)."""
    chunk: list[CloudEvent] = []
    parts: list[bytes] = []
    size = 2
    for event in events:
        part = to_structured(event)
        if chunk and (len(chunk) == most_events or size + len(part) + 1 > most_bytes):
            yield chunk, b"[" + b",".join(parts) + b"]"
            chunk, parts, size = [], [], 2
        chunk.append(event)
        parts.append(part)
        size += len(part) + 1
    if chunk:
        yield chunk, b"[" + b",".join(parts) + b"]"


def outcomes(events: Sequence[CloudEvent], body: bytes) -> list[Published] | None:
    """Return what an answer says of each event of a batch; None when it says nothing of single events."""
    try:
        results = msgspec.json.decode(body, type=_Results).results
    except msgspec.MsgspecError:
        return None
    if len(results) != len(events):
        return None
    return [
        Published(events[result.index], result.status == "accepted", result.problem)
        for result in sorted(results, key=lambda result: result.index)
    ]
