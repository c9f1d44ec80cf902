"""How far goods travel: a known route, else the great circle, in integer metres.

The great circle is on a sphere of the mean Earth radius R1 = 6,371,008.8 m (IUGG, GRS 80), between positions
quantised to 1e-5 degrees (about a metre), rounded to whole metres. From the chord between two vectors of
length 1: an arc is 2 asin(chord / 2). Of pairs only +, −, ×, ÷ and the square root are taken, which IEEE 754
defines to the last bit: one pair and a million at once, here and on another machine, give the same metres.
"""

from collections.abc import Sequence
from math import cos, factorial, pi, radians, sin

import numpy as np

from matcher.domain.columns import Floats, Ints, Vector
from matcher.domain.model import UNKNOWN, Demand, Market, Offer, Site
from tenon.contracts.log import SiteState
from tenon.contracts.markets import covers

EARTH_RADIUS_M = 6_371_008.8
_E5 = 100_000
_SERIES = [factorial(2 * k) / (4**k * factorial(k) ** 2 * (2 * k + 1)) for k in range(16)]
"""asin(x) = x (1 + x²/6 + 3 x⁴/40 + …)."""
_NEAR = 0.0225
"""The squared sine of half an angle of 17 degrees, 1,900 km: to there six terms are exact to a millimetre."""
_NEAR_TERMS, _FAR_TERMS = 6, 16


def site_of(state: SiteState) -> Site:
    """Return a site with its place and readiness."""
    return Site(
        state,
        vector(state.position.latitude, state.position.longitude),
        round(state.readiness.ratio * 1_000_000),
    )


def vector(latitude: float, longitude: float) -> Vector:
    """Return a position in degrees as a vector of length 1 from Earth's centre."""
    north, east = radians(round(latitude * _E5) / _E5), radians(round(longitude * _E5) / _E5)
    return cos(north) * cos(east), cos(north) * sin(east), sin(north)


def distance_m(market: Market, offer: Offer, demand: Demand) -> int:
    """Return the metres that an offer travels to a demand."""
    return distances_m(market, [offer], demand)[0]


def distances_m(market: Market, offers: Sequence[Offer], demand: Demand) -> list[int]:
    """Return the metres that each of some offers travels to a demand."""
    origins = np.array([market.sites[offer.site_key].place for offer in offers]).reshape(-1, 3)
    target = np.array([market.sites[demand.site_key].place])
    metres: list[int] = great_circles_m(origins.T, target.T)[:, 0].tolist()
    if market.routes:
        known = [_route_m(market, offer, demand) for offer in offers]
        return [far if way == UNKNOWN else way for far, way in zip(metres, known, strict=True)]
    return metres


def great_circle_m(a: Site, b: Site) -> int:
    """Return the great-circle metres between two sites."""
    return int(great_circles_m(np.array([a.place]).T, np.array([b.place]).T)[0, 0])


def _route_m(market: Market, offer: Offer, demand: Demand) -> int:
    goods = f"{offer.said.item.class_.scheme}:{offer.code}"
    origin, target = market.number(offer.site_key), market.number(demand.site_key)
    return int(routes_m(market, goods, np.array([origin]), np.array([target]))[0, 0])


def great_circles_m(origins: Floats, targets: Floats) -> Ints:
    """Return the great-circle metres from each origin (rows) to each target (columns), both three by n."""
    chords = sum((a[:, None] - b[None, :]) ** 2 for a, b in zip(origins, targets, strict=True))
    squared = np.asarray(chords) / 4
    near = squared <= _NEAR
    half = np.sqrt(squared)
    arcs = half * _series(squared, _NEAR_TERMS)
    if not near.all():
        arcs[~near] = _far(half[~near])
    metres: Ints = np.rint(2 * EARTH_RADIUS_M * arcs).astype(np.int64)
    return metres


def routes_m(market: Market, goods: str, origins: Ints, targets: Ints) -> Ints:
    """Return the known metres between sites, by their numbers, for a class (`scheme:code`), or `UNKNOWN`.

    What the origin knows comes first, then what the target knows, for ways are as long in both directions. A
    route is for a class of goods and what lies within it; of several the one for the narrowest class holds.
    """
    there = _said(market, goods, origins, targets)
    back = _said(market, goods, targets, origins).T
    return np.where(there == UNKNOWN, back, there)


def _said(market: Market, goods: str, sites: Ints, others: Ints) -> Ints:
    """What the sites (rows) know of their distances to others (columns)."""
    found = np.full((len(sites), len(others)), UNKNOWN)
    scheme, _, code = goods.partition(":")
    by_number = {market.number(site): sets for site, sets in market.routes.items()}
    for row, number in enumerate(sites.tolist()):
        known = [
            routes
            for routes in by_number.get(number, {}).values()
            if routes.scheme == scheme and covers(routes.code, code, scheme)
        ]
        for routes in sorted(known, key=lambda routes: routes.code):
            metres = routes.metres_to(others)
            found[row] = np.where(metres == UNKNOWN, found[row], metres)
    return found


def _series(squared: Floats, terms: int) -> Floats:
    """Return asin(x) / x of the square of x."""
    found = np.full_like(squared, _SERIES[terms - 1])
    for factor in reversed(_SERIES[: terms - 1]):
        found *= squared
        found += factor
    return found


def _far(half: Floats) -> Floats:
    """Return asin of any x from 0 to 1: of one above 1/2 by asin(x) = π/2 − 2 asin(√((1 − x) / 2))."""
    half = np.minimum(half, 1.0)
    beyond = half > 0.5
    small = np.where(beyond, np.sqrt((1 - half) / 2), half)
    arcs = small * _series(small * small, _FAR_TERMS)
    return np.where(beyond, pi / 2 - 2 * arcs, arcs)
