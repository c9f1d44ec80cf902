"""Asks a broker which brokers of the cluster are in service, over Kafka's wire protocol.

A listening port is no answer: a broker that came back is fenced until the controller lets it in. Pure but
for one connection; must not know processes.
"""

from __future__ import annotations

import asyncio
import struct

METADATA, VERSION = 3, 1  # the oldest version that Kafka 4 still answers in a form without tags
CORRELATION = 1
CLIENT = b"tenon-probe"
MAX_RESPONSE_BYTES = 1 << 20


def request() -> bytes:
    """A Metadata request for no topic, with its length in front (Kafka protocol guide, Metadata v1)."""
    header = struct.pack(">hhih", METADATA, VERSION, CORRELATION, len(CLIENT)) + CLIENT
    body = header + struct.pack(">i", 0)
    return struct.pack(">i", len(body)) + body


def brokers_of(response: bytes) -> set[int]:
    """The node ids in a Metadata response without its length; fenced brokers are left out by the server."""
    count = struct.unpack_from(">i", response, 4)[0]
    position, found = 8, set()
    for _ in range(count):
        node, host_length = struct.unpack_from(">ih", response, position)
        position += 6 + host_length + 4
        rack_length = struct.unpack_from(">h", response, position)[0]
        position += 2 + max(0, rack_length)
        found.add(node)
    return found


async def brokers_in_service(host: str, port: int, timeout_s: float = 2) -> set[int]:
    """Node ids of the brokers that take requests; empty when the asked one does not answer in time."""
    try:
        async with asyncio.timeout(timeout_s):
            return brokers_of(await _ask(host, port))
    except (OSError, TimeoutError, asyncio.IncompleteReadError, struct.error):
        return set()


async def _ask(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request())
        length = struct.unpack(">i", await reader.readexactly(4))[0]
        return await reader.readexactly(min(length, MAX_RESPONSE_BYTES))
    finally:
        writer.close()
