"""What the loop knows of each partition: how far it is, and when it may be tried again."""

import random
from dataclasses import dataclass

from tenon.errors import Fenced, Transient
from tenon.records import TopicPartition
from tenon.retry import backoff_ms


@dataclass(slots=True)
class Held:
    """A partition whose state the handler holds. `ready`: opened in the present assignment, and read.

    `reached_ms`: everything that was written before then is handled, as far as this process knows.
    """

    next_offset: int
    reached_ms: int
    ready: bool = False


@dataclass(slots=True)
class _Trouble:
    """Since when a partition fails, how often it did, and when to try again (monotonic seconds)."""

    since: float
    attempts: int = 0
    not_before: float = 0.0


class Troubles:
    """Which partitions are not to be touched for a while. Times are monotonic seconds, by the caller."""

    def __init__(self, *, fenced_wait_ms: int, deadline_ms: int) -> None:
        self._fenced_wait_ms = fenced_wait_ms
        self._deadline_ms = deadline_ms
        self._troubles: dict[TopicPartition, _Trouble] = {}

    def postpone(self, where: TopicPartition, error: Transient | Fenced, now: float) -> int:
        """Note a failure and return the wait in ms; raises the error when it has lasted too long.

        A process that was frozen believes it still owns what it lost, until its next heartbeat: it must not
        raise the epoch again before, or it would fence the rightful owner. So `Fenced` waits for that.
        """
        trouble = self._troubles.setdefault(where, _Trouble(now))
        if isinstance(error, Fenced):
            wait_ms = self._fenced_wait_ms
        elif (now - trouble.since) * 1000 > self._deadline_ms:
            raise error
        else:
            wait_ms = backoff_ms(trouble.attempts, jitter=random.random())
        trouble.attempts += 1
        trouble.not_before = now + wait_ms / 1000
        return wait_ms

    def due(self, where: TopicPartition, now: float) -> bool:
        """Return whether a partition may be tried now."""
        trouble = self._troubles.get(where)
        return trouble is None or trouble.not_before <= now

    def over(self, where: TopicPartition) -> None:
        """Forget a partition's failures: it works."""
        self._troubles.pop(where, None)

    def clear(self) -> None:
        """Forget everything: a new assignment begins."""
        self._troubles.clear()
