"""Which open pairs a round has to look at: those of what is dirty, all of a table at once.

After a round no open pair is left that is eligible, worth taking and not held back; so a pair of two nodes
that have not changed since need no second look, and the pairs of dirty nodes are the round's whole problem.
`priced` and `eligibility.failures` are the rule; the columns only save calls of them and are tested against
them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from matcher.domain.allocation import NOTHING, Left
from matcher.domain.columns import NO_CEILING, Column, Floats, Ints, Mask, Table, groups, least
from matcher.domain.distance import distance_m, great_circles_m, routes_m
from matcher.domain.eligibility import compatible, fits
from matcher.domain.model import (
    UNKNOWN,
    Demand,
    DemandRef,
    DemandWindow,
    Market,
    Offer,
    OfferRef,
    OfferWindow,
)
from matcher.domain.placing import covered
from matcher.domain.pricing import (
    DAY_MS,
    MAX_POINTS,
    MICROS,
    Pair,
    best_value,
    best_values,
    reach_m,
    unit_cost,
)
from tenon.contracts.intake import PolicyPublished

W = TypeVar("W", OfferWindow, DemandWindow)
R = TypeVar("R")
_Block = tuple[Ints, Ints, Ints, Ints]
"""Pairs of two tables: rows of what is wanted, rows of what is had, metres, costs."""
_Bounds = list[tuple[int, int]]
"""Rows, and what all pairs of each that were left out cost at least."""
NEAREST = 64
"""So many pairs of a node that changed are looked at first; nearly always they suffice."""
_PAIRS_AT_A_TIME = 1 << 16  # What a processor's cache holds of a column of pairs.
_ANYWHERE_M = 1 << 40


class Side(Generic[R]):
    """The open windows of one side of a market, of all its classes: their tables one after another."""

    def __init__(self, tables: Mapping[str, Table[R]]) -> None:
        self._tables = list(tables.values())
        self.first: dict[str, int] = {}
        self.height = 0
        for code, table in tables.items():
            self.first[code] = self.height
            self.height += table.height

    def ints(self, column: Column, rows: Ints) -> Ints:
        """Return a column of some rows."""
        return np.concatenate([table.ints(column) for table in self._tables])[rows]

    def ref(self, row: int) -> R:
        """Return what stands in a row."""
        for table in self._tables:
            if row < table.height:
                return table.ref(row)
            row -= table.height
        raise IndexError(row)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of open windows that may dock, in columns of equal length and in no order.

    `supply` and `need` are rows of the two sides, as they stand until something is placed anew; `cost` is a
    unit's but for a further docking. `left` says what is known of pairs that were left out.
    """

    offers: Side[OfferRef]
    demands: Side[DemandRef]
    supply: Ints
    need: Ints
    metres: Ints
    cost: Ints
    left: Left

    def at(self, places: Ints) -> Iterator[Pair]:
        """Yield some of them one by one."""
        columns = (self.supply, self.need, self.metres, self.cost)
        for supply, need, metres, cost in zip(*(column[places].tolist() for column in columns), strict=True):
            offer, had = self.offers.ref(supply)
            demand, wanted = self.demands.ref(need)
            yield Pair(offer, had, demand, wanted, metres, cost)


