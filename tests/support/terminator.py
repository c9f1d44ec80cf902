"""TLS in front of a PostgreSQL that was built without: what a client sees is a server that speaks TLS."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""PostgreSQL manual, message formats: SSLRequest."""


@dataclass
class Terminator:
    """Where it listens, and how each connection so far was begun: by `tls`, or `plain`."""

    port: int = 0
    begun: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def terminating(port: int, certificate: Path) -> AsyncIterator[Terminator]:
    """Listen while the block runs, and hand everything on to the server at `port`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    made = Terminator()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            first = await reader.readexactly(len(_SSL_REQUEST))
            if first == _SSL_REQUEST:
                writer.write(b"S")
                await writer.start_tls(context)
                first = b""
            made.begun.append("plain" if first else "tls")
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
            inner_writer.write(first)
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made
        server.close()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
    sink.close()
