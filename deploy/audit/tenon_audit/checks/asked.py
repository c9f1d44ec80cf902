"""Guarantee 4: each window of a demand adds up, at any round and now, and what is open has a reason.

What is docked is summed from the dockings' steps.
"""

from collections.abc import Iterable, Iterator, Mapping

from tenon_audit.checks.repeated import InForce, Name
from tenon_audit.checks.windows import REPAIR, REPLAY, Place, missing
from tenon_audit.facts import DemandRow, DemandTold, DemandWindow, Entity
from tenon_audit.finding import Finding, row
from tenon_audit.ledger import Ledger, Shares


def at_commit(made_in: tuple[int, int], told: Iterable[DemandTold], ledger: Ledger) -> Iterator[Finding]:
    """Check the demands that a round told, after its steps."""
    for demand in told:
        for window in demand.windows:
            where = f"{row('matcher.rounds', *made_in)}, demand {demand.key} window {window.id}"
            yield from _counted(window, ledger.docked((demand.key, window.id)), where)


def now(
    rows: Iterable[DemandRow], ledgers: Mapping[int, Ledger], in_force: Mapping[Name, InForce]
) -> Iterator[Finding]:
    """Check the windows in the table against the dockings and against what the log leaves in force."""
    seen: set[Place] = set()
    for partition, key, window in rows:
        seen.add((partition, key, window.id))
        where = row("matcher.demand_windows", partition, key, window.id)
        docked = ledgers[partition].docked((key, window.id)) if partition in ledgers else Shares()
        yield from _counted(window, docked, where)
        entry = in_force.get((partition, "demand", key))
        if entry is not None:
            yield from _as_said(window, docked, entry, where)
    for name in missing("demand", in_force, seen):
        what = "it is in force, and not there"
        yield Finding(4, "demand.window_missing", what, row("matcher.demand_windows", *name), REPAIR)


def explained(rows: Iterable[DemandRow], entities: Iterable[Entity]) -> Iterator[Finding]:
    """Check that every demand with something open has a reason. True at rest alone."""
    open_now = {(partition, key) for partition, key, window in rows if window.open > 0}
    for entity in entities:
        if entity.kind != "demand" or (entity.partition, entity.key) not in open_now or entity.explained:
            continue
        what = f"demand {entity.key} is open, and no reason is kept"
        where = row("matcher.entities", entity.partition, "demand", entity.market, entity.key)
        todo = "see whether the matcher still works on reasons (`tenon why`); replay the partition if not"
        yield Finding(4, "demand.unexplained", what, where, todo)


def _counted(window: DemandWindow, docked: Shares, where: str) -> Iterator[Finding]:
    told = Shares(window.proposed, window.confirmed, window.shipped, window.delivered)
    if told != docked:
        parts = ", ".join(
            f"{theirs} {name} (by its dockings {ours})"
            for name, theirs, ours in zip(Shares._fields, told, docked, strict=True)
            if theirs != ours
        )
        yield Finding(4, "demand.docked", f"it says {parts}", where, REPAIR)
    parts_sum = told.consumed + window.open + window.given_up
    if window.asked != parts_sum or min(*told, window.open, window.given_up) < 0:
        what = f"asked {window.asked}, and {parts_sum} open, docked and given up"
        yield Finding(4, "demand.adds_up", what, where, REPAIR)


def _as_said(window: DemandWindow, docked: Shares, entry: InForce, where: str) -> Iterator[Finding]:
    said = entry.quantities.get(window.id, 0)
    if window.said != said:
        what = f"it asks for {window.said}, in the log for {said} (revision {entry.revision})"
        yield Finding(4, "demand.quantity", what, where, REPAIR)
    most = entry.most.get(window.id, 0)
    if docked.consumed > most:
        what = f"{docked.consumed} are docked, and it never asked for more than {most}"
        yield Finding(4, "demand.overfilled", what, where, REPLAY)
