"""How fast a matcher was, and for how long it was not, as arithmetic on its rounds."""

import pytest

from tests.bench.decisions import Decided, first_rounds, longest_without, per_s


def test_what_the_first_commit_decided_does_not_count() -> None:
    rounds = [Decided(0, 2_000, 10.0, 10.1), Decided(1, 2_000, 10.0, 10.1)]
    rounds += [Decided(0, 600, 11.0, 11.2), Decided(1, 400, 11.5, 12.0)]
    assert per_s(rounds) == pytest.approx(500)


def test_a_round_that_waits_to_be_told_ends_no_measurement() -> None:
    assert per_s([Decided(0, 5, 1.0, None), Decided(0, 8, 2.0, 3.0)]) == pytest.approx(4)


def test_the_longest_time_without_a_round_is_that_of_the_partition_that_waited_longest() -> None:
    rounds = [Decided(0, 1, 1.0, None), Decided(1, 1, 1.0, None), Decided(0, 1, 2.0, None)]
    assert longest_without(rounds, began=0.5, ended=3.0, partitions=2) == pytest.approx(2.0)


def test_a_partition_that_never_decided_waited_all_the_time() -> None:
    assert longest_without([Decided(0, 1, 1.0, None)], began=0.0, ended=2.0, partitions=2) == 2.0


def test_rounds_outside_of_the_time_do_not_count() -> None:
    rounds = [Decided(0, 1, at, None) for at in (0.5, 1.5, 9.0)]
    assert longest_without(rounds, began=1.0, ended=2.0, partitions=1) == 0.5


def test_the_first_round_of_each_partition_counts_in_whatever_order_they_come() -> None:
    rounds = [Decided(1, 1, 3.0, None), Decided(0, 1, 2.0, None), Decided(1, 1, 1.0, None)]
    assert first_rounds(rounds) == {0: 2.0, 1: 1.0}
