"""From what was said to what is decided on: an offer or a demand in integers, with nothing docked yet."""

from matcher.domain.model import (
    FAR_AWAY_MS,
    GRAINS,
    Demand,
    DemandWindow,
    Offer,
    OfferWindow,
    Resource,
    ResourceWindow,
)
from tenon.contracts.codec import unix_ms
from tenon.contracts.intake import ResourcePublished
from tenon.contracts.log import DemandListed, OfferListed, SiteState
from tenon.contracts.markets import normalise_code
from tenon.contracts.positions import OUTSIDE
from tenon.contracts.units import to_counts
from tenon.contracts.values import Money, Window

_MICROS = 1_000_000


def offer_from(listed: OfferListed, since_ms: int, offset: int) -> Offer:
    """Return the offer that a listing describes, with nothing docked."""
    said = listed.offer
    return Offer(
        key=f"{said.party}/{said.offer}",
        said=said,
        site_key=site_key(listed.site),
        code=normalise_code(said.item.class_),
        unit=said.item.unit,
        windows=[OfferWindow(*_counted(window, said.item.unit)) for window in said.windows],
        since_ms=since_ms,
        offset=offset,
        price_micros=_micros(said.price) or 0,
        currency=said.price.currency if said.price else None,
        blocked=frozenset(said.blocked),
        valid_until_ms=unix_ms(said.valid_until) if said.valid_until else FAR_AWAY_MS,
        certificates=tuple(
            (held.scheme, unix_ms(held.valid_until) if held.valid_until else FAR_AWAY_MS)
            for held in said.certificates
        ),
    )


def demand_from(listed: DemandListed, since_ms: int, offset: int) -> Demand:
    """Return the demand that a listing describes, with nothing docked."""
    said = listed.demand
    return Demand(
        key=f"{said.party}/{said.demand}",
        said=said,
        site_key=site_key(listed.site),
        code=normalise_code(said.item.class_),
        unit=said.item.unit,
        windows=[_demanded(window, said.item.unit) for window in said.windows],
        since_ms=since_ms,
        offset=offset,
        ceiling_micros=_micros(said.highest_price),
        currency=said.highest_price.currency if said.highest_price else None,
        blocked=frozenset(said.blocked),
    )


def resource_from(said: ResourcePublished) -> Resource:
    """Return the resource that was published, with nothing drawn."""
    windows = [
        ResourceWindow(name, from_ms, until_ms, counts * GRAINS)
        for name, from_ms, until_ms, counts in (_counted(window, said.unit) for window in said.windows)
    ]
    windows.sort(key=lambda window: window.from_ms)
    return Resource(f"{said.party}/{said.resource}", said, [*windows, ResourceWindow(OUTSIDE, 0, 0, 0)])


def site_key(site: SiteState) -> str:
    """Return `party/site`."""
    return f"{site.party}/{site.site}"


def _counted(window: Window, unit: str) -> tuple[str, int, int, int]:
    return window.id, unix_ms(window.from_), unix_ms(window.until), to_counts(window.quantity, unit)


def _demanded(window: Window, unit: str) -> DemandWindow:
    counted = DemandWindow(*_counted(window, unit))
    counted.due_ms = counted.from_ms if window.due is None else max(counted.from_ms, unix_ms(window.due))
    counted.least_part = to_counts(window.least_part, unit)
    return counted


def _micros(price: Money | None) -> int | None:
    if price is None:
        return None
    whole, _, fraction = price.amount.partition(".")
    return int(whole) * _MICROS + int(fraction.ljust(6, "0") or 0)
