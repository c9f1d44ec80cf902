"""A calendar as windows: weekly shifts, in a time zone, with exceptions, at a rate per working hour.

Hours belong to the date on which they begin, also those that end on the next one. They are as long as they
really last: on the night in which clocks go back a shift may last nine hours instead of eight. What a window
holds is rounded down to a whole count: a part of a piece can't be offered.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from fractions import Fraction
from itertools import pairwise

from ingest.domain.faults import Fault, nearest
from ingest.domain.measure import Measure
from ingest.domain.zones import zone, zones
from tenon.contracts.units import from_counts
from tenon.contracts.values import Calendar, Hours, Window

AT = "/data/calendar"
MOST_WINDOWS = 500
MOST_DAYS = 7 * MOST_WINDOWS
_DAY = timedelta(days=1)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def expanded(calendar: Calendar, measure: Measure) -> list[Window]:
    """Return the windows of a calendar, in base units; note its faults, of which none has windows."""
    faults = list(_faults(calendar))
    measure.faults.extend(faults)
    if not measure.possible(calendar.per_hour, f"{AT}/per_hour") or faults or measure.unit is None:
        return []
    worked = list(worked_hours(calendar))
    _note_overlaps(worked, measure)
    windows = [window for window in _windows(calendar, worked, measure) if window.quantity]
    if not worked:
        _note(measure, f"{AT}/shifts", "nobody works between its dates", "hours on some date")
    elif not windows:
        _note(
            measure,
            f"{AT}/per_hour",
            "no window would hold a whole count",
            "a higher rate, or longer windows",
        )
    elif len(windows) > MOST_WINDOWS:
        expected = f"at most {MOST_WINDOWS}: fewer dates, or windows_per 'week'"
        _note(measure, AT, f"it would make {len(windows)} windows", expected)
        return []
    return windows


@dataclass(frozen=True, slots=True)
class Worked:
    """Hours of a date, as instants."""

    on: date
    from_: datetime
    until: datetime


def _faults(calendar: Calendar) -> Iterator[Fault]:
    if calendar.zone not in zones():
        hint = nearest(calendar.zone, zones(), "a name of the IANA database, such as Asia/Shanghai")
        yield Fault(f"{AT}/zone", f"{calendar.zone!r} is not a known time zone", hint)
    days = (calendar.until - calendar.from_).days
    if not 2000 <= calendar.from_.year < 2200 or not 2000 <= calendar.until.year < 2200:
        yield Fault(f"{AT}/from", "its dates are out of range", "dates from 2000 to 2199")
    elif days <= 0:
        yield Fault(f"{AT}/until", "the calendar ends before or when it begins", f"after {calendar.from_}")
    elif days > MOST_DAYS:
        yield Fault(f"{AT}/until", f"it lasts {days} days", f"at most {MOST_DAYS} days")
    if not calendar.per_hour:
        yield Fault(f"{AT}/per_hour", "nothing is made in an hour", "a rate above 0")
    seen: set[date] = set()
    for index, exception in enumerate(calendar.exceptions):
        if exception.date in seen:
            at = f"{AT}/exceptions/{index}/date"
            yield Fault(
                at, f"{exception.date} stands there twice", "one entry for each date, with all its hours"
            )
        seen.add(exception.date)
    for index, shift in enumerate(calendar.shifts):
        if len(set(shift.days)) < len(shift.days):
            yield Fault(f"{AT}/shifts/{index}/days", "a day stands there twice", "each day once")


def worked_hours(calendar: Calendar) -> Iterator[Worked]:
    """Yield the hours of all dates, in order."""
    exceptions = {exception.date: exception.hours for exception in calendar.exceptions}
    for number in range((calendar.until - calendar.from_).days):
        on = calendar.from_ + number * _DAY
        weekday = _WEEKDAYS[on.weekday()]
        usual = [shift for shift in calendar.shifts if weekday in shift.days]
        hours = exceptions.get(on, usual)
        instants = (_instants(on, each, zone(calendar.zone)) for each in hours)
        yield from sorted(instants, key=lambda worked: (worked.from_, worked.until))


def _instants(on: date, hours: Hours, where: tzinfo) -> Worked:
    begins, ends = time.fromisoformat(hours.from_), time.fromisoformat(hours.until)
    last = on if ends > begins else on + _DAY
    return Worked(on, _instant(on, begins, where), _instant(last, ends, where))


def _instant(on: date, at: time, where: tzinfo) -> datetime:
    return datetime.combine(on, at, where).astimezone(UTC)


def _note_overlaps(worked: list[Worked], measure: Measure) -> None:
    in_time = sorted(worked, key=lambda each: each.from_)
    for before, after in pairwise(in_time):
        if after.from_ < before.until:
            reason = f"hours of {before.on} and {after.on} overlap"
            _note(
                measure,
                f"{AT}/shifts",
                reason,
                "hours that end before the next begin: a rate counts each once",
            )
            return


def _windows(calendar: Calendar, worked: list[Worked], measure: Measure) -> Iterator[Window]:
    """Yield a window for each shift, date or week in which somebody works."""
    if calendar.windows_per == "shift":
        for each in worked:
            name = f"{each.on}T{each.from_:%H%M}Z"
            yield _window(name, each.from_, each.until, [each], calendar, measure)
        return
    days = 7 if calendar.windows_per == "week" else 1
    of: dict[date, list[Worked]] = {}
    for each in worked:
        first = each.on - _DAY * each.on.weekday() if days > 1 else each.on
        of.setdefault(first, []).append(each)
    for first, hours in of.items():
        begins, ends = max(first, calendar.from_), min(first + days * _DAY, calendar.until)
        from_, until = (_instant(on, time(), zone(calendar.zone)) for on in (begins, ends))
        yield _window(str(begins), from_, until, hours, calendar, measure)


def _window(
    name: str, from_: datetime, until: datetime, hours: list[Worked], calendar: Calendar, measure: Measure
) -> Window:
    assert measure.unit is not None
    seconds = sum(int((each.until - each.from_).total_seconds()) for each in hours)
    unit = measure.unit
    counts = Fraction(calendar.per_hour) * unit.factor * unit.dimension.scale * seconds // 3600
    return Window(id=name, from_=from_, until=until, quantity=from_counts(int(counts), measure.base_unit))


def _note(measure: Measure, at: str, reason: str, expected: str) -> None:
    measure.faults.append(Fault(at, reason, expected))
