"""What single dockings, demands and offers add to the totals that everybody may see.

A total is kept per (unit, name) as a number of things and a quantity; a changed thing takes back what
its former state had added. Names: `docked` (what consumes quantity now), `moved` (quantity times
kilometres of it), `asked` and `open` of demands, `offered` and `free` of offers, and each status of a
docking under `docking.STATUS`.
"""

from collections.abc import Mapping
from decimal import Decimal

from tenon.contracts.dockings import CONSUMING, Docking
from tenon.contracts.positions import DemandPosition, OfferPosition
from tenon.contracts.values import Shape

Key = tuple[str, str]
Amount = tuple[int, Decimal]
Totals = dict[Key, Amount]

NOTHING: Amount = (0, Decimal(0))


def totals_of(state: Shape | None) -> Totals:
    """Return what one docking, demand or offer adds; nothing for everything else."""
    match state:
        case Docking():
            return _of_docking(state)
        case DemandPosition():
            return _of_demand(state)
        case OfferPosition():
            return _of_offer(state)
        case _:
            return {}


def add_change(totals: Totals, before: Shape | None, after: Shape | None) -> None:
    """Add to `totals` what changes when `before` becomes `after`."""
    _add(totals, totals_of(after), 1)
    _add(totals, totals_of(before), -1)


def nonzero(totals: Mapping[Key, Amount]) -> Totals:
    """Return the entries that change anything, in order of their keys."""
    return {key: totals[key] for key in sorted(totals) if totals[key] != NOTHING}


def _add(totals: Totals, amounts: Totals, sign: int) -> None:
    for key, (count, quantity) in amounts.items():
        present = totals.get(key, NOTHING)
        totals[key] = (present[0] + sign * count, present[1] + sign * quantity)


def _of_docking(docking: Docking) -> Totals:
    held = docking.quantity if docking.status in CONSUMING else docking.shipped
    result: Totals = {(docking.unit, f"docking.{docking.status}"): (1, docking.quantity)}
    if held:
        result[docking.unit, "docked"] = (1, held)
        result[docking.unit, "moved"] = (1, held * docking.distance_m / 1000)
    return result


def _of_demand(demand: DemandPosition) -> Totals:
    unit = demand.item.unit
    asked = sum((window.asked for window in demand.windows), Decimal(0))
    still = sum((window.open for window in demand.windows), Decimal(0))
    result: Totals = {(unit, "asked"): (1, asked)}
    if still and demand.status == "open":
        result[unit, "open"] = (1, still)
    return result


def _of_offer(offer: OfferPosition) -> Totals:
    unit = offer.item.unit
    whole = sum((window.quantity for window in offer.windows), Decimal(0))
    free = sum((window.free for window in offer.windows), Decimal(0))
    result: Totals = {(unit, "offered"): (1, whole)}
    if free and offer.status == "open":
        result[unit, "free"] = (1, free)
    return result
