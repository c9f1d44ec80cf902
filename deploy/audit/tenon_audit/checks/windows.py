"""What the checks of both sides' windows share: what is in force and not there, and what to do."""

from collections.abc import Iterator, Mapping, Set

from tenon_audit.checks.repeated import InForce, Name

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
