"""Observations become hours, parts, programs and faults; nothing is counted twice."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert

from ingest.formats.mtconnect.counting import counted
from ingest.formats.mtconnect.machines import Machine, hours_of
from ingest.formats.mtconnect.running import Running, fold, is_lost
from ingest.formats.mtconnect.streams import read
from tests.support.mtconnect import (
    DEVICE,
    MACHINE,
    at,
    condition,
    document,
    execution,
    parts,
    program,
)

MONDAY = "2029-12-03"
HOURS = hours_of(convert(MACHINE, Machine))
HOUR = 3_600_000


def current(*elements: str, hours: float = 0, next_: int = 10, **said: Any) -> Running:
    return told(None, *elements, hours=hours, next_=next_, whole=True, **said)


def told(
    before: Running | None, *elements: str, hours: float, next_: int, whole: bool = False, **said: Any
) -> Running:
    found = read(document(*elements, hours=hours, next_=next_, **said), DEVICE)
    return fold(before, found, HOURS, at(1_000), whole=whole)


def states(running: Running, day: str = MONDAY) -> dict[str, float]:
    return {state: took / HOUR for state, took in running.tallies[day].states.items()}


def test_time_is_counted_for_the_state_that_is_so() -> None:
    running = current(execution(3, -1_000, "READY"))
    running = told(running, execution(10, 2, "ACTIVE"), execution(11, 5, "STOPPED"), hours=6, next_=12)
    assert states(running) == {"READY": 2, "ACTIVE": 3, "STOPPED": 1}


def test_values_of_weeks_ago_count_from_the_first_document() -> None:
    running = told(current(execution(3, -1_000, "ACTIVE"), hours=1), hours=2, next_=10)
    assert states(running) == {"ACTIVE": 1}


def test_outside_of_working_hours_nothing_is_counted() -> None:
    running = told(current(execution(3, 0, "ACTIVE")), hours=25, next_=10)
    assert states(running) == {"ACTIVE": 8}
    assert states(running, "2029-12-04") == {"ACTIVE": 1}


def test_a_night_shift_counts_for_the_day_on_which_it_begins() -> None:
    shifts = [{"days": ["mon"], "from": "22:00", "until": "06:00"}]
    machine = convert({**MACHINE, "calendar": {**MACHINE["calendar"], "shifts": shifts}}, Machine)
    first = read(document(execution(3, 0, "ACTIVE"), hours=0, next_=10), DEVICE)
    running = fold(None, first, hours_of(machine), at(1_000), whole=True)
    for hour in (10, 17, 20, 30):
        each = read(document(hours=hour, next_=10), DEVICE)
        running = fold(running, each, hours_of(machine), at(1_000), whole=False)
    assert states(running) == {"ACTIVE": 8}


def test_a_machine_of_two_paths_is_busy_while_one_of_them_is() -> None:
    running = current(execution(1, 0, "ACTIVE", "p1"), execution(2, 0, "READY", "p2"))
    running = told(
        running, execution(10, 1, "ACTIVE", "p2"), execution(11, 2, "READY", "p1"), hours=3, next_=12
    )
    assert states(running) == {"ACTIVE": 3}


def test_a_state_that_is_not_known_is_not_active() -> None:
    running = told(
        current(execution(1, 0, "DREAMING"), execution(2, 0, "UNAVAILABLE", "p2")), hours=1, next_=10
    )
    assert states(running) == {"OTHER": 1}


def test_time_goes_forward_whatever_clocks_say() -> None:
    running = told(current(execution(3, 0, "READY")), execution(10, 1, "ACTIVE"), hours=2, next_=11)
    running = told(running, execution(11, 0.5, "READY"), execution(12, 900, "ACTIVE"), hours=3, next_=13)
    assert states(running) == {"READY": 2, "ACTIVE": 1}
    assert running.at == at(3)


def test_a_future_that_an_agent_believes_in_is_not_counted() -> None:
    found = read(document(execution(3, 0, "ACTIVE"), hours=0, next_=10), DEVICE)
    ahead = read(document(hours=7, next_=10), DEVICE)
    running = fold(fold(None, found, HOURS, at(0), whole=True), ahead, HOURS, at(2), whole=False)
    assert states(running) == {"ACTIVE": 2}


def test_what_was_told_is_not_counted_again() -> None:
    sample = (execution(10, 1, "ACTIVE"), parts(11, 1, 5))
    running = told(current(execution(3, 0, "READY"), parts(4, 0, 1)), *sample, hours=2, next_=12)
    again = told(running, *sample, hours=2, next_=12)
    assert again == running
    assert running.tallies[MONDAY].parts == {"all": 4}


def test_active_time_belongs_to_the_program_that_runs() -> None:
    running = current(execution(1, 0, "ACTIVE"), program(2, 0, "O1"))
    running = told(running, program(10, 1, "O2"), execution(11, 3, "READY"), hours=4, next_=12)
    assert running.tallies[MONDAY].programs == {"O1": HOUR, "O2": 2 * HOUR}


@pytest.mark.parametrize(
    ("before", "value", "made"),
    [
        (None, 500, 0),
        (500, 500, 0),
        (500, 507, 7),
        (500, 0, 0),
        (500, 3, 3),
        (9_998, 2, 4),
        (65_535, 0, 1),
        (9_000, 2, 2),
        (99, 1, 1),
    ],
)
def test_parts_are_counted_over_resets_and_wraps(before: int | None, value: int, made: int) -> None:
    assert counted(before, value) == made


def test_good_and_bad_parts_are_told_apart_and_targets_are_no_parts() -> None:
    running = current(execution(1, 0, "ACTIVE"), parts(2, 0, 10, "GOOD"), parts(3, 0, 0, "BAD"))
    running = told(
        running,
        parts(10, 1, 13, "GOOD"),
        parts(11, 1, 2, "BAD"),
        parts(12, 1, 100, "TARGET"),
        parts(13, 1, "UNAVAILABLE", "GOOD"),
        parts(14, 1, 14, "GOOD"),
        parts(15, 1, "9" * 100, "GOOD"),
        hours=2,
        next_=16,
    )
    assert running.tallies[MONDAY].parts == {"good": 4, "bad": 2}


def test_a_fault_lasts_from_when_it_came_until_its_condition_is_normal() -> None:
    running = current(condition(3, -5, "Fault", "E7"))
    running = told(
        running, condition(10, 1, "Fault", "E8"), condition(11, 2, "Normal", "E7"), hours=2, next_=12
    )
    assert [(f.code, f.from_, f.until) for f in running.ended] == [("E7", at(-5), at(2))]
    running = told(running, condition(12, 3, "Unavailable"), hours=3, next_=13)
    assert [fault.code for fault in running.faults.values()] == ["E8"], "nobody knows that it is over"
    running = told(running, condition(13, 4, "Normal"), hours=4, next_=14)
    assert not running.faults


def test_an_agent_that_started_anew_or_left_a_gap_is_noticed() -> None:
    running = current(execution(3, 0, "ACTIVE"))
    for said, lost in (
        ({}, False),
        ({"instance": 1_001}, True),
        ({"first": 10}, False),
        ({"first": 11}, True),
        ({"next_": 3}, True),
    ):
        sample: dict[str, Any] = {"next_": 12, **said}
        assert is_lost(running, read(document(hours=1, **sample), DEVICE)) is lost, said


def test_after_a_gap_nobody_knows_what_was_and_faults_that_are_gone_have_ended() -> None:
    running = current(execution(3, 0, "ACTIVE"), condition(4, 0, "Fault", "E7"))
    later = (execution(90, 0.5, "READY"), condition(91, 1, "Normal"))
    running = told(running, *later, hours=2, next_=92, whole=True, instance=7)
    running = told(running, hours=3, next_=92, instance=7)
    assert states(running) == {"UNAVAILABLE": 2, "READY": 1}
    assert (running.faults, running.instance, running.next, running.lost) == ({}, 7, 92, 1)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.sampled_from(["ACTIVE", "READY", "STOPPED", "x"])), max_size=15),
    st.lists(st.integers(0, 15), max_size=4),
)
def test_whatever_happens_each_working_hour_is_counted_once(
    happened: list[tuple[float, str]], cuts: list[int]
) -> None:
    elements = [execution(10 + n, hour, state) for n, (hour, state) in enumerate(happened)]
    running = current(execution(3, 0, "READY"))
    bounds = sorted({0, len(elements), *(min(cut, len(elements)) for cut in cuts)})
    for first, last in pairwise(bounds):
        seen = max((hour for hour, _ in happened[:last]), default=0)
        running = told(running, *elements[first:last], hours=seen, next_=10 + last)
    running = told(running, hours=120, next_=10 + len(elements))
    assert all(sum(tally.states.values()) == 8 * HOUR for tally in running.tallies.values())
    assert len(running.tallies) == 5
