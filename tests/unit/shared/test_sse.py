"""Reading server-sent events, after the WHATWG HTML standard, section 9.2.6."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tenon.client.sse import Message, Parser


def parse(*chunks: bytes) -> list[Message]:
    parser = Parser()
    return [message for chunk in chunks for message in parser.feed(chunk)]


def test_an_event_has_its_id_type_and_data() -> None:
    assert parse(b"id: 7\nevent: docked\ndata: {}\n\n") == [Message("7", "docked", "{}")]


def test_lines_of_data_are_joined_and_one_space_is_taken_off() -> None:
    assert parse(b"data:  a\ndata:b\ndata\n\n") == [Message("", "message", " a\nb\n")]


def test_comments_and_unknown_fields_are_ignored() -> None:
    assert parse(b": heartbeat\n\nfoo: bar\ndata: x\n\n") == [Message("", "message", "x")]


def test_an_event_without_data_is_not_dispatched_but_its_id_stays() -> None:
    assert parse(b"id: 3\nevent: e\n\ndata: x\n\n") == [Message("3", "message", "x")]


def test_an_event_that_is_not_ended_is_not_dispatched() -> None:
    assert parse(b"data: x\n") == []


def test_a_byte_order_mark_at_the_start_is_ignored() -> None:
    assert parse(b"\xef\xbb\xbfdata: x\n\n") == [Message("", "message", "x")]


def test_an_id_with_a_null_and_a_retry_that_is_no_number_are_ignored() -> None:
    parser = Parser()
    parser.feed(b"id: a\0b\nretry: soon\ndata: x\n\n")
    assert (parser.last_id, parser.retry_ms) == ("", None)
    parser.feed(b"retry: 250\n\n")
    assert parser.retry_ms == 250


STREAM = b"id: 1\r\ndata: a\r\n\r\nid: 2\rdata: b\r\r: beat\n\nid: 3\ndata: \xc3\xa9\ndata: d\n\n"


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_where_a_stream_is_cut_makes_no_difference(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[a:b] for a, b in pairwise(places)]
    assert parse(*chunks) == [
        Message("1", "message", "a"),
        Message("2", "message", "b"),
        Message("3", "message", "é\nd"),
    ]
