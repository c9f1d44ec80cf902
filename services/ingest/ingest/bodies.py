"""The bytes of a request: never more than may be held, never waited for longer than told."""

import asyncio
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request

from ingest import answers
from ingest.domain.faults import Fault, Refusal
from tenon.problems import Problem


async def body_of(request: Request, most: int, deadline_ms: int, take: Callable[[int], None]) -> bytes:
    """Return the body, `take` told of each part before it is kept; raise `Problem` 400, 408 or 413."""
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


def _too_long(most: int) -> Problem:
    fault = Fault("", "the body is too long", f"at most {most} bytes")
    detail = f"{fault.reason}; {fault.expected}"
    return answers.problem(Refusal(413, "too-large", "The request is too large", detail, (fault,)))
