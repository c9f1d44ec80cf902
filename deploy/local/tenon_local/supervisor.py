"""Holds a stack until it is told to end: what runs behind `tenon up`.

Decides nothing about the stack itself.
"""

from __future__ import annotations

import asyncio
import contextlib

from tenon_local.keeper import keep_alive
from tenon_local.plan import Plan
from tenon_local.stack import Report, Stack
from tenon_local.together import cancelled_by_signals


async def supervise(plan: Plan, report: Report) -> None:
    """Start the stack, keep it alive, and stop it in order on SIGINT or SIGTERM.

    A second signal while it stops kills everything at once.
    """
    with cancelled_by_signals():
        stack = Stack(plan, report)
        with contextlib.suppress(asyncio.CancelledError):
            await stack.start()
            await keep_alive(stack, report)
        await _end(stack, report)


async def _end(stack: Stack, report: Report) -> None:
    report("stopping")
    try:
        await stack.stop()
    except BaseException:
        await stack.kill()
        raise
    report("stopped")
