"""A connection that posts one request at a time: HTTP/1.1, as much of it as that takes.

A client library would use more processor time for a single event than the server that is measured.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

_LENGTH = b"content-length:"


class Connection:
    """Posts to one address, again and again."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        self._reader, self._writer, self._head = reader, writer, head

    async def post(self, body: bytes, media_type: str) -> tuple[int, bytes]:
        """Return status and body of the answer."""
        own = b"content-type: %b\r\ncontent-length: %d\r\n\r\n" % (media_type.encode(), len(body))
        self._writer.write(self._head + own + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        return status_of(head), await self._reader.readexactly(length_of(head))


def status_of(head: bytes) -> int:
    """Return the status of an answer by its head."""
    return int(head.split(b" ", 2)[1])


def length_of(head: bytes) -> int:
    """Return how long the body is, by the head; raises ValueError where it is not said."""
    lowered = head.lower()
    at = lowered.index(_LENGTH) + len(_LENGTH)
    return int(lowered[at : lowered.index(b"\r\n", at)])


@asynccontextmanager
async def connected(url: str, key: str) -> AsyncIterator[Connection]:
    """Connect to a server, and post to the address of `url` with this key."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    lines = (f"POST {where.path} HTTP/1.1", f"host: {where.netloc}", f"authorization: Bearer {key}", "")
    try:
        yield Connection(reader, writer, "\r\n".join(lines).encode())
    finally:
        writer.close()
