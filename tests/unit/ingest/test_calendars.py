"""A calendar becomes windows: hours as they really last, whole counts, in order and disjoint."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.admit import admit
from ingest.domain.calendars import expanded
from ingest.domain.faults import Fault
from ingest.domain.measure import Measure
from tenon.contracts import intake
from tenon.contracts.values import Calendar, Shift, Window
from tests.unit.ingest.samples import ADMINISTRATOR, CALENDAR, changed, event

pytestmark = pytest.mark.unit

OFFER, RESOURCE = "tenon.offer.published.v1", "tenon.resource.published.v1"
EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def windows_of(event_type: str = OFFER, **said: Any) -> list[Window]:
    """Return what ingest makes of a calendar of an offer in pieces, or a resource in hours."""
    data = changed(event_type, {"windows": [], "calendar": {**CALENDAR, **said}})
    statement = admit(event(event_type, data), ADMINISTRATOR, "wall").data
    assert isinstance(statement, intake.OfferPublished | intake.ResourcePublished)
    assert statement.calendar is None, "the log holds windows"
    return statement.windows


def night(zone: str, on: date) -> Window:
    shifts = [{"days": EVERY_DAY, "from": "22:00", "until": "06:00"}]
    until = on + timedelta(days=1)
    (window,) = windows_of(
        zone=zone, shifts=shifts, windows_per="shift", **{"from": str(on), "until": str(until)}
    )
    return window


def test_a_day_holds_what_is_made_in_its_hours() -> None:
    windows = windows_of()
    assert [window.id for window in windows][:6] == [f"2030-01-{day:02d}" for day in (7, 8, 9, 10, 11, 14)]
    assert {window.quantity for window in windows} == {Decimal(16)}
    assert windows[0].from_ == datetime(2030, 1, 6, 23, tzinfo=UTC), "midnight in Berlin"
    assert windows[0].until - windows[0].from_ == timedelta(days=1)


def test_a_week_holds_the_sum_of_its_days_and_is_cut_at_the_ends() -> None:
    windows = windows_of(windows_per="week", **{"from": "2030-01-09"})
    assert [(window.id, int(window.quantity)) for window in windows] == [
        ("2030-01-09", 48),
        ("2030-01-14", 80),
    ]


def test_a_window_for_each_shift_is_open_while_somebody_works() -> None:
    window = windows_of(windows_per="shift")[0]
    assert (window.id, window.from_.hour, window.until.hour) == ("2030-01-07T0500Z", 5, 13)


def test_a_resource_in_hours_is_kept_in_seconds() -> None:
    assert {window.quantity for window in windows_of(RESOURCE)} == {Decimal(16 * 3600)}


def test_on_a_holiday_nobody_works_and_on_another_day_at_other_hours() -> None:
    saturday = {"date": "2030-01-12", "hours": [{"from": "08:00", "until": "12:00"}]}
    windows = {
        window.id: int(window.quantity)
        for window in windows_of(exceptions=[{"date": "2030-01-07"}, saturday])
    }
    assert "2030-01-07" not in windows
    assert windows["2030-01-12"] == 8


@pytest.mark.parametrize(
    ("on", "hours"), [(date(2030, 3, 30), 7), (date(2030, 10, 26), 9), (date(2030, 6, 1), 8)]
)
def test_hours_last_as_long_as_they_really_do_when_clocks_are_changed(on: date, hours: int) -> None:
    assert night("Europe/Berlin", on).quantity == 2 * hours
    assert night("Asia/Shanghai", on).quantity == 16


def test_hours_that_end_when_they_begin_last_the_day_and_night() -> None:
    shifts = [{"days": EVERY_DAY, "from": "00:00", "until": "00:00"}]
    assert {int(window.quantity) for window in windows_of(shifts=shifts)} == {48}


def test_a_part_of_a_piece_is_not_offered() -> None:
    assert {window.quantity for window in windows_of(per_hour="0.3")} == {Decimal(2)}


hours = st.tuples(st.integers(0, 11), st.integers(12, 23))


@given(
    st.dates(date(2029, 1, 1), date(2031, 1, 1)),
    st.integers(1, 400),
    st.dictionaries(st.sampled_from(EVERY_DAY), hours, min_size=1),
    st.sampled_from(("day", "week", "shift")),
    st.sampled_from(("Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe")),
)
def test_windows_of_any_calendar_are_disjoint_in_order_and_hold_all_its_hours(
    first: date, days: int, shifts: dict[Any, tuple[int, int]], per: Any, zone: str
) -> None:
    calendar = Calendar(
        zone=zone,
        from_=first,
        until=first + timedelta(days=days),
        per_hour=Decimal(4),
        shifts=[
            Shift(days=[day], from_=f"{begin:02d}:00", until=f"{end:02d}:00")
            for day, (begin, end) in shifts.items()
        ],
        windows_per=per,
    )
    faults: list[Fault] = []
    windows = expanded(calendar, Measure("C62", "", faults))
    assert faults == [] or "nobody works" in faults[0].reason
    assert all(before.until <= after.from_ for before, after in pairwise(windows))
    assert len({window.id for window in windows}) == len(windows) <= 500
    worked = 0
    for number in range(days):
        begin, end = shifts.get(EVERY_DAY[(first + timedelta(days=number)).weekday()], (0, 0))
        worked += end - begin
    moved = 2 * sum(1 for _ in windows) if zone != "Asia/Shanghai" else 0
    assert abs(int(sum(window.quantity for window in windows)) - 4 * worked) <= 4 * moved