def pairs_of(market: Market, dirty: Iterable[str], now_ms: int, nearest: int | None = None) -> Pairs:
    """Return the pairs that touch one of these nodes (`o:party/id`, `d:party/id`) and may dock.

    Of each of their windows all, or so many: a demand's cheapest, an offer's that are worth most beyond their
    cost.
    """
    offers, demands = Side(market.open_offers), Side(market.open_demands)
    wanted_in, had_in = _by_class(market, dirty, "d"), _by_class(market, dirty, "o")
    classes = [(want, have) for want in wanted_in for have in market.open_offers]
    classes += [(want, have) for want in market.open_demands if want not in wanted_in for have in had_in]
    found: list[_Block] = []
    needs: _Bounds = []
    supplies: _Bounds = []
    for want, have in classes:
        if not covered(want, have):
            continue
        meeting = _Meeting(market, market.open_demands[want], market.open_offers[have], have, now_ms)
        down, across = demands.first[want], offers.first[have]
        for block, of_needs, of_supplies in _blocks(
            meeting, wanted_in.get(want, ()), had_in.get(have, ()), nearest
        ):
            wanted, had, metres, cost = block
            found.append((wanted + down, had + across, metres, cost))
            needs += [(row + down, cost) for row, cost in of_needs]
            supplies += [(row + across, loss) for row, loss in of_supplies]
    need, supply, metres, cost = map(np.concatenate, zip(*found, strict=True)) if found else _columns([], 4)
    left = Left(*_columns(needs, 2), *_columns(supplies, 2)) if needs or supplies else NOTHING
    return Pairs(offers, demands, supply, need, metres, cost, left)


def _columns(rows: Sequence[tuple[int, ...]], width: int) -> Iterable[Ints]:
    return np.array(rows, dtype=np.int64).reshape(-1, width).T


def all_pairs(market: Market, now_ms: int) -> list[Pair]:
    """Return every open pair that may dock: the rule that `pairs_of` is tested against."""
    return [
        pair
        for demand in (market.demands[key] for key in sorted(market.demands))
        for offer in (market.offers[key] for key in sorted(market.offers))
        if compatible(market, offer, demand, now_ms)
        for pair in _within_reach(market, offer, demand, now_ms)
    ]


def priced(
    policy: PolicyPublished, offer: Offer, demand: Demand, distance_m: int, now_ms: int
) -> Iterator[Pair]:
    """Yield the pairs of open windows that fit in time and cost less than a unit can be worth."""
    best = best_value(policy, demand, now_ms)
    for demanded in _by_id(window for window in demand.windows if window.open):
        for offered in _by_id(window for window in offer.windows if window.available):
            if offered.available >= demanded.least and fits(offer, offered, demanded, now_ms):
                cost = unit_cost(policy, offer, offered, demanded, distance_m, now_ms)
                if cost < best:
                    yield Pair(offer, offered, demand, demanded, distance_m, cost)


def open_offers(market: Market, demand: Demand) -> list[Offer]:
    """Return the open offers of the classes that a demand covers, by key."""
    tables = [names for code, names in market.open_offers.items() if covered(_class_of(demand), code)]
    return [market.offers[name] for name in sorted(name for names in tables for name in names)]


def offers_of_class(market: Market, demand: Demand) -> int:
    """Return how many offers, open or not, are of a class that a demand covers."""
    return sum(len(names) for code, names in market.all_offers.items() if covered(_class_of(demand), code))


def _by_class(market: Market, names: Iterable[str], side: str) -> dict[str, list[str]]:
    """Return the keys of those of one side (`o`, `d`), by the class under which they are found."""
    found: dict[str, list[str]] = {}
    for name in names:
        if name[0] == side:
            found.setdefault(market.placed[name], []).append(name[2:])
    return found


def _class_of(demand: Demand) -> str:
    return f"{demand.said.item.class_.scheme}:{demand.code}"


def _within_reach(market: Market, offer: Offer, demand: Demand, now_ms: int) -> Iterable[Pair]:
    metres, reach = distance_m(market, offer, demand), reach_m(market.policy, offer, now_ms)
    return priced(market.policy, offer, demand, metres, now_ms) if reach is None or metres <= reach else ()


