"""A deadline for whatever asks the registry: a database that stands still must not gather callers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from tenon.errors import Transient

P = ParamSpec("P")
R = TypeVar("R")


@asynccontextmanager
async def within(deadline_ms: int) -> AsyncIterator[None]:
    """Raise `Transient` when the block has not ended by then; what it has begun may be done all the same."""
    try:
        async with asyncio.timeout(deadline_ms / 1000):
            yield
    except TimeoutError:
        raise Transient("the registry does not answer") from None


def timely(deadline_ms: int, answer: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Return what answers an address, with a deadline; it is described as before."""

    @wraps(answer)
    async def answered(*args: P.args, **kwargs: P.kwargs) -> R:
        async with within(deadline_ms):
            return await answer(*args, **kwargs)

    return answered
