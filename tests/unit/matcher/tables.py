"""A database in dictionaries: what `commit_rounds` makes of the rows of one round after another."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from matcher.domain.model import Deal, DemandWindow, Market, OfferWindow, ResourceWindow
from matcher.domain.rebuilding import rebuild
from matcher.domain.rows import (
    ClosedRow,
    DealRow,
    DemandWindowRow,
    EntityRow,
    OfferWindowRow,
    ResourceWindowRow,
    Rows,
)
from matcher.domain.state import State
from tenon.contracts.codec import decode_tolerant
from tenon.contracts.dockings import Docking

EntityKey = tuple[str, str, str]
R = TypeVar("R", OfferWindowRow, ResourceWindowRow)
WindowRow = OfferWindowRow | DemandWindowRow | ResourceWindowRow


@dataclass
class Tables:
    """The rows of one partition. A round that the database would refuse is refused here too."""

    entities: dict[EntityKey, EntityRow] = field(default_factory=dict)
    offer_windows: dict[tuple[str, str], OfferWindowRow] = field(default_factory=dict)
    demand_windows: dict[tuple[str, str], DemandWindowRow] = field(default_factory=dict)
    deals: dict[str, DealRow] = field(default_factory=dict)
    closed: dict[EntityKey, ClosedRow] = field(default_factory=dict)
    resource_windows: dict[tuple[str, str], ResourceWindowRow] = field(default_factory=dict)

    def commit(self, rows: Rows) -> None:
        """Store the rows that a round changed."""
        self._store_entities(rows.entities)
        have = {(row.key, row.window): _checked(row) for row in rows.offer_windows}
        want = {(row.key, row.window): _checked_demand(row) for row in rows.demand_windows}
        deals = {row.docking: _checked_deal(row) for row in rows.deals}
        assert len(have) == len(rows.offer_windows), "a statement writes a row once"
        assert len(want) == len(rows.demand_windows), "a statement writes a row once"
        assert len(deals) == len(rows.deals), "a statement writes a row once"
        self.offer_windows |= have
        self.demand_windows |= want
        self.deals |= deals
        for name, window in rows.dropped_windows:
            of: dict[tuple[str, str], Any] = self.offer_windows if name[0] == "o" else self.demand_windows
            of.pop((name[2:], window), None)
        self._replace_resources(rows.resource_windows)
        self._close_and_forget(rows)

    def _replace_resources(self, rows: Sequence[ResourceWindowRow]) -> None:
        windows = {(row.key, row.window): _checked(row) for row in rows}
        assert len(windows) == len(rows), "a statement writes a row once"
        written = {row.key for row in rows}
        kept = {at: row for at, row in self.resource_windows.items() if at[0] not in written}
        self.resource_windows = kept | windows

    def load(self) -> Rows:
        """Return everything, in another order than it was written, as a database may."""
        return Rows(
            _in_any_order(self.entities.values()),
            _in_any_order(self.offer_windows.values()),
            _in_any_order(self.demand_windows.values()),
            _in_any_order(self.deals.values()),
            closed=_in_any_order(self.closed.values()),
        )

    def reborn(self, last: State) -> State:
        """Return the state that the next owner of the partition begins with; of `last` only the position."""
        empty = State(last.partition, last.clock_ms, last.round, last.digest, last.next_offset)
        return rebuild(empty, self.load())

    def _close_and_forget(self, rows: Rows) -> None:
        closed = {(row.kind, row.market, row.key): row for row in rows.closed}
        assert len(closed) == len(rows.closed), "a statement writes a row once"
        self.closed |= closed
        for kind, market, key in rows.forgotten:
            del self.entities[kind, market, key]
            windows: dict[str, dict[tuple[str, str], Any]] = {
                "offer": self.offer_windows,
                "demand": self.demand_windows,
                "resource": self.resource_windows,
            }
            of = windows[kind]
            for window in [at for at in of if at[0] == key]:
                del of[window]
        for docking in rows.forgotten_deals:
            del self.deals[docking]

    def _store_entities(self, rows: Sequence[EntityRow]) -> None:
        assert len({_key(row) for row in rows}) == len(rows), "a statement writes a row once"
        for row in rows:
            if row.body is None:
                assert _key(row) in self.entities, "what is brought up to date was stored before"
                row = replace(self.entities[_key(row)], meta=row.meta)
            self.entities[_key(row)] = row


def stored(rounds: Iterable[Rows]) -> Tables:
    """Return the tables after these rounds."""
    tables = Tables()
    for rows in rounds:
        tables.commit(rows)
    return tables


def holds_every_window_and_docking(tables: Tables, markets: Iterable[Market]) -> None:
    """Fail unless the columns that only the database checks and others read are those of the state."""
    have: dict[tuple[str, str], OfferWindow] = {}
    want: dict[tuple[str, str], DemandWindow] = {}
    drawn: dict[tuple[str, str], ResourceWindow] = {}
    deals: dict[str, Deal] = {}
    for market in markets:
        have |= {(key, part.id): part for key, offer in market.offers.items() for part in offer.windows}
        want |= {(key, part.id): part for key, demand in market.demands.items() for part in demand.windows}
        drawn |= {(key, part.id): part for key, each in market.resources.items() for part in each.windows}
        deals |= market.deals
    assert tables.resource_windows.keys() == drawn.keys()
    for at, borne in tables.resource_windows.items():
        assert _columns(borne, 2) == [getattr(drawn[at], name) for name in _names(borne, 2)]
    assert tables.offer_windows.keys() == have.keys()
    assert tables.demand_windows.keys() == want.keys()
    assert tables.deals.keys() == deals.keys()
    for at, offered in tables.offer_windows.items():
        assert _columns(offered, 2) == [getattr(have[at], name) for name in _names(offered, 2)]
    for at, demanded in tables.demand_windows.items():
        assert _columns(demanded, 2) == [getattr(want[at], name) for name in _names(demanded, 2)]
    for docking, row in tables.deals.items():
        deal = deals[docking]
        assert (row.offer, row.offer_window, row.demand, row.demand_window) == (*deal.offer, *deal.demand)
        assert (row.quantity, row.consumed) == (deal.quantity, deal.consumed)
        assert (row.status, decode_tolerant(Docking, row.body)) == (deal.told.status, deal.told)


def _checked(row: R) -> R:
    assert min(row.quantity, row.consumed, row.free, row.overdrawn) >= 0 == min(row.free, row.overdrawn)
    assert row.quantity + row.overdrawn == row.free + row.consumed
    return row


def _checked_demand(row: DemandWindowRow) -> DemandWindowRow:
    parts = (row.open, row.proposed, row.confirmed, row.shipped, row.delivered, row.given_up)
    assert min(parts) >= 0
    assert row.asked == sum(parts)
    return row


def _checked_deal(row: DealRow) -> DealRow:
    assert 0 <= row.consumed <= row.quantity > 0
    return row


def _key(row: EntityRow) -> EntityKey:
    return row.kind, row.market, row.key


def _names(row: WindowRow, skipped: int) -> Sequence[str]:
    return row.__slots__[skipped:]


def _columns(row: WindowRow, skipped: int) -> list[Any]:
    return [getattr(row, name) for name in _names(row, skipped)]


def _in_any_order(rows: Iterable[Any]) -> list[Any]:
    return list(reversed(list(rows)))
