"""A tail: bounded, and without a gap between what it dropped and what it has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.frames import frame
from notifier.feed import FeedEntry
from notifier.tail import Tail


def entry(number: int) -> FeedEntry:
    return FeedEntry(number, f"e-{number}", "tenon.docking.proposed.v1", "d", b'{"id":"e"}')


@given(start=st.integers(0, 50), sizes=st.lists(st.integers(1, 7), max_size=9), most=st.integers(1, 12))
def test_a_tail_has_everything_behind_its_start_and_no_more_than_its_bound(
    start: int, sizes: list[int], most: int
) -> None:
    tail, last = Tail(start, most), start
    for size in sizes:
        tail.append([entry(last + offset) for offset in range(1, size + 1)])
        last += size
    assert tail.last == last
    assert tail.start == max(start, last - most)
    for cursor in range(tail.start, last + 1):
        assert [each.number for each in tail.since(cursor)] == list(range(cursor + 1, last + 1))


def test_a_frame_is_one_server_sent_event() -> None:
    assert frame(7, "t", b"{}") == b"id: 7\nevent: t\ndata: {}\n\n"
