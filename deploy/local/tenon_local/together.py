"""Small helpers for running coroutines of the stack. Know nothing of the stack."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine, Iterator
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM)


async def together(*work: Coroutine[Any, Any, None]) -> None:
    """Run all at once; the first failure cancels the others, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for item in work:
                group.create_task(item)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


@contextlib.contextmanager
def cancelled_by_signals() -> Iterator[None]:
    """SIGINT and SIGTERM cancel the current task, so that its `finally` and `async with` blocks run."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in ENDING:
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in ENDING:
            loop.remove_signal_handler(number)
