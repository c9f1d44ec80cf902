"""Batches: whatever is repeated, delayed or cut differently, the same things are stored and told."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.audiences import ADMINISTRATOR
from notifier.domain.batch import (
    Changes,
    StateKey,
    TooManyUnusable,
    decide,
    sort_out,
    state_key,
    without_echoes,
    without_moved,
)
from notifier.domain.pseudonym import Naming
from notifier.domain.reading import Received, Tombstone
from notifier.domain.totals import Totals, add_change, nonzero
from tenon.contracts.dockings import Docking
from tenon.contracts.positions import DemandPosition, OfferPosition
from tenon.contracts.values import Shape
from tenon.records import OutRecord
from tests.support.told import demand_position, docking, offer_position, record

DOCKINGS, POSITIONS = "tenon.dockings.v1", "tenon.positions.v1"
NAMING = Naming(b"k" * 32)
STEPS = [
    docking("d-1"),
    docking("d-2"),
    docking("d-1", "confirmed", 2),
    docking("d-1", "shipped", 3, shipped=Decimal(40)),
    docking("d-2", "declined", 2),
    docking("d-3"),
]
TOLD = [record(step, number) for number, step in enumerate(STEPS, 1)]


class Reader:
    """What a notifier has stored after some batches; a database in a few dictionaries."""

    def __init__(self, topic: str = DOCKINGS) -> None:
        self.topic = topic
        self.seen: dict[str, str] = {}
        self.states: dict[StateKey, Shape] = {}
        self.totals: Totals = {}
        self.told: list[tuple[str, str]] = []

    def batch(self, records: Sequence[OutRecord]) -> Changes:
        found = without_moved(sort_out(self.topic, records, 0, 100), self.states)
        items, seen = without_echoes(self.topic, found.items, self.seen)
        changes = decide(items, self.states, NAMING)
        self.seen |= seen
        for key, state in changes.states.items():
            if state is None:
                self.states.pop(key, None)
            else:
                self.states[key] = state
        for total, (count, quantity) in changes.totals.items():
            have = self.totals.get(total, (0, Decimal(0)))
            self.totals[total] = (have[0] + count, have[1] + quantity)
        self.told += [(entry.audience, entry.event_id) for entry in changes.entries]
        return changes


def read_all(*batches: Sequence[OutRecord], topic: str = DOCKINGS) -> Reader:
    """Read batches one after the other."""
    reader = Reader(topic)
    for batch in batches:
        reader.batch(batch)
    return reader


def markets_of(reader: Reader) -> dict[str, str]:
    """Return the market of each position that is stored, by the key of its records."""
    found = {}
    for (kind, name), state in reader.states.items():
        assert isinstance(state, OfferPosition | DemandPosition)
        found[f"{state.party}/{kind}/{name.partition('/')[2]}"] = state.market
    return found


def test_the_last_step_is_the_state_and_every_step_is_told() -> None:
    reader = read_all(TOLD)
    state = reader.states["docking", "d-1"]
    assert isinstance(state, Docking)
    assert state.status == "shipped"
    assert len(reader.told) == 4 * len(TOLD)


def test_steps_have_an_order_per_docking_not_per_demand() -> None:
    """Two partitions may hold a demand of one name, each with a count of its own."""
    reader = read_all([record(docking("d-1"), 900), record(docking("x-1"), 3, partition=1)])
    assert {key for _, key in reader.states} == {"d-1", "x-1"}


def test_an_id_that_is_known_in_another_market_keeps_the_first() -> None:
    here, there = demand_position(market="own:mask"), demand_position(market="own:gown", open_=9)
    for batches in ([[record(here, 5), record(there, 900)]], [[record(here, 5)], [record(there, 900)]]):
        reader = Reader(POSITIONS)
        for batch in batches:
            reader.batch(batch)
        assert reader.states["demand", "clinic/demand-1"] == here
        reader.batch([record(demand_position(open_=1), 6)])
        assert reader.states["demand", "clinic/demand-1"] == demand_position(open_=1)


def test_the_owner_of_a_moved_id_is_named_with_what_to_do() -> None:
    there = record(demand_position(market="own:gown"), 1)
    found = without_moved(
        sort_out(POSITIONS, [there], 0, 9), {("demand", "clinic/demand-1"): demand_position()}
    )
    ((of, refused),) = found.refused
    assert (of, refused.code, refused.party, found.read) == (there, "market_moved", "clinic", [])
    assert refused.detail == "it is in market own:mask: withdraw it there and publish it under a new id"


@pytest.mark.parametrize(("market", "left"), [("own:gown", True), ("own:mask", False)])
def test_an_id_is_forgotten_only_where_it_is_at_home(market: str, left: bool) -> None:
    reader = Reader(POSITIONS)
    reader.batch([record(demand_position(market="own:mask"), 5)])
    headers = [("ce_sequence", b"%020d" % 900), ("ce_market", market.encode())]
    reader.batch([OutRecord(POSITIONS, b"clinic/demand/demand-1", None, headers)])
    assert bool(reader.states) is left
    again = demand_position(market="own:mask", open_=1)
    reader.batch([record(again, 6 if left else 901)])
    assert reader.states["demand", "clinic/demand-1"] == again


def test_an_id_that_is_gone_may_live_in_another_market_whose_count_stands_lower() -> None:
    reader = Reader(POSITIONS)
    reader.batch([record(demand_position(market="own:mask"), 900)])
    headers = [("ce_sequence", b"%020d" % 901), ("ce_market", b"own:mask")]
    reader.batch([OutRecord(POSITIONS, b"clinic/demand/demand-1", None, headers)])
    there = demand_position(market="own:gown")
    reader.batch([record(there, 3)])
    assert reader.states["demand", "clinic/demand-1"] == there


@given(st.data())
def test_however_a_log_is_cut_and_repeated_the_same_is_told(data: st.DataObject) -> None:
    batches: list[Sequence[OutRecord]] = []
    done = 0
    while done < len(TOLD):
        upto = data.draw(st.integers(done + 1, len(TOLD)))
        again = data.draw(st.integers(0, done))
        batches.append(TOLD[again:upto])
        done = upto
    reader, whole = read_all(*batches), read_all(TOLD)
    assert reader.told == whole.told
    assert reader.states == whole.states
    assert nonzero(reader.totals) == nonzero(whole.totals)


@given(st.lists(st.sampled_from(TOLD), min_size=1))
def test_a_sequence_never_goes_back(records: list[OutRecord]) -> None:
    reader = Reader()
    highest: dict[str, str] = {}
    for each in records:
        changes = reader.batch([each])
        of = str(msgspec.json.decode(each.value or b"")["docking"])
        sequence = dict(each.headers)["ce_sequence"].decode()
        assert changes.taken == (sequence > highest.get(of, ""))
        highest[of] = max(highest.get(of, ""), sequence)


IN_TWO_MARKETS = [
    record(msgspec.structs.replace(make(), market=market), number, partition=partition)
    for partition, (market, first) in enumerate((("own:mask", 1), ("own:gown", 900)))
    for make in (demand_position, offer_position)
    for number in (first, first + 1, first + 2)
]


@given(st.lists(st.lists(st.sampled_from(IN_TWO_MARKETS), min_size=1, max_size=4), max_size=6))
def test_the_market_that_is_told_of_first_keeps_an_id_at_its_newest(batches: list[list[OutRecord]]) -> None:
    reader = read_all(*batches, topic=POSITIONS)
    homes: dict[str, str] = {}
    newest: dict[str, str] = {}
    heard: list[str] = []
    for each in (each for batch in batches for each in batch):
        headers = {name: value.decode() for name, value in each.headers}
        key, market = (each.key or b"").decode(), msgspec.json.decode(each.value or b"")["market"]
        if homes.setdefault(key, market) == market and headers["ce_sequence"] > newest.get(key, ""):
            newest[key] = headers["ce_sequence"]
            heard.append(headers["ce_id"])
    assert markets_of(reader) == homes
    assert {key: reader.seen[f"{key}/{market}"] for key, market in homes.items()} == newest
    assert [event for audience, event in reader.told if audience == ADMINISTRATOR] == heard


@given(st.permutations(TOLD))
def test_totals_are_the_sums_over_what_is_stored(records: list[OutRecord]) -> None:
    reader = read_all(records[:3], records[3:])
    expected: Totals = {}
    for state in reader.states.values():
        add_change(expected, None, state)
    assert nonzero(reader.totals) == nonzero(expected)


def test_a_tombstone_takes_the_state_and_its_totals_away() -> None:
    reader = Reader(POSITIONS)
    reader.batch([record(demand_position(), 1), record(offer_position(), 1)])
    assert reader.totals["C62", "open"] == (1, Decimal(60))
    headers = [("ce_sequence", b"%020d" % 2), ("ce_market", b"own:mask")]
    reader.batch([OutRecord(POSITIONS, b"clinic/demand/demand-1", None, headers)])
    reader.batch([record(demand_position(), 1)])
    assert list(reader.states) == [("offer", "mill/offer-1")]
    assert nonzero(reader.totals) == {
        ("C62", "free"): (1, Decimal(60)),
        ("C62", "offered"): (1, Decimal(100)),
    }


@pytest.mark.parametrize(("market", "left"), [("own:gown", 1), ("own:mask", 0), (None, 0)])
def test_only_the_market_that_holds_an_id_can_end_it(market: str | None, left: int) -> None:
    reader = Reader(POSITIONS)
    reader.batch([record(demand_position(market="own:mask"), 1)])
    headers = [("ce_sequence", b"%020d" % 900)] + ([("ce_market", market.encode())] if market else [])
    reader.batch([OutRecord(POSITIONS, b"clinic/demand/demand-1", None, headers)])
    assert len(reader.states) == left


def test_an_alert_with_an_id_seen_before_is_an_echo() -> None:
    from tests.support.told import unmet

    alert = record(unmet(), 1, event_id="a-1")
    found = sort_out("tenon.alerts.v1", [alert, alert], 0, 9)
    items, seen = without_echoes("tenon.alerts.v1", found.items, {})
    assert len(items) == 1
    assert without_echoes("tenon.alerts.v1", found.items, seen)[0] == []


def bad(number: int) -> list[OutRecord]:
    """Records that nobody can read."""
    return [OutRecord(DOCKINGS, b"k", b"{", [])] * number


def test_unusable_records_are_set_aside_and_the_others_are_taken() -> None:
    found = sort_out(DOCKINGS, [*bad(2), TOLD[0], *bad(1)], 0, 10)
    assert [record for record, _ in found.refused] == bad(3)
    assert len(found.items) == 1
    assert found.run == 1


def test_too_many_unusable_records_in_a_row_stop_the_batch() -> None:
    assert sort_out(DOCKINGS, bad(4), 5, 10).run == 9
    with pytest.raises(TooManyUnusable, match="10 records in a row"):
        sort_out(DOCKINGS, bad(5), 5, 10)


def test_a_tombstone_names_the_state_it_ends() -> None:
    assert state_key(Tombstone("clinic/demand/demand-1", "")) == ("demand", "clinic/demand-1")
    assert state_key(Tombstone("clinic", "")) is None
    item = Received("e", "/s", "t", "", "k", "", offer_position(), b"{}")
    assert state_key(item) == ("offer", "mill/offer-1")
