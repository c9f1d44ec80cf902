"""Which open pairs a round has to look at: those of what is dirty, all of a table at once.

After a round no open pair is left that is eligible, worth taking and not held back; so a pair of two nodes
that have not changed since need no second look, and the pairs of dirty nodes are the round's whole problem.
`priced` and `eligibility.failures` are the rule; the columns only save calls of them and are tested against
them.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from matcher.domain.columns import NO_CEILING, Column, Floats, Ints, Table
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
from matcher.domain.pricing import DAY_MS, MAX_POINTS, MICROS, Pair, best_value, reach_m, unit_cost
from tenon.contracts.intake import PolicyPublished

W = TypeVar("W", OfferWindow, DemandWindow)
R = TypeVar("R")
Mask = npt.NDArray[np.bool_]
_PAIRS_AT_A_TIME = 1 << 16  # What a processor's cache holds of a column of pairs.
_ANYWHERE_M = 1 << 40


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of open windows that may dock, by demand and then by offer, in columns of equal length.

    `supply` and `need` are places in `offers` and `demands`; `cost` is a unit's but for a further docking.
    """

    offers: list[OfferRef]
    demands: list[DemandRef]
    supply: Ints
    need: Ints
    metres: Ints
    cost: Ints

    def at(self, rows: Ints) -> Iterator[Pair]:
        """Yield some of them one by one."""
        columns = (self.supply, self.need, self.metres, self.cost)
        for supply, need, metres, cost in zip(*(column[rows].tolist() for column in columns), strict=True):
            offer, had = self.offers[supply]
            demand, wanted = self.demands[need]
            yield Pair(offer, had, demand, wanted, metres, cost)


_no_pairs = np.zeros(0, dtype=np.int64)
NONE = Pairs([], [], _no_pairs, _no_pairs, _no_pairs, _no_pairs)


def used(places: Ints, width: int) -> tuple[list[int], Ints]:
    """Return which of so many places occur, ascending, and where among these each one is."""
    occurs = np.zeros(width, dtype=np.bool_)
    occurs[places] = True
    return np.flatnonzero(occurs).tolist(), (np.cumsum(occurs) - 1)[places]


def dirty_pairs(market: Market, now_ms: int) -> Pairs:
    """Return every pair that touches a dirty node and may dock."""
    offers, demands = _Rows(market.open_offers), _Rows(market.open_demands)
    dirty_offers = [name[2:] for name in market.dirty if name[0] == "o"]
    dirty_demands = [name[2:] for name in market.dirty if name[0] == "d"]
    found = [
        block.shifted(demands.first[want], offers.first[have])
        for want, wants in market.open_demands.items()
        for have, haves in market.open_offers.items()
        if wants.height and haves.height and covered(want, have)
        for block in _blocks(_Meeting(market, wants, haves, have, now_ms), dirty_demands, dirty_offers)
    ]
    return _sorted(_Block.joined(found), demands, offers) if found else NONE


def all_pairs(market: Market, now_ms: int) -> list[Pair]:
    """Return every open pair that may dock: the rule that `dirty_pairs` is tested against."""
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
        for offered in _by_id(window for window in offer.windows if window.free):
            if fits(offer, offered, demanded, now_ms):
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


def _class_of(demand: Demand) -> str:
    return f"{demand.said.item.class_.scheme}:{demand.code}"


def _within_reach(market: Market, offer: Offer, demand: Demand, now_ms: int) -> Iterable[Pair]:
    metres, reach = distance_m(market, offer, demand), reach_m(market.policy, offer, now_ms)
    return priced(market.policy, offer, demand, metres, now_ms) if reach is None or metres <= reach else ()


@dataclass(frozen=True, slots=True)
class _Block:
    """Pairs of rows of two tables."""

    wanted: Ints
    had: Ints
    metres: Ints
    cost: Ints

    def shifted(self, wanted: int, had: int) -> "_Block":
        """Return the same pairs where rows are counted over all tables."""
        return _Block(self.wanted + wanted, self.had + had, self.metres, self.cost)

    @classmethod
    def joined(cls, blocks: Sequence["_Block"]) -> "_Block":
        """Return the pairs of several."""
        if len(blocks) == 1:
            return blocks[0]
        columns = [(each.wanted, each.had, each.metres, each.cost) for each in blocks]
        return cls(*(np.concatenate(column) for column in zip(*columns, strict=True)))


class _Rows(Generic[R]):
    """The rows of a market's tables, counted over all of them."""

    def __init__(self, tables: Mapping[str, Table[R]]) -> None:
        self._tables = tables
        self._height = 0
        self.first: dict[str, int] = {}
        for code, table in tables.items():
            self.first[code] = self._height
            self._height += table.height

    def ranked(self, rows: Ints, name: Callable[[R], tuple[str, str]]) -> tuple[list[R], Ints]:
        """Return what stands in the rows by its name, each once, and each row's place among these."""
        occurring, at = used(rows, self._height)
        refs = [ref for code in self._tables for ref in self._refs(code, occurring)]
        order = sorted(range(len(refs)), key=lambda index: name(refs[index]))
        places = np.empty(len(order), dtype=np.int64)
        places[order] = np.arange(len(order))
        return [refs[index] for index in order], places[at]

    def _refs(self, code: str, rows: Sequence[int]) -> list[R]:
        """Return what of one table stands in ascending rows."""
        first, table = self.first[code], self._tables[code]
        low, high = bisect_left(rows, first), bisect_left(rows, first + table.height)
        return table.refs(row - first for row in rows[low:high])


