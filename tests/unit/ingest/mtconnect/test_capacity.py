"""What is seen of a machine becomes windows of its resource, told when they differ enough."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert

from ingest.formats.mtconnect.capacity import differs, offered
from ingest.formats.mtconnect.machines import Machine, hours_of
from ingest.formats.mtconnect.running import Running
from tenon.contracts.values import Window
from tests.support.mtconnect import MACHINE, at, condition, execution, program
from tests.unit.ingest.mtconnect.test_running import HOURS, current, told

DAY = 8 * 3_600


def machine(**said: Any) -> Machine:
    return convert({**MACHINE, **said}, Machine)


def windows(running: Running, hours: float, before: list[Window] | None = None, **said: Any) -> list[Window]:
    return offered(machine(**said), HOURS, running, before or [], at(hours))


def quantities(running: Running, hours: float, **said: Any) -> list[int]:
    return [int(window.quantity) for window in windows(running, hours, **said)]


def idle(until: float) -> Running:
    return told(current(execution(3, 0, "READY")), hours=until, next_=10)


def test_a_machine_that_was_not_seen_yet_offers_its_calendar() -> None:
    assert quantities(idle(0), 0) == [DAY] * 5


def test_time_that_is_gone_is_not_offered() -> None:
    assert quantities(idle(2), 2) == [DAY - 2 * 3_600, *[DAY] * 4]


def test_own_work_takes_of_what_comes_what_it_took_of_what_was_seen() -> None:
    running = told(current(execution(3, 0, "ACTIVE")), execution(10, 2, "READY"), hours=8, next_=11)
    assert quantities(running, 8) == [0, *[DAY * 3 // 4] * 4]


def test_an_hour_or_two_say_nothing_of_the_future() -> None:
    running = told(current(execution(3, 0, "ACTIVE")), hours=3, next_=10)
    assert quantities(running, 3) == [DAY - 3 * 3_600, *[DAY] * 4]


def test_what_runs_for_dockings_stays_offered() -> None:
    running = current(execution(3, 0, "ACTIVE"), program(4, 0, "O7"))
    running = told(running, hours=6, next_=10)
    assert quantities(running, 6, docked_programs=["O7"]) == [DAY] * 5


def test_time_of_which_nobody_knows_says_nothing() -> None:
    running = told(current(execution(3, 0, "UNAVAILABLE")), execution(10, 6, "READY"), hours=7, next_=11)
    assert quantities(running, 7)[1:] == [DAY] * 4


def test_a_fault_takes_the_time_of_its_repair_and_its_end_gives_it_back() -> None:
    running = current(execution(3, 0, "ACTIVE"), condition(4, 0, "Normal"))
    running = told(running, execution(10, 1, "STOPPED"), condition(11, 1, "Fault"), hours=1.1, next_=12)
    assert quantities(running, 1.1)[1] == DAY, "it has not lasted long enough"
    running = told(running, hours=1.2, next_=12)
    assert quantities(running, 1.2, repair_s=86_400) == [0, DAY - int(1.2 * 3_600), *[DAY] * 3]
    running = told(running, condition(12, 2, "Normal"), hours=2, next_=13)
    assert quantities(running, 2) == [DAY - 2 * 3_600, *[DAY] * 4]


def test_a_machine_that_runs_in_spite_of_a_fault_is_not_down() -> None:
    running = told(current(execution(3, 0, "ACTIVE"), condition(4, 0, "Fault")), hours=2, next_=10)
    assert quantities(running, 2)[1] == DAY
    running = told(running, execution(10, 2, "STOPPED"), hours=2.1, next_=11)
    assert quantities(running, 2.1)[1] == DAY, "it has stood still for 6 minutes only"


def test_a_window_that_is_over_stays_as_it_was_told() -> None:
    before = windows(idle(0), 0)
    now = windows(idle(30), 30, before)
    assert now[0] == before[0]
    assert [window.id for window in now] == [window.id for window in before]


def test_a_small_change_is_not_told_and_many_small_ones_are() -> None:
    told_last = windows(idle(0), 0)
    assert not differs(machine(), HOURS, told_last, windows(idle(0.3), 0.3))
    assert differs(machine(), HOURS, told_last, windows(idle(0.4), 0.4))
    assert differs(machine(change_at_least=0), HOURS, told_last, windows(idle(0.01), 0.01))
    assert not differs(machine(change_at_least=0), HOURS, told_last, told_last)


def test_windows_that_are_new_or_lie_otherwise_are_told() -> None:
    told_last = windows(idle(0), 0)
    assert differs(machine(), HOURS, [], told_last)
    assert differs(machine(), HOURS, told_last[:-1], told_last)


def test_nothing_is_offered_when_the_calendar_has_ended() -> None:
    assert windows(idle(120), 200, windows(idle(0), 0)) == []


@given(
    st.lists(st.tuples(st.floats(0, 120), st.sampled_from(["ACTIVE", "READY"])), max_size=10),
    st.floats(0, 119),
    st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_whatever_was_seen_no_window_holds_more_than_its_calendar_says(
    happened: list[tuple[float, str]], now: float, flags: list[bool]
) -> None:
    docked, faulty, weekly = flags
    said: dict[str, Any] = {"docked_programs": ["O1"] if docked else []}
    if weekly:
        said["calendar"] = {**MACHINE["calendar"], "windows_per": "week"}
    elements = [execution(10 + n, hour, state) for n, (hour, state) in enumerate(sorted(happened))]
    running = current(
        execution(3, 0, "READY"), program(4, 0, "O1"), condition(5, 0, "Fault" if faulty else "Normal")
    )
    running = told(running, *elements, hours=now, next_=30)
    hours = hours_of(machine(**said))
    most = {each.window.id: each.window.quantity for each in hours}
    for window in offered(machine(**said), hours, running, [], at(now)):
        assert 0 <= window.quantity <= most[window.id]
