"""What the outcome of one attempt means for its event: done, later, parked, or the end of the endpoint.

Standard Webhooks 1.0, "Webhook Response": 2xx is success, everything else a failure (3xx too: redirects
are not followed), 410 asks to stop for good, 429, 502 and 504 ask to slow down; Retry-After (RFC 9110
§10.2.3) is honoured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from notifier.domain.backoff import delay_ms

GONE: Final = 410
SLOW_DOWN: Final = frozenset({429, 502, 504})
SLOW_DOWN_MS: Final = 5_000
MAX_RETRY_AFTER_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Patience:
    """How often an event is tried, and what then: set aside, or, in strict order, the end of the endpoint.

    `skip_after`: so many attempts, if the schedule has as many; None: all of them.
    """

    schedule_ms: Sequence[int]
    strict: bool = False
    skip_after: int | None = None

    @property
    def waits_ms(self) -> Sequence[int]:
        """The waits between attempts; one more attempt than these."""
        return self.schedule_ms if self.skip_after is None else self.schedule_ms[: self.skip_after - 1]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one request: a status, or None with what went wrong instead."""

    status: int | None
    detail: str = ""
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not yet: again after this wait."""

    wait_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class Park:
    """Tried as often as the schedule says: set aside, and go on with the next event."""

    why: str


@dataclass(frozen=True, slots=True)
class Disable:
    """No more events at all: the receiver wants none, or the next must not be passed over."""

    why: str


Verdict = Delivered | Retry | Park | Disable


def judge(attempt: Attempt, failed_before: int, patience: Patience, jitter: float, now: datetime) -> Verdict:
    """Return what one more attempt means after so many that failed. `jitter` is in 0..1."""
    if attempt.status is not None and 200 <= attempt.status < 300:
        return Delivered()
    why = _why(attempt)
    if attempt.status == GONE:
        return Disable(why)
    wait_ms = delay_ms(patience.waits_ms, failed_before + 1, jitter, _least_ms(attempt, now))
    if wait_ms is not None:
        return Retry(wait_ms, why)
    if patience.strict:
        return Disable(f"{why}; tried {failed_before + 1} times, and the order is strict")
    return Park(why)


def retry_after_ms(value: str | None, now: datetime) -> int:
    """Return the wait that a Retry-After header asks for, in ms, at most a day; 0 when it asks for none."""
    if not value:
        return 0
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]) * 1000, MAX_RETRY_AFTER_MS)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0, min(int((at - now).total_seconds() * 1000), MAX_RETRY_AFTER_MS))


def _least_ms(attempt: Attempt, now: datetime) -> int:
    asked = retry_after_ms(attempt.retry_after, now)
    return asked or (SLOW_DOWN_MS if attempt.status in SLOW_DOWN else 0)


def _why(attempt: Attempt) -> str:
    if attempt.status is None:
        return attempt.detail or "no answer"
    kind = "redirects are not followed" if 300 <= attempt.status < 400 else "not a success"
    return f"HTTP {attempt.status}: {kind}"
