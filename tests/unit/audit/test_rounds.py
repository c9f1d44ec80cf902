"""Rounds are one chain, and table and topic tell the same: each fault that is planted is found, alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenon_audit.checks.rounds import Chain, at_position, on_topic
from tests.unit.audit.samples import followed, kinds, rounds


def test_a_chain_that_holds_is_clean() -> None:
    assert followed([*rounds(4), *rounds(2, partition=1)]) == []


@given(st.integers(3, 12), st.data())
def test_any_round_that_is_taken_out_is_named(many: int, data: st.DataObject) -> None:
    chain = list(rounds(many))
    gone = data.draw(st.integers(1, many - 1))
    follower = Chain()
    (found,) = [
        finding for this, own in chain if this.round != gone for finding in follower.follow(this, own)
    ]
    assert (found.guarantee, found.check) == (6, "round.missing")
    assert found.where == f"matcher.rounds 0/{gone}"


def test_several_rounds_that_are_missing_are_one_finding() -> None:
    chain = list(rounds(6))
    follower = Chain()
    (found,) = [finding for this, own in [*chain[:1], *chain[4:]] for finding in follower.follow(this, own)]
    assert found.what == "round 2 to 4 of partition 0 is missing"


@pytest.mark.parametrize(("shift", "kind"), [(1, "round.gap"), (-1, "round.overlap")])
def test_offsets_that_do_not_join_are_found(shift: int, kind: str) -> None:
    first, (this, own) = rounds(2)
    start = this.from_offset + shift
    moved = this._replace(from_offset=start, first_offset=start)
    found = followed([first, (moved, own._replace(from_offset=moved.from_offset, records=2 - shift))])
    assert found == [kind, "round.digest"]


def test_an_event_that_was_changed_breaks_the_digest_of_its_round() -> None:
    first, (this, own), *_ = rounds(3)
    changed = this._replace(events=(this.events[0]._replace(value=b"[]"),))
    assert followed([first, (changed, own)]) == ["round.digest"]


def test_a_row_and_its_own_event_that_differ_are_found() -> None:
    ((this, own),) = rounds(1)
    assert followed([(this._replace(digest="f" * 64), own)]) == ["round.differs"]


def test_a_digest_that_does_not_follow_the_one_before_is_found() -> None:
    first, (this, own) = rounds(2)
    other = own._replace(previous_digest="a" * 64)
    assert "round.chain" in followed([first, (this, other)])


def test_a_round_that_read_fewer_records_than_its_offsets_span_is_found() -> None:
    ((this, own),) = rounds(1)
    assert followed([(this, own._replace(records=1))]) == ["round.records"]


def test_a_clock_that_runs_backwards_is_found() -> None:
    first, (this, own) = rounds(2)
    assert "round.clock" in followed([first, (this._replace(clock_ms=1), own)])


def test_a_round_that_was_set_aside_is_found() -> None:
    ((this, own),) = rounds(1)
    assert followed([(this._replace(parked_why="too large"), own)]) == ["round.parked"]


def test_a_round_without_its_own_record_is_found() -> None:
    ((this, _),) = rounds(1)
    assert followed([(this, None)]) == ["round.mute"]


def test_what_the_topic_lacks_and_what_it_tells_otherwise_is_found() -> None:
    chain = list(rounds(3))
    follower = Chain()
    for this, own in chain:
        assert not list(follower.follow(this, own))
    digests = {(0, this.round): this.digest for this, _ in chain}
    told = [(0, this.round, own) for this, own in chain]
    assert kinds(on_topic(follower.last, digests, told)) == []
    assert kinds(on_topic(follower.last, digests, told[1:])) == ["round.untold"]
    other = (0, 1, chain[0][1]._replace(digest="b" * 64))
    assert kinds(on_topic(follower.last, digests, [other, *told[1:]])) == ["round.told_otherwise"]


def test_a_round_that_was_decided_after_the_tables_were_read_is_no_fault() -> None:
    chain = list(rounds(3))
    follower = Chain()
    for this, own in chain[:2]:
        assert not list(follower.follow(this, own))
    digests = {(0, this.round): this.digest for this, _ in chain[:2]}
    assert kinds(on_topic(follower.last, digests, [(0, this.round, own) for this, own in chain])) == []


def test_a_position_stands_where_the_last_round_ended_and_within_the_log() -> None:
    last = {0: list(rounds(2))[-1][0]}
    assert kinds(at_position(last, {0: 4}, {0: 4})) == []
    assert kinds(at_position(last, {0: 5}, {0: 9})) == ["position.round"]
    assert kinds(at_position(last, {0: 4}, {0: 3})) == ["position.beyond"]
    assert kinds(at_position({}, {1: 0}, {1: 7})) == []
