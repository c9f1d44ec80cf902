"""How far goods travel: a known route, else the great circle, in integer metres.

The great circle is the haversine on a sphere of the mean Earth radius R1 = 6,371,008.8 m (IUGG, GRS 80),
between positions quantised to 1e-5 degrees (about a metre), rounded to whole metres.
"""

from math import asin, cos, radians, sin, sqrt

from matcher.domain.model import Demand, Market, Offer, Routes, Site
from tenon.contracts.log import SiteState
from tenon.contracts.markets import covers

EARTH_RADIUS_M = 6_371_008.8
_E5 = 100_000


def site_of(state: SiteState) -> Site:
    """Return a site with its position and readiness as integers."""
    latitude = radians(round(state.position.latitude * _E5) / _E5)
    return Site(
        state,
        latitude,
        cos(latitude),
        round(state.position.longitude * _E5),
        round(state.readiness.ratio * 1_000_000),
    )


def distance_m(market: Market, offer: Offer, demand: Demand) -> int:
    """Return the metres that an offer travels to a demand: known routes first, in either direction.

    A route is for a class of goods and what lies within it; of several the one for the narrowest class holds.
    """
    origin, target = offer.site_key, demand.site_key
    if market.routes:
        known = _known(market, offer, origin, target)
        if known is None:
            known = _known(market, offer, target, origin)
        if known is not None:
            return known
    return great_circle_m(market.sites[origin], market.sites[target])


def great_circle_m(a: Site, b: Site) -> int:
    """Return the great-circle metres between two sites."""
    half_north = (b.latitude - a.latitude) / 2
    half_east = radians((b.longitude_e5 - a.longitude_e5) / _E5) / 2
    chord = sin(half_north) ** 2 + a.cosine * b.cosine * sin(half_east) ** 2
    return round(2 * EARTH_RADIUS_M * asin(sqrt(min(1.0, chord))))


def _known(market: Market, goods: Offer, origin: str, target: str) -> int | None:
    sets = market.routes.get(origin)
    number = market.numbers.get(target)
    if sets is None or number is None:
        return None
    found = [
        (routes.code, metres)
        for routes in sets.values()
        if _is_for(routes, goods) and (metres := routes.metres_to(number)) is not None
    ]
    return max(found)[1] if found else None


def _is_for(routes: Routes, goods: Offer) -> bool:
    return routes.scheme == goods.said.item.class_.scheme and covers(routes.code, goods.code, routes.scheme)
