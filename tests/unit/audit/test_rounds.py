"""Rounds are one chain, and table and topic tell the same: each fault that is planted is found, alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenon_audit.checks.rounds import Told, at_position
from tenon_audit.facts import Head
from tests.unit.audit.samples import chained, kept, kinds, rounds, told

CHAIN = list(rounds(5))
OWNS = [own for _, own in CHAIN]


def test_chains_that_hold_are_clean() -> None:
    assert chained([*OWNS, *(own for _, own in rounds(2, partition=1))]) == []
    assert kept(CHAIN, OWNS) == []


def test_a_round_that_was_told_twice_is_no_fault_unless_it_was_decided_otherwise() -> None:
    topic = told(OWNS)
    assert kinds(topic.see(OWNS[1], (0, 9))) == []
    assert kinds(topic.see(OWNS[1]._replace(digest="a" * 64), (0, 10))) == ["round.twice"]
    assert kinds(topic.chains()) == []


@given(st.integers(2, 12), st.data())
def test_any_round_that_is_missing_on_the_topic_is_named(many: int, data: st.DataObject) -> None:
    owns = [own for _, own in rounds(many)]
    gone = data.draw(st.integers(1, many - 1))
    (found,) = told(own for own in owns if own.round != gone).chains()
    assert (found.guarantee, found.check) == (6, "round.missing")
    assert found.what == f"round {gone} of partition 0 is missing on tenon.rounds.v1"


@given(st.integers(3, 12), st.data())
def test_any_row_that_is_missing_between_others_is_named(many: int, data: st.DataObject) -> None:
    chain = list(rounds(many))
    gone = data.draw(st.integers(2, many))
    head = Head(0, many, 1000 * many, chain[-1][0].digest)
    rows = [(this, own) for this, own in chain if this.round != gone]
    assert kept(rows, [own for _, own in chain], head) == ["round.row_missing"]


def test_rows_that_were_dropped_for_their_age_are_no_fault() -> None:
    assert kept(CHAIN[3:], OWNS) == []


def test_a_row_that_stands_for_quiet_rounds_before_it_is_no_gap() -> None:
    this, own = CHAIN[3]
    merged = (this._replace(first_round=2, first_offset=2), own)
    assert kept([CHAIN[0], merged, CHAIN[4]], OWNS) == []


@pytest.mark.parametrize(("shift", "kind"), [(1, "round.gap"), (-1, "round.overlap")])
def test_offsets_that_do_not_join_are_found(shift: int, kind: str) -> None:
    moved = OWNS[-1]._replace(from_offset=OWNS[-1].from_offset + shift, records=2 - shift)
    assert chained([*OWNS[:-1], moved]) == [kind]


def test_a_digest_that_does_not_follow_the_one_before_is_found() -> None:
    assert chained([*OWNS[:-1], OWNS[-1]._replace(previous_digest="a" * 64)]) == ["round.chain"]


def test_a_round_that_read_fewer_records_than_its_offsets_span_is_found() -> None:
    assert chained([*OWNS[:-1], OWNS[-1]._replace(records=1)]) == ["round.records"]


def test_a_clock_that_runs_backwards_is_found() -> None:
    assert chained([*OWNS[:-1], OWNS[-1]._replace(clock_ms=1)]) == ["round.clock"]


def test_an_event_that_was_changed_breaks_the_digest_of_its_round() -> None:
    this, own = CHAIN[1]
    changed = this._replace(events=(this.events[0]._replace(value=b"[]"),))
    assert kept([CHAIN[0], (changed, own), *CHAIN[2:]], OWNS) == ["round.digest"]


def test_a_row_and_its_own_event_that_differ_are_found() -> None:
    this, own = CHAIN[1]
    assert kept([CHAIN[0], (this._replace(clock_ms=1), own), *CHAIN[2:]], OWNS) == ["round.differs"]


def test_a_row_that_was_told_otherwise_or_not_at_all_is_found() -> None:
    other = [OWNS[0], OWNS[1]._replace(digest="b" * 64), *OWNS[2:]]
    assert kept(CHAIN, other) == ["round.told_otherwise"]
    assert kept(CHAIN, OWNS[:-1]) == ["round.untold"]


def test_a_row_that_is_still_to_be_told_may_be_missing_on_the_topic() -> None:
    this, own = CHAIN[-1]
    assert kept([*CHAIN[:-1], (this._replace(told=False), own)], OWNS[:-1]) == []


def test_a_round_that_was_set_aside_is_found() -> None:
    this, own = CHAIN[-1]
    aside = this._replace(told=False, parked_why="too large")
    assert kept([*CHAIN[:-1], (aside, own)], OWNS[:-1]) == ["round.parked"]


def test_a_round_without_its_own_record_is_found() -> None:
    assert kept([*CHAIN[:-1], (CHAIN[-1][0], None)], OWNS) == ["round.mute"]


def test_a_row_that_stands_there_twice_is_found() -> None:
    assert kept([*CHAIN, CHAIN[4]], OWNS) == ["round.row_twice"]


def test_a_head_that_is_not_the_last_row_is_found() -> None:
    assert kept(CHAIN, OWNS, Head(0, 4, 4000, CHAIN[3][0].digest)) == ["head.differs"]


def test_a_position_stands_where_the_last_round_ended_and_within_the_log() -> None:
    assert kinds(at_position({0: 4}, {0: 4}, {0: 4})) == []
    assert kinds(at_position({0: 4}, {0: 5}, {0: 9})) == ["position.round"]
    assert kinds(at_position({0: 4}, {0: 4}, {0: 3})) == ["position.beyond"]
    assert kinds(at_position({}, {1: 0}, {1: 7})) == []


def test_a_topic_that_nobody_wrote_is_clean() -> None:
    assert kinds(Told().chains()) == []
