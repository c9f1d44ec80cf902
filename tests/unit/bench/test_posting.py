"""As much of HTTP/1.1 as the load generator reads."""

import pytest

from tests.bench.posting import length_of, status_of

HEAD = b"HTTP/1.1 202 Accepted\r\ndate: today\r\nContent-Length: 17\r\ncontent-type: text/plain\r\n\r\n"


def test_status_and_length_are_read_from_a_head() -> None:
    assert (status_of(HEAD), length_of(HEAD)) == (202, 17)


def test_an_answer_without_a_length_is_refused() -> None:
    with pytest.raises(ValueError, match="not found"):
        length_of(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
