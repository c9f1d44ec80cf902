"""The bytes of a request: never more than may be held, never waited for longer than told, never packed.

A packed body would have to be unpacked to know its length, so that a few bytes could become any number; the
bodies taken here are small enough to be sent as they are. What a body means is not known here.
"""

import asyncio
from collections.abc import Callable, Mapping

from starlette.requests import ClientDisconnect, Request

from tenon.problems import Fault, Problem


async def body_of(
    request: Request, most: int, deadline_ms: int, take: Callable[[int], None] = lambda count: None
) -> bytes:
    """Return the body, `take` told of each part before it is kept; raise `Problem` 400, 408, 413 or 415."""
    _refuse_packed(request.headers)
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > most:
        raise _too_long(most)
    try:
        async with asyncio.timeout(deadline_ms / 1000):
            return await _read(request, most, take)
    except TimeoutError:
        raise Problem(408, f"the body did not arrive within {deadline_ms} ms") from None
    except ClientDisconnect:
        raise Problem(400, "the body ended early") from None


async def _read(request: Request, most: int, take: Callable[[int], None]) -> bytes:
    chunks: list[bytes] = []
    length = 0
    async for chunk in request.stream():
        take(len(chunk))
        length += len(chunk)
        if length > most:
            raise _too_long(most)
        chunks.append(chunk)
    return b"".join(chunks)


def _refuse_packed(headers: Mapping[str, str]) -> None:
    encoding = headers.get("content-encoding", "identity")
    if encoding.strip().lower() != "identity":
        fault = Fault("", f"content-encoding: {encoding}", "no content-encoding")
        raise _refused(415, "unsupported-media-type", "This is not read", fault)


def _too_long(most: int) -> Problem:
    fault = Fault("", "the body is too long", f"at most {most} bytes")
    return _refused(413, "too-large", "The request is too large", fault)


def _refused(status: int, slug: str, title: str, fault: Fault) -> Problem:
    detail = f"{fault.reason}; expected {fault.expected}"
    return Problem(status, detail, slug=slug, title=title, errors=[fault])
