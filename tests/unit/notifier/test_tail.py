"""A tail: bounded, and without a gap between what it dropped and what it has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.frames import frame, joined
from notifier.feed import FeedEntry
from notifier.tail import Tail, encoded


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


@given(st.lists(st.integers(1, 9), min_size=1), st.integers(0, 2_000))
def test_a_trimmed_tail_is_within_its_bytes_and_says_from_where_it_still_has_everything(
    sizes: list[int], most_bytes: int
) -> None:
    tail, last = Tail(0, 1_000), 0
    for size in sizes:
        tail.append([entry(last + offset) for offset in range(1, size + 1)])
        tail.trim(most_bytes)
        last += size
    kept = tail.since(tail.start)
    assert sum(len(each.data) for each in kept) == tail.size <= most_bytes
    assert [each.number for each in kept] == list(range(tail.start + 1, last + 1))


@given(st.lists(st.binary(min_size=1, max_size=40)), st.integers(1, 50))
def test_chunks_lose_nothing_and_only_a_large_frame_exceeds_the_bound(frames: list[bytes], most: int) -> None:
    chunks = list(joined(frames, most))
    assert b"".join(chunks) == b"".join(frames)
    for chunk in chunks:
        assert len(chunk) <= most or chunk in frames


def test_a_frame_is_one_server_sent_event() -> None:
    assert frame(7, "t", b"{}") == b"id: 7\nevent: t\ndata: {}\n\n"


def test_a_frame_knows_the_event_in_it() -> None:
    told = FeedEntry(7, "e", "t", "s", b'{"data":{"a":"\\ndata: "}}')
    assert encoded(told).message == told.message()
