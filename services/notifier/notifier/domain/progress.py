"""How far an endpoint has got after some deliveries: the cursor, what is parked, when it goes on.

Deliveries are in the order of the feed; the first one that is neither delivered nor parked stops all
behind it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Progress:
    """What to store. `cursor` None: no event was settled; `disable` None: the endpoint goes on."""

    cursor: int | None = None
    failed: int = 0
    parked_in_row: int = 0
    wait_ms: int = 0
    disable: str | None = None
    park: dict[int, str] = field(default_factory=dict)


def advance(results: Iterable[Result], parked_in_row: int, disable_after: int) -> Progress:
    """Return the progress after results, given how many events in a row were parked before them."""
    progress = Progress(parked_in_row=parked_in_row)
    for result in results:
        if not _settle(progress, result):
            break
        progress.cursor = result.number
    if progress.disable is None and progress.parked_in_row >= disable_after:
        progress.disable = f"{progress.parked_in_row} events in a row had to be parked"
    return progress


def _settle(progress: Progress, result: Result) -> bool:
    """Take one result into account; return whether its event is behind us."""
    if result.behind:
        progress.park[result.number] = BEHIND
        return True
    match result.verdict:
        case Delivered():
            progress.parked_in_row = 0
            return True
        case Park(why=why):
            progress.park[result.number] = why
            progress.parked_in_row += 1
            return True
        case Retry(wait_ms=wait_ms):
            progress.failed = result.failed_before + 1
            progress.wait_ms = max(1, wait_ms)
        case Disable(why=why):
            progress.disable = why
        case None:
            pass
    return False
