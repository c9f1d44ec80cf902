"""How long to wait before trying again, and for how long to try at all.

Only `Transient` is retried: all else is fenced, unusable, misconfigured or a bug, and no repetition helps.
"""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_delay

from tenon import log
from tenon.errors import Transient

R = TypeVar("R")


def backoff_ms(attempt: int, base_ms: int = 50, cap_ms: int = 5_000, jitter: float = 0.5) -> int:
    """Return the wait before the next try: doubling from `base_ms` to `cap_ms`, spread over its upper half.

    `attempt` counts from 0; `jitter` (0..1, random in use) chooses within the upper half, so that many
    processes that failed together don't come back together.
    """
    whole = min(cap_ms, base_ms << min(attempt, 30))
    return whole // 2 + int(whole / 2 * jitter)


async def retrying(
    what: str,
    operation: Callable[[], Awaitable[R]],
    *,
    deadline_ms: int,
    base_ms: int = 50,
    cap_ms: int = 5_000,
) -> R:
    """Run `operation` until it returns; raise its last `Transient` once `deadline_ms` have passed.

    `what` names the operation in the log. Every other exception is raised at once.
    """

    async def once() -> R:
        # tenacity awaits what it sees to be a coroutine function; a lambda that returns a coroutine is none.
        return await operation()

    def wait_seconds(state: RetryCallState) -> float:
        return backoff_ms(state.attempt_number - 1, base_ms, cap_ms, random.random()) / 1000

    def report(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.get("retry").warning("retry", what=what, attempt=state.attempt_number, error=str(error))

    attempts = AsyncRetrying(
        retry=retry_if_exception_type(Transient),
        stop=stop_after_delay(deadline_ms / 1000),
        wait=wait_seconds,
        before_sleep=report,
        reraise=True,
    )
    return await attempts(once)
