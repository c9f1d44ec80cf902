"""What a receiver got is held against the feeds."""

import pytest

from notifier.domain.sign import headers, to_secret
from tests.bench.calls import PARTIES, Entry, check_order, per_s, waits
from tests.bench.failing import BenchFailed
from tests.bench.receiver import signed

ONE, TWO = PARTIES[:2]
FEEDS: list[Entry] = [(ONE, "a", 1.0), (ONE, "b", 2.0), (TWO, "a", 3.0)]


def test_calls_in_the_order_of_each_feed_pass_however_the_endpoints_take_turns() -> None:
    check_order([(TWO, "a", 4.0), (ONE, "a", 5.0), (ONE, "b", 6.0)], FEEDS)


@pytest.mark.parametrize("events", [["b", "a"], ["a"], ["a", "b", "b"]], ids=["order", "lost", "doubled"])
def test_a_feed_that_did_not_come_as_it_is_fails_a_run(events: list[str]) -> None:
    received = [(TWO, "a", 4.0), *((ONE, event, 5.0) for event in events)]
    with pytest.raises(BenchFailed, match=ONE):
        check_order(received, FEEDS)


def test_an_entry_waits_from_its_feed_to_the_receiver() -> None:
    received = [(ONE, "a", 1.01), (ONE, "b", 2.03), (TWO, "a", 3.02)]
    assert waits(received, FEEDS) == {
        "wait_p50_ms": pytest.approx(20),
        "wait_p99_ms": pytest.approx(30),
        "waits": 3,
    }


def test_speed_is_counted_from_the_first_call_to_the_last() -> None:
    assert per_s([(ONE, "a", 1.0), (ONE, "b", 3.0), (TWO, "a", 2.0)]) == 1.0


def test_the_receiver_knows_the_notifiers_signature() -> None:
    secret, body = to_secret(b"k" * 32), b'{"id": "a"}'
    said = {name.encode(): value.encode() for name, value in headers([secret], "a", 7, body).items()}
    assert signed(secret, said, body)
    assert not signed(secret, said, body + b" ")
    assert not signed(to_secret(b"l" * 32), said, body)
