"""What the checks of windows share: what is in force and not there, what does not add up, what to do."""

from collections.abc import Iterator, Mapping, Set

from tenon_audit.checks.repeated import InForce, Name
from tenon_audit.facts import OfferWindow

REPLAY = (
    "stop the matcher and replay the partition (`tenon audit --replay`): its first other round is the cause"
)
REPAIR = "stop the matcher and restore its schema: a row was changed or removed"
Place = tuple[int, str, str]
"""Partition, key of the offer or demand, window."""


def missing(kind: str, in_force: Mapping[Name, InForce], seen: Set[Place]) -> Iterator[Place]:
    """Yield, in order, the windows that the log leaves in force and no row stands for."""
    wanted = {
        (partition, key, window)
        for (partition, what, key), entry in in_force.items()
        if what == kind
        for window in entry.quantities
    }
    yield from sorted(wanted - seen)


def miscounted(window: OfferWindow, consumed: int) -> str | None:
    """Say where a window says other than what its dockings consume."""
    if window.consumed == consumed:
        return None
    return f"it says {window.consumed} are consumed, its dockings consume {consumed}"


def not_adding_up(window: OfferWindow) -> str | None:
    """Say where a window contradicts itself."""
    free, overdrawn = max(0, window.quantity - window.consumed), max(0, window.consumed - window.quantity)
    if (window.free, window.overdrawn) == (free, overdrawn) and min(window.quantity, window.consumed) >= 0:
        return None
    return (
        f"of {window.quantity} it says {window.consumed} consumed, {window.free} free,"
        f" {window.overdrawn} overdrawn"
    )
