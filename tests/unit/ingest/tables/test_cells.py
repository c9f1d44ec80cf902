"""Numbers and times as people write them: what is sure is read, what may be two things is refused."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.formats.tables import times
from ingest.formats.tables.amounts import Mark, mark_of, number, readings, whole
from ingest.formats.tables.cells import Habits, value_of
from ingest.formats.tables.faults import BadCell
from ingest.formats.tables.fields import Field, Reading
from ingest.formats.tables.wording import unit_code

BERLIN = times.zone_of("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "mark", "value"),
    [
        ("1234", None, "1234"),
        ("1234.5", None, "1234.5"),
        ("1234,5", None, "1234.5"),
        ("1,234.5", None, "1234.5"),
        ("1.234,5", None, "1234.5"),
        ("1,234,567", None, "1234567"),
        ("1 234,5", None, "1234.5"),
        ("1\u202f234.5", None, "1234.5"),
        ("1’234.50", None, "1234.50"),
        ("0.125", None, "0.125"),
        ("0,125", None, "0.125"),
        ("１２３．５", None, "123.5"),
        ("1E+3", None, "1000"),
        ("-3", None, "-3"),
        ("1,234", "point", "1234"),
        ("1,234", "comma", "1.234"),
        ("1.234", "comma", "1234"),
        (12.5, None, "12.5"),
        (0.1, None, "0.1"),
        (1000.0, None, "1000"),
        (3, "comma", "3"),
        (Decimal("2.50"), None, "2.50"),
    ],
)
def test_a_number_is_read_as_it_is_meant(text: Any, mark: Mark | None, value: str) -> None:
    assert number(text, mark) == Decimal(value)


@pytest.mark.parametrize(
    ("cell", "mark", "reason"),
    [
        ("1,234", None, "may be 1234 or 1.234"),
        ("1.234", None, "may be 1234 or 1.234"),
        ("12,5", "point", "has no decimal point"),
        ("12.5", "comma", "has no decimal comma"),
        ("12 kg", None, "is no number"),
        ("12%", None, "is no number"),
        ("1,23,456.7", None, "is no number"),
        ("1.2.3", None, "is no number"),
        ("", None, "is no number"),
        ("NaN", None, "is no number"),
        ("Infinity", None, "is no number"),
        ("0x10", None, "is no number"),
        ("٣", None, "is no number"),
        ("1e999", None, "is too large or too fine"),
        ("1" * 61, None, "is no number"),
        (float("inf"), None, "is no number"),
        (True, None, "is no number"),
        (date(2030, 1, 1), None, "is no number"),
    ],
)
def test_what_is_no_number_or_two_of_them_is_refused(cell: Any, mark: Mark | None, reason: str) -> None:
    with pytest.raises(BadCell, match=reason):
        number(cell, mark)


@pytest.mark.parametrize("cell", ["1.5", "1e30", 2**63, 0.5])
def test_a_whole_number_is_whole_and_countable(cell: Any) -> None:
    with pytest.raises(BadCell):
        whole(cell, None)


def test_a_file_shows_its_mark_by_what_can_be_read_in_one_way_only() -> None:
    assert mark_of(["1,234", "12,5"]) == "comma"
    assert mark_of(["1,234", "12.5"]) == "point"
    assert mark_of(["1,234", "5"]) is None
    assert mark_of(["12,5", "12.5"]) is None


@given(st.decimals(min_value=0, max_value=10**12, places=2, allow_nan=False))
def test_grouped_numbers_come_back_in_either_country(value: Decimal) -> None:
    english = f"{value:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert number(english, "point") == number(german, "comma") == value
    assert readings(english)["point"] == value


ISO = datetime(2030, 2, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("cell", "order", "expected"),
    [
        ("2030-02-01", None, "2030-02-01T00:00:00+00:00"),
        ("2030/2/1", None, "2030-02-01T00:00:00+00:00"),
        ("2030年2月1日", None, "2030-02-01T00:00:00+00:00"),
        ("20300201", None, "2030-02-01T00:00:00+00:00"),
        ("01.02.2030", None, "2030-02-01T00:00:00+00:00"),
        ("13/02/2030", None, "2030-02-13T00:00:00+00:00"),
        ("02/13/2030", None, "2030-02-13T00:00:00+00:00"),
        ("02/02/2030", None, "2030-02-02T00:00:00+00:00"),
        ("01/02/2030", "day-first", "2030-02-01T00:00:00+00:00"),
        ("01/02/2030", "month-first", "2030-01-02T00:00:00+00:00"),
        ("2030-02-01 08:30", None, "2030-02-01T08:30:00+00:00"),
        ("2030-02-01T08:30:15.5Z", None, "2030-02-01T08:30:15.500000+00:00"),
        ("2030-02-01 08:30 +0800", None, "2030-02-01T08:30:00+08:00"),
        (ISO, None, "2030-02-01T00:00:00+00:00"),
        (date(2030, 2, 1), None, "2030-02-01T00:00:00+00:00"),
    ],
)
def test_a_time_is_read_as_it_is_meant(cell: Any, order: times.Order | None, expected: str) -> None:
    assert times.moment(cell, order, UTC).isoformat() == expected


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("01/02/2030", "may be 2030-02-01 or 2030-01-02"),
        ("01-02-2030", "may be"),
        ("30.02.2030", "is no time"),
        ("2030-13-01", "is no time"),
        ("1/2/30", "is no time"),
        ("2030-02-01 25:00", "is no time"),
        ("2030-02-01T08:00+99:00", "is no time"),
        ("tomorrow", "is no time"),
        ("9999-12-31", "is no time"),
        (47484.0, "is no time"),
        (datetime(9999, 12, 31), "out of range"),  # noqa: DTZ001
    ],
)
def test_what_is_no_time_or_two_of_them_is_refused(cell: Any, reason: str) -> None:
    with pytest.raises(BadCell, match=reason):
        times.moment(cell, None, UTC)


def test_a_local_time_is_one_of_its_zone_and_one_that_is_twice_is_refused() -> None:
    assert times.moment("2030-07-01", None, BERLIN).utcoffset() == timedelta(hours=2)
    for changing in ("2030-03-31 02:30", "2030-10-27 02:30"):
        with pytest.raises(BadCell, match="clocks change"):
            times.moment(changing, None, BERLIN)


@pytest.mark.parametrize(
    ("read", "cell", "from_", "until"),
    [
        (times.day, "2030-01-31", "2030-01-31", "2030-02-01"),
        (times.week, "2030-W01", "2029-12-31", "2030-01-07"),
        (times.week, "2029-12-31", "2029-12-31", "2030-01-07"),
        (times.month, "2030-12", "2030-12-01", "2031-01-01"),
        (times.month, "2030年2月", "2030-02-01", "2030-03-01"),
        (times.month, ISO, "2030-02-01", "2030-03-01"),
    ],
)
def test_a_span_holds_whole_days_of_its_zone(read: Any, cell: Any, from_: str, until: str) -> None:
    zone = timezone(timedelta(hours=8))
    found = read(cell, None, zone)
    assert [f"{at:%Y-%m-%d %H:%M %z}" for at in found] == [f"{at} 00:00 +0800" for at in (from_, until)]


@pytest.mark.parametrize(
    ("read", "cell"),
    [
        (times.day, "2030-01-31 08:00"),
        (times.week, "2030-W54"),
        (times.week, "2030-01-01"),
        (times.month, "2030-13"),
        (times.month, "2030-01-02"),
        (times.month, "203001"),
    ],
)
def test_what_is_no_such_span_is_refused(read: Any, cell: Any) -> None:
    with pytest.raises(BadCell):
        read(cell, None, UTC)


@pytest.mark.parametrize("text", ["", "Mars", "../UTC", "/etc/passwd", "+25:00", "Europe", "\0"])
def test_what_names_no_zone_is_refused(text: str) -> None:
    with pytest.raises(times.UnknownZone):
        times.zone_of(text)


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("kg", "KGM"),
        ("KGM", "KGM"),
        ("件", "C62"),
        ("Pcs", "C62"),
        ("t", "TNE"),
        ("bushel", None),
        ("", None),
    ],
)
def test_units_have_usual_names(word: str, code: str | None) -> None:
    assert unit_code(word) == code


@pytest.mark.parametrize(
    ("reading", "cell", "value"),
    [
        ("id", 630790.0, "630790"),
        ("id", 7, "7"),
        ("text", " a b ", "a b"),
        ("text", 1.5, "1.5"),
        ("flag", "是", True),
        ("flag", False, False),
        ("ids", "a; b ;", ["a", "b"]),
        ("ids", "a, b", ["a", "b"]),
        ("ids", ["a", "b"], ["a", "b"]),
        ("currency", "€", "EUR"),
        ("region", "cn-sd", "CN-SD"),
        ("days", "1,5", 129_600),
        ("kilometres", 12.5, 12_500),
    ],
)
def test_a_cell_is_read_as_its_field_says(reading: Reading, cell: Any, value: Any) -> None:
    assert value_of(Field("f", reading, ()), cell, Habits(None, None, UTC)) == value


@pytest.mark.parametrize(
    ("reading", "cell"),
    [
        ("code", 6307.9),
        ("id", True),
        ("id", datetime(2030, 1, 1)),  # noqa: DTZ001
        ("unit", "bushel"),
        ("flag", "perhaps"),
        ("ids", ";".join(map(str, range(1_001)))),
        ("metres", "0.5"),
    ],
)
def test_a_cell_that_lost_something_or_means_nothing_is_refused(reading: Reading, cell: Any) -> None:
    with pytest.raises(BadCell):
        value_of(Field("f", reading, ()), cell, Habits(None, None, UTC))


CELLS = st.one_of(
    st.text(max_size=30),
    st.text("0123456789.,-/:TZ年月日 +eEW", max_size=24),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.decimals(),
    st.datetimes(),
    st.dates(),
    st.lists(st.text(max_size=5), max_size=3),
)


@given(
    reading=st.sampled_from(get_args(Reading)),
    cell=CELLS,
    mark=st.sampled_from([None, "point", "comma"]),
    order=st.sampled_from([None, "day-first", "month-first"]),
)
@example(reading="days", cell="9" * 29, mark=None, order=None)
def test_whatever_a_cell_holds_it_is_read_or_refused(
    reading: Reading, cell: Any, mark: Any, order: Any
) -> None:
    try:
        value_of(Field("f", reading, ()), cell, Habits(mark, order, BERLIN))
    except BadCell:
        return
