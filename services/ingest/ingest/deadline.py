"""A deadline for whatever asks the registry: a database that stands still must not gather callers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tenon.errors import Transient


@asynccontextmanager
async def within(deadline_ms: int) -> AsyncIterator[None]:
    """Raise `Transient` when the block has not ended by then; what it has begun may be done all the same."""
    try:
        async with asyncio.timeout(deadline_ms / 1000):
            yield
    except TimeoutError:
        raise Transient("the registry does not answer") from None
