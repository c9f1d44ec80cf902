"""What time and change leave of an offer or demand: its status, what is given up, when it is forgotten."""

from collections.abc import Iterator

from matcher.domain.effects import Effects
from matcher.domain.model import Demand, DemandWindow, Market, Offer, Resource
from matcher.domain.resources import from_grains
from matcher.domain.timers import patience_until_ms
from tenon.contracts.alerts import Overdrawn, Overloaded, Unmet
from tenon.contracts.codec import instant
from tenon.contracts.positions import PositionStatus
from tenon.contracts.units import from_counts


def settle_demand(market: Market, demand: Demand, effects: Effects) -> bool:
    """Give up what can't be docked any more and set the status; return whether anything changed."""
    out_of_patience = patience_until_ms(market.policy, demand) <= effects.clock_ms
    ended = demand.status == "withdrawn" or out_of_patience
    given = sum(_give_up(window) for window in demand.windows if ended or window.until_ms <= effects.clock_ms)
    if given and demand.status != "withdrawn":
        cause = "its patience ended" if out_of_patience else "its window ended"
        effects.alerts.append((market.name, _unmet(market, demand, given, cause, effects.clock_ms)))
    before = demand.status
    if demand.status != "withdrawn":
        demand.status = _demand_status(demand)
    over = ended or all(window.until_ms <= effects.clock_ms for window in demand.windows)
    if over != (demand.closed_ms is not None):
        demand.closed_ms = effects.clock_ms if over else None
        effects.closing.add((market.name, demand.key))
    if not demand.open:
        demand.reasons = None
    return bool(given) or demand.status != before


def settle_offer(offer: Offer, effects: Effects) -> bool:
    """Set the status; return whether it changed."""
    before = offer.status
    if offer.status != "withdrawn":
        over = all(min(window.until_ms, offer.valid_until_ms) <= effects.clock_ms for window in offer.windows)
        offer.status = "expired" if over else "open" if offer.free else "filled"
    closed = offer.status in ("withdrawn", "expired")
    if closed != (offer.closed_ms is not None):
        offer.closed_ms = effects.clock_ms if closed else None
    return offer.status != before


def settle_resource(resource: Resource, now_ms: int) -> bool:
    """Note when a resource closed; return whether that changed."""
    closed = resource.status(now_ms) != "open"
    if closed == (resource.closed_ms is not None):
        return False
    resource.closed_ms = now_ms if closed else None
    return True


def overloaded(market: Market, resource: Resource, now_ms: int) -> Iterator[Overloaded]:
    """Yield an alert for each window of which more is confirmed than the resource still holds."""
    for window in resource.windows:
        if window.overdrawn:
            yield Overloaded(
                market=market.name,
                party=resource.said.party,
                resource=resource.said.resource,
                window=window.id,
                unit=resource.said.unit,
                quantity=from_grains(window.overdrawn, resource.said.unit),
                at=instant(now_ms),
            )


def overdrawn(market: Market, offer: Offer, now_ms: int) -> Iterator[Overdrawn]:
    """Yield an alert for each window of which more is confirmed than the offer still holds."""
    for window in offer.windows:
        if window.overdrawn:
            yield Overdrawn(
                market=market.name,
                party=offer.said.party,
                offer=offer.said.offer,
                window=window.id,
                unit=offer.unit,
                quantity=from_counts(window.overdrawn, offer.unit),
                at=instant(now_ms),
            )


def _demand_status(demand: Demand) -> PositionStatus:
    if demand.open:
        return "open"
    return "expired" if any(window.given_up for window in demand.windows) else "filled"


def _give_up(window: DemandWindow) -> int:
    given = window.open
    window.given_up += given
    return given


def _unmet(market: Market, demand: Demand, given: int, cause: str, now_ms: int) -> Unmet:
    return Unmet(
        market=market.name,
        party=demand.said.party,
        demand=demand.said.demand,
        class_=demand.said.item.class_,
        unit=demand.unit,
        quantity=from_counts(given, demand.unit),
        at=instant(now_ms),
        cause=cause,
    )
