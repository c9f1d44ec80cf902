"""How events are cut into batches, and what an answer says of each."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tenon.client.publishing import batches, outcomes
from tenon.contracts.cloudevents import CloudEvent, from_structured, split_batch


def event(number: int, size: int = 2) -> CloudEvent:
    return CloudEvent(str(number), "/test", "tenon.test.v1", b'"' + b"x" * size + b'"')


@given(st.lists(st.integers(0, 400), max_size=40), st.integers(1, 7), st.integers(300, 1_500))
def test_batches_hold_all_events_in_order_within_both_limits(
    sizes: list[int], most_events: int, most_bytes: int
) -> None:
    events = [event(number, size) for number, size in enumerate(sizes)]
    made = list(batches(events, most_events, most_bytes))
    assert [one for chunk, _ in made for one in chunk] == events
    for chunk, body in made:
        assert [from_structured(part).id for part in split_batch(body)] == [one.id for one in chunk]
        assert len(chunk) <= most_events
        assert len(body) <= most_bytes or len(chunk) == 1


def test_each_result_belongs_to_its_event() -> None:
    body = msgspec.json.encode(
        {
            "accepted": 1,
            "rejected": 1,
            "results": [
                {"index": 1, "status": "accepted", "id": "2"},
                {
                    "index": 0,
                    "status": "rejected",
                    "problem": {"type": "/problems/x", "title": "X", "status": 422},
                },
            ],
        }
    )
    told = outcomes([event(1), event(2)], body)
    assert told is not None
    assert [(one.event.id, one.accepted) for one in told] == [("1", False), ("2", True)]
    assert told[0].problem is not None
    assert told[0].problem.title == "X"


def test_an_answer_that_says_nothing_of_single_events_is_none() -> None:
    assert outcomes([event(1)], b'{"type":"/problems/unauthorized","status":401}') is None
    assert outcomes([event(1), event(2)], b'{"results":[{"index":0,"status":"accepted"}]}') is None
    assert outcomes([event(1)], b"<html>") is None
