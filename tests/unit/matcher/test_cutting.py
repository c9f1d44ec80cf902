"""However a poll cuts the log, the rounds are the same."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.domain.cutting import MOST_RECORDS, Cutter
from matcher.domain.reading import Entry, Unusable
from matcher.domain.step import Read
from tenon.contracts import intake
from tests.support.market import DAY_MS, MARKET, START_MS, day, offer

pytestmark = pytest.mark.unit

LISTING = offer("a")


def entry(offset: int, kind: int) -> Entry | Unusable:
    """Return a listing, something unusable, or the tick of a day."""
    if kind == -1:
        return Entry(offset, MARKET, "a", LISTING)
    if kind == -2:
        return Unusable(offset, "not_json", "")
    return Entry(offset, MARKET, "", intake.ClockTicked(now=day(kind)))


@st.composite
def logs(draw: st.DrawFn) -> list[Entry | Unusable]:
    """Return a log with gaps, as compaction and markers of transactions leave them."""
    kinds = draw(st.lists(st.integers(-2, 5), max_size=30))
    gaps = draw(st.lists(st.integers(1, 3), min_size=len(kinds), max_size=len(kinds)))
    return [entry(sum(gaps[: index + 1]), kind) for index, kind in enumerate(kinds)]


def cut(log: list[Entry | Unusable], ends: list[int]) -> list[Read]:
    cutter = Cutter(0, START_MS)
    edges = [0, *sorted({min(end, len(log)) for end in ends}), len(log)]
    return [read for start, end in pairwise(edges) for read in cutter.add(log[start:end])]


@given(logs(), st.lists(st.integers(0, 30), max_size=10))
def test_any_cut_of_a_log_gives_the_same_rounds(log: list[Entry | Unusable], ends: list[int]) -> None:
    assert cut(log, ends) == cut(log, [])


@given(logs(), st.integers(0, 30))
def test_a_cutter_that_starts_after_any_round_goes_on_the_same(
    log: list[Entry | Unusable], done: int
) -> None:
    rounds = cut(log, [])
    if not rounds:
        return
    last = rounds[min(done, len(rounds) - 1)]
    again = Cutter(last.next_offset, last.clock_ms)
    assert (
        again.add(each for each in log if each.offset >= last.next_offset) == rounds[rounds.index(last) + 1 :]
    )


@given(logs())
def test_rounds_follow_one_another_without_gap_or_overlap(log: list[Entry | Unusable]) -> None:
    rounds = cut(log, [])
    assert all(one.next_offset == two.from_offset for one, two in pairwise(rounds))
    assert [each for read in rounds for each in read.entries] == log[: sum(len(r.entries) for r in rounds)]


def test_a_round_ends_with_its_tick_and_has_its_time() -> None:
    (read,) = cut([entry(0, -1), entry(1, 3), entry(2, -1)], [])
    assert (len(read.entries), read.next_offset, read.clock_ms) == (2, 2, START_MS + 3 * DAY_MS)


def test_a_tick_of_the_past_ends_a_round_but_turns_no_clock_back() -> None:
    rounds = cut([entry(0, 3), entry(1, 1)], [])
    assert [read.clock_ms for read in rounds] == [START_MS + 3 * DAY_MS] * 2


def test_many_records_between_two_ticks_are_cut_at_a_fixed_number() -> None:
    log = [entry(offset, -1) for offset in range(2 * MOST_RECORDS + 1)]
    assert [len(read.entries) for read in cut(log, [17, MOST_RECORDS + 1])] == [MOST_RECORDS] * 2
