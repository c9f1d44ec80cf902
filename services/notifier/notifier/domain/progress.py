"""How far an endpoint has got after some deliveries: the cursor, what is parked, when it goes on, whether
at all.

Deliveries are in the order of the feed; the first one that is neither delivered nor parked stops all
behind it. An endpoint that gave nothing but failures for too long is called no more: its circuit is open.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from notifier.domain.classify import Delivered, Disable, Park, Retry, Verdict

BEHIND: Final = "waits for an earlier event of the same subject that is parked"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the delivery of one event; `verdict` None: it was not tried.

    `behind`: it was not tried because an earlier event of its subject is parked.
    """

    number: int
    failed_before: int
    verdict: Verdict | None
    behind: bool = False


@dataclass(frozen=True, slots=True)
class Circuit:
    """Since when an endpoint has only failed, None if it has not, and for how long it may."""

    failing_since: datetime | None
    open_after_ms: int


@dataclass(slots=True)
class Progress:
    """What to store. `cursor` None: no event was settled; `disable` None: the endpoint goes on."""

    cursor: int | None = None
    failed: int = 0
    failing_since: datetime | None = None
    wait_ms: int = 0
    disable: str | None = None
    park: dict[int, str] = field(default_factory=dict)


def advance(results: Iterable[Result], circuit: Circuit, now: datetime) -> Progress:
    """Return the progress after results, given how the endpoint did before them."""
    progress = Progress(failing_since=circuit.failing_since)
    for result in results:
        if not _settle(progress, result, now):
            break
        progress.cursor = result.number
    if progress.disable is None:
        progress.disable = _opened(progress.failing_since, circuit.open_after_ms, now)
    return progress


def _opened(failing_since: datetime | None, open_after_ms: int, now: datetime) -> str | None:
    if failing_since is None or (now - failing_since).total_seconds() * 1000 < open_after_ms:
        return None
    return f"nothing but failures since {failing_since:%Y-%m-%dT%H:%M:%SZ}"


def _settle(progress: Progress, result: Result, now: datetime) -> bool:
    """Take one result into account; return whether its event is behind us."""
    if result.behind:
        progress.park[result.number] = BEHIND
        return True
    match result.verdict:
        case Delivered():
            progress.failing_since = None
            return True
        case Park(why=why):
            progress.park[result.number] = why
            progress.failing_since = progress.failing_since or now
            return True
        case Retry(wait_ms=wait_ms):
            progress.failed = result.failed_before + 1
            progress.failing_since = progress.failing_since or now
            progress.wait_ms = max(1, wait_ms)
        case Disable(why=why):
            progress.disable = why
        case None:
            pass
    return False
