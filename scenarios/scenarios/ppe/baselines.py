"""What others would have decided on the same data, written from scratch: the yardsticks of the demo.

Decides nothing about Tenon and must not know it. The rules of the first two are those of the package
`ppe-match` 0.1.4 (its `strategies.py` and the loop of `testing_framework.py`): every seven days, with each
donor's and recipient's open quantities of a kind added up and put in order of their ids. Of two recipients
equally near the first by id is taken; the package leaves that to an unstable sort, so its proximity differs
by a thousandth.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from scenarios.ppe.data import Dataset, Distances, Docking, Donation, Request, number

INTERVAL = timedelta(days=7)
Open = dict[str, int]
"""Units open per site, in the order of the sites' ids."""
Choice = Iterator[tuple[str, str, int]]
Strategy = Callable[[Open, Open, Distances], Choice]


def first_come(data: Dataset) -> list[Docking]:
    """The package's first strategy: per kind the n-th donor gives to the n-th recipient."""
    return _in_rounds(data, _pair_by_rank)


def proximity(data: Dataset) -> list[Docking]:
    """The package's second strategy: per kind each donor gives to the nearest open recipient."""
    return _in_rounds(data, _pair_with_nearest)


def _pair_by_rank(offered: Open, asked: Open, distances: Distances) -> Choice:
    for (don_id, left), (rec_id, open_units) in zip(offered.items(), asked.items(), strict=False):
        yield don_id, rec_id, min(left, open_units)


def _pair_with_nearest(offered: Open, asked: Open, distances: Distances) -> Choice:
    rec_ids = list(asked)
    numbers = [number(rec_id) for rec_id in rec_ids]
    open_units = np.array(list(asked.values()))
    for don_id, left in offered.items():
        if not open_units.any():
            return
        miles = np.where(open_units > 0, distances.miles[number(don_id), numbers], np.inf)
        nearest = int(miles.argmin())
        qty = min(left, int(open_units[nearest]))
        open_units[nearest] -= qty
        yield don_id, rec_ids[nearest], qty


def _in_rounds(data: Dataset, strategy: Strategy) -> list[Docking]:
    offered: defaultdict[str, Open] = defaultdict(dict)
    asked: defaultdict[str, Open] = defaultdict(dict)
    dockings: list[Docking] = []
    stream = list(data.stream())
    taken = 0
    for until in _round_ends(stream[0].at, stream[-1].at):
        while taken < len(stream) and stream[taken].at < until:
            _add(stream[taken], offered, asked)
            taken += 1
        for ppe in sorted(offered):
            dockings += _round(until, ppe, offered[ppe], asked[ppe], strategy, data.distances)
    return dockings


def _add(event: Donation | Request, offered: dict[str, Open], asked: dict[str, Open]) -> None:
    site, side = (event.don_id, offered) if isinstance(event, Donation) else (event.rec_id, asked)
    side[event.ppe][site] = side[event.ppe].get(site, 0) + event.qty


def _round_ends(first: datetime, last: datetime) -> Iterator[datetime]:
    """The package's round ends: each seven days from a minute before the first row, the last after all."""
    minute = timedelta(minutes=1)
    until = first - minute + INTERVAL
    while until <= last + minute:
        yield until
        until += INTERVAL
    yield last + 3 * minute


def _round(
    at: datetime, ppe: str, offered: Open, asked: Open, strategy: Strategy, distances: Distances
) -> list[Docking]:
    choice = strategy(dict(sorted(offered.items())), dict(sorted(asked.items())), distances)
    dockings = [Docking(at, don_id, rec_id, ppe, qty) for don_id, rec_id, qty in choice]
    for docking in dockings:
        _take(offered, docking.don_id, docking.qty)
        _take(asked, docking.rec_id, docking.qty)
    return dockings


def _take(side: Open, site: str, qty: int) -> None:
    side[site] -= qty
    if not side[site]:
        del side[site]


def greedy(data: Dataset, *, most_miles: float = float("inf")) -> list[Docking]:
    """At each event every open offer, the oldest first, goes to the nearest recipient that it can serve
    fully.

    Where it can serve nobody fully, the nearest takes what is left of it. Where the one chosen is farther
    than `most_miles`, the offer waits.
    """
    dockings: list[Docking] = []
    for ppe in sorted({donation.ppe for donation in data.donations}):
        dockings += _greedy_of_kind(data, ppe, most_miles)
    return dockings


def _greedy_of_kind(data: Dataset, ppe: str, most_miles: float) -> list[Docking]:
    events = [event for event in data.stream() if event.ppe == ppe]
    recipients = np.array([number(event.rec_id) for event in events if isinstance(event, Request)])
    open_units = np.zeros(len(recipients), np.int64)
    offers: list[list[int]] = []
    asked = 0
    dockings: list[Docking] = []
    for event in events:
        if isinstance(event, Donation):
            offers.append([number(event.don_id), event.qty])
        else:
            open_units[asked] = event.qty
            asked += 1
        for offer in offers:
            miles = data.distances.miles[offer[0], recipients[:asked]]
            for taker, qty in _nearest_takers(offer, open_units[:asked], miles, most_miles):
                dockings.append(Docking(event.at, f"don{offer[0]}", f"rec{recipients[taker]}", ppe, qty))
        offers = [offer for offer in offers if offer[1]]
    return dockings


def _nearest_takers(
    offer: list[int], open_units: NDArray[np.int64], miles: NDArray[np.float64], most_miles: float
) -> Iterator[tuple[int, int]]:
    """Yield (recipient, units) as an offer gives itself away; `offer[1]` and `open_units` shrink."""
    takers = np.nonzero(open_units > 0)[0]
    while offer[1] and len(takers):
        finishing = takers[open_units[takers] <= offer[1]]
        choice = finishing if len(finishing) else takers
        taker = int(choice[miles[choice].argmin()])
        if miles[taker] > most_miles:
            return
        qty = int(min(offer[1], open_units[taker]))
        offer[1] -= qty
        open_units[taker] -= qty
        yield taker, qty
        takers = takers[open_units[takers] > 0]
