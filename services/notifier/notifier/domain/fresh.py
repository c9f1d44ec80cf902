"""Which records say something new: the highest sequence of each order wins, everything else is an echo.

A record that was sent twice, or that arrives behind a newer one of what it is ordered by, has no second
effect.
"""

from collections.abc import Iterable, Mapping

from notifier.domain.reading import Received, Tombstone


def fresh(
    items: Iterable[Received | Tombstone], seen: Mapping[str, str]
) -> tuple[list[Received | Tombstone], dict[str, str]]:
    """Return the items above what was seen of their orders, in order, and the new highest sequences.

    An item without a sequence (a tombstone written by hand) is taken as it comes.
    """
    highest = dict(seen)
    taken: list[Received | Tombstone] = []
    for item in items:
        if item.sequence and item.sequence <= highest.get(item.ordered_by, ""):
            continue
        if item.sequence:
            highest[item.ordered_by] = item.sequence
        taken.append(item)
    changed = {order: sequence for order, sequence in highest.items() if seen.get(order) != sequence}
    return taken, changed
