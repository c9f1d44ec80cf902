"""What a subscriber got: what is missing and what is out of order is said, repetitions are not."""

import pytest

from tests.chaos.watching import Heard


def heard(*revisions: int, numbers: tuple[int, ...] = ()) -> Heard:
    one = Heard("somebody", list(numbers))
    for revision in revisions:
        one.note({"docking": "k", "revision": revision})
    return one


@pytest.mark.parametrize("came", [(1, 2, 3), (1, 1, 2, 3), (1, 2, 1, 2, 3)])
def test_steps_in_order_are_well_also_when_they_are_repeated(came: tuple[int, ...]) -> None:
    one = heard(*came)
    assert one.missing({"k": 3}) == []
    assert one.disorder() == []


def test_a_step_that_did_not_come_is_missing() -> None:
    assert heard(1, 3).missing({"k": 3}) == ["somebody: k/2 did not arrive"]
    assert heard().missing({"k": 1}) == ["somebody: k/1 did not arrive"]


def test_a_step_before_an_earlier_one_is_disorder() -> None:
    assert len(heard(2, 1, 3).disorder()) == 1


def test_a_stream_with_a_gap_or_a_double_is_disorder() -> None:
    assert heard(numbers=(4, 5, 6)).disorder() == []
    assert heard(numbers=(4, 6)).disorder() == ["somebody: number 6 follows 4"]
    assert heard(numbers=(4, 4)).disorder() == ["somebody: number 4 follows 4"]
