"""Who may dock with whom: the specification, test by test.

`failures` is the rule; every index only saves calls of it and is tested against it. What is worth taking,
and what is held back for now, is the policy's business (`pricing`), not eligibility.
"""

from collections.abc import Iterator

from matcher.domain.model import Demand, DemandWindow, Market, Offer, OfferWindow
from tenon.contracts.markets import covers
from tenon.contracts.positions import Test

TESTS: tuple[Test, ...] = (
    "class",
    "unit",
    "same_party",
    "blocked",
    "declined_before",
    "region",
    "certificates",
    "currency",
    "price",
    "readiness",
    "window",
)


def failures(market: Market, offer: Offer, demand: Demand, now_ms: int) -> Iterator[Test]:
    """Yield each test that this pair fails, in the order of `TESTS`."""
    if not class_fits(offer, demand):
        yield "class"
    if offer.unit != demand.unit:
        yield "unit"
    if offer.said.party == demand.said.party:
        yield "same_party"
    if demand.said.party in offer.blocked or offer.said.party in demand.blocked:
        yield "blocked"
    if offer.key in demand.barred:
        yield "declined_before"
    if not _region_served(market, offer, demand):
        yield "region"
    if not _certified(offer, demand, now_ms):
        yield "certificates"
    yield from _price_faults(offer, demand)
    if not _ready(market, offer):
        yield "readiness"
    if not any(fits(offer, have, want, now_ms) for have in offer.windows for want in demand.windows):
        yield "window"


def compatible(market: Market, offer: Offer, demand: Demand, now_ms: int) -> bool:
    """True when the pair fails no test but perhaps that of windows, which `fits` decides one by one.

    The same tests as those of `failures`, without saying which: a round asks of many pairs, and only this.
    """
    return (
        offer.said.party != demand.said.party
        and offer.unit == demand.unit
        and offer.key not in demand.barred
        and class_fits(offer, demand)
        and _ready(market, offer)
        and not (offer.blocked and demand.said.party in offer.blocked)
        and not (demand.blocked and offer.said.party in demand.blocked)
        and _region_served(market, offer, demand)
        and _certified(offer, demand, now_ms)
        and next(_price_faults(offer, demand), None) is None
    )


def fits(offer: Offer, have: OfferWindow, want: DemandWindow, now_ms: int) -> bool:
    """True when something made in one window, after its lead time, arrives within the other."""
    if offer.valid_until_ms <= now_ms:
        return False
    lead_ms = offer.said.lead_time_s * 1000
    ready_from = max(have.from_ms, now_ms) + lead_ms
    ready_until = have.until_ms + lead_ms
    return have.until_ms > now_ms and max(ready_from, want.from_ms, now_ms) < min(ready_until, want.until_ms)


def ready_ms(offer: Offer, have: OfferWindow, want: DemandWindow, now_ms: int) -> int:
    """Return the earliest instant at which the goods can be there."""
    return max(max(have.from_ms, now_ms) + offer.said.lead_time_s * 1000, want.from_ms)


def class_fits(offer: Offer, demand: Demand) -> bool:
    """True when an offer's kind and class are what a demand asks for."""
    have, want = offer.said.item, demand.said.item
    same = have.kind == want.kind and have.class_.scheme == want.class_.scheme
    return same and (demand.code == offer.code or covers(demand.code, offer.code, want.class_.scheme))


def _region_served(market: Market, offer: Offer, demand: Demand) -> bool:
    served = offer.said.regions_served
    if not served:
        return True
    region = market.sites[demand.site_key].state.region
    return any(region == part or region.startswith(f"{part}-") for part in served)


def _certified(offer: Offer, demand: Demand, now_ms: int) -> bool:
    if not demand.said.required_certificates:
        return True
    return offer.certified(now_ms).issuperset(demand.said.required_certificates)


def _price_faults(offer: Offer, demand: Demand) -> Iterator[Test]:
    if demand.ceiling_micros is None or not offer.price_micros:
        return
    if offer.currency != demand.currency:
        yield "currency"
    elif offer.price_micros > demand.ceiling_micros:
        yield "price"


def _ready(market: Market, offer: Offer) -> bool:
    return market.sites[offer.site_key].readiness_ppm >= round(market.policy.readiness_threshold * 1_000_000)