def _sorted(found: _Block, demands: _Rows[DemandRef], offers: _Rows[OfferRef]) -> Pairs:
    """Return pairs in an order that does not depend on where the tables hold their rows."""
    offer_refs, supply = offers.ranked(found.had, lambda ref: (ref[0].key, ref[1].id))
    demand_refs, need = demands.ranked(found.wanted, lambda ref: (ref[0].key, ref[1].id))
    order = np.lexsort((supply, need))
    return Pairs(offer_refs, demand_refs, supply[order], need[order], found.metres[order], found.cost[order])


def _blocks(
    meeting: "_Meeting", dirty_demands: Sequence[str], dirty_offers: Sequence[str]
) -> Iterator[_Block]:
    """Yield the pairs of dirty demands and all offers, then those of other demands and dirty offers."""
    wants, haves = meeting.wants, meeting.haves
    wanted, had = wants.rows_of(dirty_demands), haves.rows_of(dirty_offers)
    clean = np.ones(wants.height, dtype=np.bool_)
    clean[wanted] = False
    for rows, others in ((wanted, np.arange(haves.height)), (np.flatnonzero(clean), had)):
        if len(rows) and len(others):
            at_a_time = max(1, _PAIRS_AT_A_TIME // len(others))
            for start in range(0, len(rows), at_a_time):
                yield meeting.pairs(rows[start : start + at_a_time], others)


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
        fit = in_time & (metres <= self._reach_m(have)) & (cost < self._best(want))
        fit &= (want(Column.PARTY) != have(Column.PARTY)) & (want(Column.UNIT) == have(Column.UNIT))
        fit &= (want(Column.KIND) == have(Column.KIND)) & _affordable(want, have)
        rows, columns = np.nonzero(fit)
        found = _Block(wanted[rows], had[columns], metres[rows, columns], cost[rows, columns])
        return self._without_unfit(found)

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
        """Which goods arrive in time, and how many days after the window opened."""
        lead, opens = have(Column.LEAD_MS), want(Column.FROM_MS)
        ready_from = np.maximum(have(Column.FROM_MS), self.now_ms) + lead
        in_time: Mask = np.maximum(ready_from, np.maximum(opens, self.now_ms)) < np.minimum(
            have(Column.UNTIL_MS) + lead, want(Column.UNTIL_MS)
        )
        return in_time, np.maximum(ready_from - opens, 0) // DAY_MS

    def _cost(self, have: "_Columns", metres: Ints, late_days: Ints) -> Ints:
        weights = self.market.policy.weights
        # What is dearer costs `MAX_POINTS` all the same, and could not be multiplied in 64 bits.
        price = np.minimum(have(Column.PRICE_MICROS), MAX_POINTS * MICROS // max(1, weights.price) + 1)
        points = weights.price * price // MICROS + weights.freight * metres // 1000
        cost: Ints = np.minimum(points + weights.lateness * late_days, MAX_POINTS)
        return cost

    def _reach_m(self, have: "_Columns") -> Ints:
        waited_ms = self.now_ms - have(Column.SINCE_MS)
        reach = np.zeros_like(waited_ms)
        for step in self.market.policy.reach:
            far = _ANYWHERE_M if step.distance_m is None else step.distance_m
            reach = np.where(step.waiting_s * 1000 <= waited_ms, far, reach)
        return reach

    def _best(self, want: "_Columns") -> Ints:
        """The most that a unit of each demand can be worth now."""
        policy = self.market.policy
        waited_days = np.maximum(self.now_ms - want(Column.SINCE_MS), 0) // DAY_MS
        best: Ints = np.minimum(policy.tranches[0].value + policy.weights.waiting * waited_days, MAX_POINTS)
        return best

    def _without_unfit(self, found: _Block) -> _Block:
        """Leave out pairs that fail a test that numbers can't decide."""
        picky = self.wants.ints(Column.PICKY)[found.wanted] | self.haves.ints(Column.PICKY)[found.had]
        asked = np.flatnonzero(picky)
        if not len(asked):
            return found
        demands = self.wants.refs(found.wanted[asked].tolist())
        offers = self.haves.refs(found.had[asked].tolist())
        kept = np.ones(len(picky), dtype=np.bool_)
        kept[asked] = [
            compatible(self.market, offer, demand, self.now_ms)
            for (demand, _), (offer, _) in zip(demands, offers, strict=True)
        ]
        return _Block(found.wanted[kept], found.had[kept], found.metres[kept], found.cost[kept])


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
