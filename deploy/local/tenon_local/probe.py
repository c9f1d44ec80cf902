"""Asks a process over the network whether it is well. Decides nothing about what follows from the answer."""

from __future__ import annotations

import asyncio

MAX_ANSWER_BYTES = 1 << 16


async def http_get(host: str, port: int, path: str, timeout_s: float = 2) -> tuple[int, str]:
    """Status and body of a GET; status 0 when there is no answer in time."""
    try:
        async with asyncio.timeout(timeout_s):
            return _parse(await _exchange(host, port, path))
    except (OSError, TimeoutError, ValueError, IndexError):
        return 0, ""


async def listens(host: str, port: int, timeout_s: float = 2) -> bool:
    """Whether somebody takes connections there."""
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _exchange(host: str, port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while more := await reader.read(MAX_ANSWER_BYTES - len(answer)):
            answer += more
        return answer
    finally:
        writer.close()


def _parse(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body.decode(errors="replace")
