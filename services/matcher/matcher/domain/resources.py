"""What offers share: a resource, the offers that draw on it, and how much they take.

A resource is kept in grains, and so is what a unit of an offer's goods takes of it. An offer's window draws
on the one window of its resource in which it lies whole, else on what is outside of all, where nothing is.
What is consumed of a resource follows from its offers alone: the sum over their windows of consumed times
load.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction

from matcher.domain.effects import Effects
from matcher.domain.model import GRAINS, Market, Offer, OfferWindow, Resource, ResourceWindow
from matcher.domain.placing import place_offer
from tenon.contracts.positions import OUTSIDE
from tenon.contracts.units import UnknownUnit, unit
from tenon.contracts.values import ResourceDraw


def resource_key(offer: Offer) -> str | None:
    """Return the key of the resource that an offer names, None where it draws on none."""
    draw = offer.said.resource
    return None if draw is None else f"{offer.said.party}/{draw.id}"


def link(market: Market, offer: Offer) -> None:
    """Let an offer draw on the resource that it names; where that is not known it has no capacity."""
    key = resource_key(offer)
    if key is None:
        return
    market.drawing.setdefault(key, set()).add(offer.key)
    resource = market.resources.get(key)
    assert offer.said.resource is not None
    load = None if resource is None else load_of(offer.said.resource, offer.unit, resource.said.unit)
    for window in offer.windows:
        if resource is None or load is None:
            window.drawn, window.load = ResourceWindow(OUTSIDE, 0, 0, 0), 1
        else:
            window.drawn, window.load = resource.holding(window.from_ms, window.until_ms), load
        window.drawn.consumed += window.load * window.consumed


def unlink(market: Market, offer: Offer) -> None:
    """Let an offer draw on nothing any more."""
    key = resource_key(offer)
    if key is None:
        return
    market.drawing[key].discard(offer.key)
    if not market.drawing[key]:
        del market.drawing[key]
    for window in offer.windows:
        take(window, -window.consumed)
        window.drawn, window.load = None, 0


def take(window: OfferWindow, amount: int) -> None:
    """Count what is docked of a window (or given back) at its resource, if it draws on one."""
    if window.drawn is not None:
        window.drawn.consumed += window.load * amount


def put(market: Market, resource: Resource) -> None:
    """Put a resource into the place of the one before; its offers draw on this one."""
    offers = list(drawing(market, resource.key))
    for offer in offers:
        unlink(market, offer)
    market.resources[resource.key] = resource
    for offer in offers:
        link(market, offer)


def remove(market: Market, key: str) -> None:
    """Take out a resource on which nothing draws."""
    assert not market.drawing.get(key)
    del market.resources[key]


def drawing(market: Market, key: str) -> Iterator[Offer]:
    """Yield the offers that draw on a resource, by key."""
    for name in sorted(market.drawing.get(key, ())):
        yield market.offers[name]


def sharing(market: Market, offers: Iterable[Offer]) -> list[Offer]:
    """Return the offers that draw on what one of these draws on, and these, each once."""
    found = {offer.key: offer for offer in offers}
    for key in {resource_key(offer) for offer in found.values()}:
        if key is not None:
            found.update((offer.key, offer) for offer in drawing(market, key))
    return list(found.values())


def drawn_until_ms(offer: Offer) -> int:
    """Return when the last window of a resource ends from which an offer took something."""
    drawn = (window.drawn for window in offer.windows if window.consumed)
    return max((window.until_ms for window in drawn if window is not None), default=0)


def replace(market: Market, key: str) -> None:
    """Let the offers that draw on a resource be found with what it bears now."""
    for offer in drawing(market, key):
        place_offer(market, offer)


def draws(market: Market, effects: Effects, offer: Offer) -> None:
    """Note that an offer changed what it draws: its resource is told and stored too."""
    key = resource_key(offer)
    if key is not None:
        effects.resources.add((market.name, key))


def load_of(draw: ResourceDraw, goods: str, resource_unit: str) -> int | None:
    """Return how many grains of a resource a count of goods takes; None where it is stated in another unit.

    Ingest takes only loads that are whole; what an older log holds is rounded up, so nothing is sold twice.
    """
    counted = unit(resource_unit).dimension
    try:
        stated = counted.base_unit if draw.unit is None else draw.unit
        if unit(stated).dimension != counted:
            return None
    except UnknownUnit:
        return None
    scale = Fraction(counted.scale, unit(goods).dimension.scale) * unit(stated).factor
    return max(1, -(-Fraction(draw.load_factor) * scale * GRAINS // 1))


def from_grains(grains: int, resource_unit: str) -> Decimal:
    """Turn grains into base units of the resource, exactly and without an exponent."""
    whole, part = divmod(grains, GRAINS * unit(resource_unit).dimension.scale)
    digits = len(str(GRAINS * unit(resource_unit).dimension.scale)) - 1
    return Decimal(f"{whole}.{part:0{digits}d}".rstrip("0").rstrip("."))
