"""Guarantee 3: no window of an offer gives more than it holds, at any round and now.

What is consumed is summed from the dockings' steps. More may be consumed than a supplier leaves after a cut;
then the window says so, nothing new is docked from it, and it once held at least as much.
"""

from collections.abc import Iterable, Iterator, Mapping

from tenon_audit.checks.repeated import InForce, Name
from tenon_audit.checks.windows import REPAIR, REPLAY, Place, miscounted, missing, not_adding_up
from tenon_audit.facts import OfferRow, OfferTold, OfferWindow, WindowKey
from tenon_audit.finding import Finding, row
from tenon_audit.ledger import Ledger


def at_commit(
    made_in: tuple[int, int], told: Iterable[OfferTold], ledger: Ledger, new: Mapping[WindowKey, str]
) -> Iterator[Finding]:
    """Check the offers that a round told, after its steps. `new`: windows it docked from, and the docking."""
    for offer in told:
        for window in offer.windows:
            key = (offer.key, window.id)
            where = f"{row('matcher.rounds', *made_in)}, offer {offer.key} window {window.id}"
            yield from _counted(window, ledger.consumed(key), where)
            if window.consumed > window.quantity and key in new:
                what = (
                    f"docking {new[key]} was made though {window.consumed} of {window.quantity} are consumed"
                )
                yield Finding(3, "offer.sold_twice", what, where, REPLAY)


def now(
    rows: Iterable[OfferRow],
    ledgers: Mapping[int, Ledger],
    in_force: Mapping[Name, InForce],
) -> Iterator[Finding]:
    """Check the windows in the table against the dockings and against what the log leaves in force."""
    seen: set[Place] = set()
    for partition, key, window in rows:
        seen.add((partition, key, window.id))
        where = row("matcher.offer_windows", partition, key, window.id)
        consumed = ledgers[partition].consumed((key, window.id)) if partition in ledgers else 0
        yield from _counted(window, consumed, where)
        entry = in_force.get((partition, "offer", key))
        if entry is not None:
            yield from _as_said(window, entry, where)
    for name in missing("offer", in_force, seen):
        what = "it is in force, and not there"
        yield Finding(3, "offer.window_missing", what, row("matcher.offer_windows", *name), REPAIR)


def _counted(window: OfferWindow, consumed: int, where: str) -> Iterator[Finding]:
    if (what := miscounted(window, consumed)) is not None:
        yield Finding(3, "offer.consumed", what, where, REPAIR)
    if (what := not_adding_up(window)) is not None:
        yield Finding(3, "offer.adds_up", what, where, REPAIR)


def _as_said(window: OfferWindow, entry: InForce, where: str) -> Iterator[Finding]:
    said = entry.quantities.get(window.id, 0)
    if window.quantity != said:
        what = f"it holds {window.quantity}, in the log {said} (revision {entry.revision})"
        yield Finding(3, "offer.quantity", what, where, REPAIR)
    most = entry.most.get(window.id, 0)
    if window.consumed > most:
        what = f"{window.consumed} are consumed, and it never held more than {most}"
        yield Finding(3, "offer.sold_twice", what, where, REPLAY)
