"""Server-sent events (WHATWG HTML, §9.2): how an entry of a feed looks on a live stream."""

from collections.abc import Iterable, Iterator
from typing import Final

MEDIA_TYPE: Final = "text/event-stream"
HEARTBEAT: Final = b": \n\n"


def frame(number: int, event_type: str, message: bytes) -> bytes:
    """Return an entry as one event; `message` is JSON on a single line."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, event_type.encode(), message)


def joined(frames: Iterable[bytes], most_bytes: int) -> Iterator[bytes]:
    """Return frames in chunks of at most `most_bytes`, a larger frame alone: a client takes one at a time."""
    chunk = bytearray()
    for each in frames:
        if chunk and len(chunk) + len(each) > most_bytes:
            yield bytes(chunk)
            chunk.clear()
        chunk += each
    if chunk:
        yield bytes(chunk)


def opening(retry_ms: int) -> bytes:
    """Return the first bytes of a stream: how long a client waits before it connects again."""
    return b"retry: %d\n\n" % retry_ms


def closing(reason: str) -> bytes:
    """Return a comment that says why the stream ends."""
    return b": closed: " + reason.encode() + b"\n\n"
