"""Where what is open is found: the tables of a market, by class, kept up to date with each change."""

from matcher.domain.columns import NO_CEILING, Row, Table
from matcher.domain.model import Demand, DemandRef, Market, Offer, OfferRef
from tenon.contracts.markets import covers

_WINDOWS = 1 << 20


def place_offer(market: Market, offer: Offer) -> None:
    """Bring the tables up to date for an offer."""
    code = _moved_to(market, f"o:{offer.key}", offer)
    market.all_offers.setdefault(code, set()).add(offer.key)
    table = market.open_offers.get(code)
    if table is None:
        table = market.open_offers[code] = Table()
    table.put(offer.key, market.sites[offer.site_key].place, offer_windows(market, offer))


def place_demand(market: Market, demand: Demand) -> None:
    """Bring the tables up to date for a demand."""
    code = _moved_to(market, f"d:{demand.key}", demand)
    table = market.open_demands.get(code)
    if table is None:
        table = market.open_demands[code] = Table()
    table.put(demand.key, market.sites[demand.site_key].place, demand_windows(market, demand))


def unplace(market: Market, name: str) -> None:
    """Take an offer or demand (`o:party/id`, `d:party/id`) out of the tables."""
    code = market.placed.pop(name, None)
    if code is not None:
        _take_out(market, name, code)


def covered(demand_code: str, offer_code: str) -> bool:
    """True when goods of one class (`scheme:code`) are what a demand for another asks for."""
    want, _, demanded = demand_code.partition(":")
    have, _, offered = offer_code.partition(":")
    return want == have and covers(demanded, offered, want)


def offer_windows(market: Market, offer: Offer) -> list[tuple[OfferRef, Row]]:
    """Return the open windows of an offer with their numbers, in the order of `Column`."""
    windows = [(at, window, free) for at, window in enumerate(offer.windows) if (free := window.available)]
    if not windows or offer.status != "open":
        return []
    said = offer.said
    picky = bool(offer.blocked or said.regions_served)
    shared = _shared(market, offer, picky, offer.price_micros)
    readiness_ppm = market.sites[offer.site_key].readiness_ppm
    alone = 0, said.lead_time_s * 1000, offer.valid_until_ms, readiness_ppm, 0, 0, said.flexible
    return [
        (
            (offer, window),
            (window.from_ms, window.until_ms, *shared, free, _order(offer.offset, at), *alone),
        )
        for at, window, free in windows
    ]


def demand_windows(market: Market, demand: Demand) -> list[tuple[DemandRef, Row]]:
    """Return the open windows of a demand with their numbers, in the order of `Column`."""
    windows = [(at, window) for at, window in enumerate(demand.windows) if window.open]
    if not windows:
        return []
    said = demand.said
    picky = bool(demand.blocked or demand.barred or said.required_certificates)
    highest = NO_CEILING if demand.ceiling_micros is None else demand.ceiling_micros
    shared = _shared(market, demand, picky, highest)
    alone = said.tier, 0, 0, 0
    return [
        (
            (demand, window),
            (
                *(window.from_ms, window.until_ms, *shared, window.open, _order(demand.offset, at), *alone),
                *(window.due_ms, window.least, 0),
            ),
        )
        for at, window in windows
    ]


def _shared(market: Market, entry: Offer | Demand, picky: bool, price_micros: int) -> Row:
    """Return what all windows of an offer or a demand have in common, from `SINCE_MS` to `PRICE_MICROS`."""
    number = market.number
    return (
        entry.since_ms,
        number(entry.said.party),
        number(entry.site_key),
        number(entry.unit),
        number(entry.said.item.kind),
        number(entry.currency or ""),
        picky,
        price_micros,
    )


def _order(offset: int, window: int) -> int:
    return offset * _WINDOWS + window


def _moved_to(market: Market, name: str, entry: Offer | Demand) -> str:
    """Return the class under which an entry is found, and take it out from under the one before."""
    code = f"{entry.said.item.class_.scheme}:{entry.code}"
    before = market.placed.setdefault(name, code)
    if before != code:
        _take_out(market, name, before)
        market.placed[name] = code
    return code


def _take_out(market: Market, name: str, code: str) -> None:
    if name[0] == "o":
        market.all_offers[code].discard(name[2:])
        market.open_offers[code].remove(name[2:])
    else:
        market.open_demands[code].remove(name[2:])
