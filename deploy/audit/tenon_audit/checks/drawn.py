"""Guarantee 3 for resources: no window of a resource gives more than it holds.

What is consumed is summed from the dockings' steps, times the load of the offer as the log leaves it. A
window of an offer draws on the window of its resource in which it lies whole, else on what is outside of all.
"""

from collections.abc import Iterable, Iterator, Mapping

from tenon.contracts.positions import OUTSIDE
from tenon_audit.checks.repeated import InForce, Name
from tenon_audit.checks.windows import REPAIR, Place, miscounted, missing, not_adding_up
from tenon_audit.facts import GRAINS, ResourceRow, ResourceTold
from tenon_audit.finding import Finding, row
from tenon_audit.ledger import Ledger


def at_commit(made_in: tuple[int, int], told: Iterable[ResourceTold]) -> Iterator[Finding]:
    """Check that the windows which a round told add up."""
    for resource in told:
        for window in resource.windows:
            where = f"{row('matcher.rounds', *made_in)}, resource {resource.key} window {window.id}"
            if (what := not_adding_up(window)) is not None:
                yield Finding(3, "resource.adds_up", what, where, REPAIR)


def now(
    rows: Iterable[ResourceRow], ledgers: Mapping[int, Ledger], in_force: Mapping[Name, InForce]
) -> Iterator[Finding]:
    """Check the windows in the table against dockings and loads, and against what the log leaves in force."""
    taken = consumed(ledgers, in_force)
    seen: set[Place] = set()
    for partition, key, window in rows:
        place = (partition, key, window.id)
        seen.add(place)
        where = row("matcher.resource_windows", *place)
        if (what := miscounted(window, taken.get(place, 0))) is not None:
            yield Finding(3, "resource.consumed", what, where, REPAIR)
        if (what := not_adding_up(window)) is not None:
            yield Finding(3, "resource.adds_up", what, where, REPAIR)
        entry = in_force.get((partition, "resource", key))
        said = 0 if entry is None else entry.quantities.get(window.id, 0)
        if window.quantity != said:
            what = f"it holds {window.quantity} grains, in the log {said}"
            yield Finding(3, "resource.quantity", what, where, REPAIR)
    for name in missing("resource", in_force, seen):
        what = "it is in force, and not there"
        yield Finding(3, "resource.window_missing", what, row("matcher.resource_windows", *name), REPAIR)


def consumed(ledgers: Mapping[int, Ledger], in_force: Mapping[Name, InForce]) -> dict[Place, int]:
    """Return what dockings take of each window of each resource, in grains."""
    taken: dict[Place, int] = {}
    for (partition, kind, key), offer in in_force.items():
        resource = _resource(partition, offer, in_force) if kind == "offer" else None
        if resource is None or offer.draw is None or partition not in ledgers:
            continue
        load = max(1, -(-offer.draw.load * resource.counted[1] * GRAINS // 1))
        for window, span in offer.spans.items():
            place = (partition, offer.draw.resource, _home(span, resource))
            taken[place] = taken.get(place, 0) + load * ledgers[partition].consumed((key, window))
    return taken


def _resource(partition: int, offer: InForce, in_force: Mapping[Name, InForce]) -> InForce | None:
    """Return the resource that an offer can draw on: in its market, counted in what its load is stated in."""
    if offer.draw is None:
        return None
    resource = in_force.get((partition, "resource", offer.draw.resource))
    if resource is None or resource.market != offer.market:
        return None
    return resource if offer.draw.dimension in (None, resource.counted[0]) else None


def _home(span: tuple[int, int], resource: InForce) -> str:
    homes = (name for name, (from_, until) in resource.spans.items() if from_ <= span[0] and span[1] <= until)
    return next(homes, OUTSIDE)
