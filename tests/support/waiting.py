"""Waiting for what other processes do: a condition and a bound, never a fixed time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_EVERY_S = 0.05


async def until(find: Callable[[], Awaitable[T]], what: str, seconds: float = 60) -> T:
    """Return the first answer that is true; AssertionError, with `what` was waited for, when none comes."""
    try:
        async with asyncio.timeout(seconds):
            while not (found := await find()):  # noqa: ASYNC110 - other processes decide
                await asyncio.sleep(_EVERY_S)
    except TimeoutError:
        raise AssertionError(f"not within {seconds:g} s: {what}") from None
    return found