def _blocks(
    meeting: "_Meeting", dirty_demands: Sequence[str], dirty_offers: Sequence[str], nearest: int | None
) -> Iterator[tuple[_Block, _Bounds, _Bounds]]:
    """Yield the pairs of dirty demands and all offers, then those of dirty offers and the other demands."""
    wants, haves = meeting.wants, meeting.haves
    wanted, had = wants.rows_of(dirty_demands), haves.rows_of(dirty_offers)
    clean = np.ones(wants.height, dtype=np.bool_)
    clean[wanted] = False
    for some in _portions(wanted, haves.height):
        block = meeting.pairs(some, np.arange(haves.height))
        kept, bounds = _nearest(block[0], block[3], haves.ints(Column.ORDER)[block[1]], nearest)
        yield _taken(block, kept), bounds, []
    others = np.flatnonzero(clean)
    for some in _portions(had, len(others)):
        block = meeting.pairs(others, some)
        losses = block[3] - meeting.best(block[0])
        kept, bounds = _nearest(block[1], losses, wants.ints(Column.ORDER)[block[0]], nearest)
        yield _taken(block, kept), [], bounds


def _portions(rows: Ints, others: int) -> Iterator[Ints]:
    """Yield rows, so many at a time as make few enough pairs; none where there are no others."""
    if others:
        at_a_time = max(1, _PAIRS_AT_A_TIME // others)
        for start in range(0, len(rows), at_a_time):
            yield rows[start : start + at_a_time]


def _nearest(nodes: Ints, costs: Ints, order: Ints, most: int | None) -> tuple[Ints | slice, _Bounds]:
    """Return the places of the least costs of each node, and of which nodes dearer ones are left out."""
    if most is None or len(nodes) <= most:
        return slice(None), []
    kept: list[Ints] = []
    bounds: _Bounds = []
    for places in groups(nodes):
        cheapest = places[least(costs[places], order[places], most=most)]
        kept.append(cheapest)
        if len(cheapest) < len(places):
            bounds.append((int(nodes[places[0]]), int(costs[cheapest].max())))
    return np.concatenate(kept), bounds


def _taken(block: _Block, places: Ints | slice) -> _Block:
    wanted, had, metres, cost = block
    return wanted[places], had[places], metres[places], cost[places]


@dataclass(frozen=True, slots=True)
class _Meeting:
    """A class that is wanted, one that is had and suits it (`goods`, `scheme:code`), and the present."""

    market: Market
    wants: Table[DemandRef]
    haves: Table[OfferRef]
    goods: str
    now_ms: int

    def pairs(self, wanted: Ints, had: Ints) -> _Block:
        """Return the pairs of some rows that may dock and cost less than a unit can be worth."""
        had = had[self._offered(had)]
        want, have = _Columns(self.wants, wanted, down=True), _Columns(self.haves, had)
        metres = self._metres(want, have)
        in_time, late_days = self._times(want, have)
        cost = self._cost(have, metres, late_days)
        fit = in_time & (metres <= self._reach_m(have)) & (cost < self.best(wanted)[:, None])
        fit &= (want(Column.PARTY) != have(Column.PARTY)) & (want(Column.UNIT) == have(Column.UNIT))
        fit &= (want(Column.KIND) == have(Column.KIND)) & _affordable(want, have)
        if want(Column.LEAST).max(initial=0) > 1:
            fit &= want(Column.LEAST) <= have(Column.QUANTITY)
        rows, columns = np.nonzero(fit)
        kept = self._without_unfit(wanted[rows], had[columns])
        rows, columns = rows[kept], columns[kept]
        return wanted[rows], had[columns], metres[rows, columns], cost[rows, columns]

    def best(self, wanted: Ints) -> Ints:
        """Return the most that a unit of some rows can be worth now."""
        return best_values(self.market.policy, self.wants.ints(Column.SINCE_MS)[wanted], self.now_ms)

    def _offered(self, had: Ints) -> Mask:
        """What of the offers can dock with anybody now."""
        threshold = round(self.market.policy.readiness_threshold * 1_000_000)
        ready: Mask = self.haves.ints(Column.READINESS_PPM)[had] >= threshold
        ready &= self.haves.ints(Column.VALID_UNTIL_MS)[had] > self.now_ms
        ready &= self.haves.ints(Column.UNTIL_MS)[had] > self.now_ms
        return ready

    def _metres(self, want: "_Columns", have: "_Columns") -> Ints:
        metres = great_circles_m(want.places, have.places)
        if self.market.routes:
            sites, site = np.unique(want(Column.SITE).ravel(), return_inverse=True)
            homes, home = np.unique(have(Column.SITE), return_inverse=True)
            known = routes_m(self.market, self.goods, homes, sites)[home[None, :], site[:, None]]
            metres = np.where(known == UNKNOWN, metres, known)
        return metres

    def _times(self, want: "_Columns", have: "_Columns") -> tuple[Mask, Ints]:
        """Which goods arrive in time, and how many days late."""
        lead, opens, due = have(Column.LEAD_MS), want(Column.FROM_MS), want(Column.DUE_MS)
        ready_from = np.maximum(have(Column.FROM_MS), self.now_ms) + lead
        in_time: Mask = np.maximum(ready_from, np.maximum(opens, self.now_ms)) < np.minimum(
            have(Column.UNTIL_MS) + lead, want(Column.UNTIL_MS)
        )
        return in_time, np.maximum(ready_from - due, 0) // DAY_MS

    def _cost(self, have: "_Columns", metres: Ints, late_days: Ints) -> Ints:
        weights = self.market.policy.weights
        # What is dearer costs `MAX_POINTS` all the same, and could not be multiplied in 64 bits.
        price = np.minimum(have(Column.PRICE_MICROS), MAX_POINTS * MICROS // max(1, weights.price) + 1)
        points = weights.price * price // MICROS + weights.freight * metres // 1000
        if weights.flexible:
            points += weights.flexible * have(Column.FLEXIBLE)
        cost: Ints = np.minimum(points + weights.lateness * late_days, MAX_POINTS)
        return cost

    def _reach_m(self, have: "_Columns") -> Ints:
        waited_ms = self.now_ms - have(Column.SINCE_MS)
        reach = np.zeros_like(waited_ms)
        for step in self.market.policy.reach:
            far = _ANYWHERE_M if step.distance_m is None else step.distance_m
            reach = np.where(step.waiting_s * 1000 <= waited_ms, far, reach)
        return reach

    def _without_unfit(self, wanted: Ints, had: Ints) -> Mask | slice:
        """Leave out pairs that fail a test that numbers can't decide."""
        picky = self.wants.ints(Column.PICKY)[wanted] | self.haves.ints(Column.PICKY)[had]
        asked = np.flatnonzero(picky)
        if not len(asked):
            return slice(None)
        kept = np.ones(len(picky), dtype=np.bool_)
        kept[asked] = [
            compatible(self.market, self.haves.ref(have)[0], self.wants.ref(want)[0], self.now_ms)
            for have, want in zip(had[asked].tolist(), wanted[asked].tolist(), strict=True)
        ]
        return kept


class _Columns:
    """Some rows of a table: each column lies across, or down, so that two of them span all pairs."""

    def __init__(self, table: Table[Any], rows: Ints, *, down: bool = False) -> None:
        self._table = table
        self._rows = rows
        self._down = down

    @property
    def places(self) -> Floats:
        """Where they are."""
        places: Floats = self._table.places[:, self._rows]
        return places

    def __call__(self, column: Column) -> Ints:
        """Return a column."""
        values: Ints = self._table.ints(column)[self._rows]
        return values[:, None] if self._down else values


def _affordable(want: _Columns, have: _Columns) -> Mask:
    price, highest = have(Column.PRICE_MICROS), want(Column.PRICE_MICROS)
    same = want(Column.CURRENCY) == have(Column.CURRENCY)
    affordable: Mask = (price == 0) | (highest == NO_CEILING) | (same & (price <= highest))
    return affordable


def _by_id(windows: Iterable[W]) -> list[W]:
    return sorted(windows, key=lambda window: window.id)
