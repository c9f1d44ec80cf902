"""What the bench and its helper processes say to each other: JSON, a line each, over their pipes.

Times are seconds of the machine's monotonic clock, which all processes share.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import msgspec
from msgspec import Struct

_LIMIT_BYTES = 64 * 1024 * 1024


class Order(Struct, frozen=True, kw_only=True, tag=True):
    """To the load generator: send events from number `first` on.

    Without `rate` as fast as they are taken, with at most `outstanding` events sent and not yet decided (0:
    any number); with it so many per second, whatever becomes of them.
    """

    first: int
    seconds: float
    batch: int
    connections: int
    outstanding: int
    rate: float | None = None


class Decided(Struct, frozen=True, tag=True):
    """To the load generator: of its events, so many are decided by now."""

    events: int


class Sent(Struct, frozen=True, kw_only=True, tag=True):
    """From the load generator: what became of an order. `batches`: first number and time of each."""

    began: float
    answered: float
    accepted: int
    refused: dict[str, int]
    batches: list[tuple[int, float]]


class Ready(Struct, frozen=True, tag=True):
    """From a helper: it is ready."""


class Seen(Struct, frozen=True, kw_only=True, tag=True):
    """From the reader: sums so far, as of `at`, and the dockings since the last line.

    A docking is the number of the later of its two events, and when it was read.
    """

    at: float
    decided: int
    faulty: int
    dockings_decided: int
    dockings: int
    docked: list[tuple[int, float]]


class Judge(Struct, frozen=True, tag=True):
    """To the receiver: say what came, and check it by these secrets, one of each endpoint."""

    secrets: dict[str, str]


class Arrived(Struct, frozen=True, tag=True):
    """From the receiver: so many calls came so far."""

    calls: int


class Received(Struct, frozen=True, tag=True):
    """From the receiver: endpoint, event and time of each call, and how many of them were badly signed.

    Times are Unix seconds, as the database's are.
    """

    calls: list[tuple[str, str, float]]
    badly_signed: int


class Followed(Struct, frozen=True, kw_only=True, tag=True):
    """From the clients of streams: events that came, numbers missing or twice, the least last number."""

    events: int
    faults: int
    least: int
    began: float
    ended: float


Told = Order | Decided | Judge
Heard = Sent | Ready | Seen | Arrived | Received | Followed
_told: msgspec.json.Decoder[Told] = msgspec.json.Decoder(Told)
_heard: msgspec.json.Decoder[Heard] = msgspec.json.Decoder(Heard)


def line(message: Struct) -> bytes:
    """Return a message as a line."""
    return msgspec.json.encode(message) + b"\n"


def heard(text: bytes) -> Heard:
    """Read a line that a helper said."""
    return _heard.decode(text)


def say(message: Struct) -> None:
    """Say it to the bench."""
    sys.stdout.buffer.write(line(message))
    sys.stdout.buffer.flush()


async def told() -> AsyncIterator[Told]:
    """Yield what the bench says, until it closes the pipe."""
    reader = asyncio.StreamReader(limit=_LIMIT_BYTES)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while text := await reader.readline():
        yield _told.decode(text)
