"""The windows of an offer, a resource or a demand: into base units, in order of time, disjoint."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from ingest.domain.calendars import AT as AT_CALENDAR
from ingest.domain.calendars import expanded
from ingest.domain.faults import Fault
from ingest.domain.measure import Measure
from tenon.contracts.values import Calendar, Window

AT = "/data/windows"


def normal_windows(windows: list[Window], measure: Measure) -> list[Window]:
    """Return the windows as the log holds them, as sent in order; note their faults."""
    normal = [_normal(window, f"{AT}/{index}", measure) for index, window in enumerate(windows)]
    _note_faults_together(normal, measure)
    return normal


def windows_or_calendar(windows: list[Window], calendar: Calendar | None, measure: Measure) -> list[Window]:
    """Return the windows that were sent, or those of the calendar; note the faults of either."""
    for index, window in enumerate(windows):
        _note_foreign(window, f"{AT}/{index}", measure)
    if calendar is None:
        if not windows:
            measure.faults.append(Fault(AT, "an array of 0", "windows, or a calendar"))
        return normal_windows(windows, measure)
    if windows:
        measure.faults.append(Fault(AT_CALENDAR, "given beside windows", "windows, or a calendar"))
        return normal_windows(windows, measure)
    made = expanded(calendar, measure)
    if made:
        _note_total(made, measure)
    return made


def normal_demanded(windows: list[Window], measure: Measure) -> list[Window]:
    """Return the windows of a demand as the log holds them; note their faults."""
    normal = [
        replace(
            window,
            due=measure.maybe_time(window.due, f"{AT}/{index}/due"),
            least_part=measure.quantity(window.least_part, f"{AT}/{index}/least_part"),
        )
        for index, window in enumerate(normal_windows(windows, measure))
    ]
    for index, window in enumerate(normal):
        _note_terms(window, f"{AT}/{index}", measure)
    return normal


def _note_terms(window: Window, at: str, measure: Measure) -> None:
    """Note what contradicts itself: due outside of the window, parts larger than the whole."""
    if window.due is not None and not window.from_ <= window.due < window.until:
        reason = f"due {'before the window opens' if window.due < window.from_ else 'when it is over'}"
        expected = f"a time from {window.from_.isoformat()} to before {window.until.isoformat()}"
        measure.faults.append(Fault(f"{at}/due", reason, expected))
    if window.quantity.is_finite() and window.least_part.is_finite() and window.least_part > window.quantity:
        expected = f"at most {window.quantity:f}, which takes no parts"
        measure.faults.append(Fault(f"{at}/least_part", "more than the window asks for", expected))


def _note_foreign(window: Window, at: str, measure: Measure) -> None:
    """Note what only a demand can say of a window."""
    reason, expected = "has a meaning for a demand only", "none"
    if window.due is not None:
        measure.faults.append(Fault(f"{at}/due", reason, expected))
    if window.least_part:
        measure.faults.append(Fault(f"{at}/least_part", reason, expected))


def _note_faults_together(windows: Sequence[Window], measure: Measure) -> None:
    if len(windows) > 1:
        _note_repeated(windows, measure.faults)
        _note_overlaps(windows, measure.faults)
        _note_total(windows, measure)


def first_opening(windows: Sequence[Window]) -> datetime:
    """Return when the earliest window opens."""
    return min(window.from_ for window in windows)


def _normal(window: Window, at: str, measure: Measure) -> Window:
    quantity = measure.quantity(window.quantity, f"{at}/quantity")
    from_ = measure.time(window.from_, f"{at}/from")
    until = measure.time(window.until, f"{at}/until")
    if until <= from_:
        ends = f"the window ends ({until.isoformat()}) before or when it starts"
        measure.faults.append(Fault(f"{at}/until", ends, f"a time after {from_.isoformat()}"))
    return replace(window, from_=from_, until=until, quantity=quantity)


def _note_repeated(windows: Sequence[Window], faults: list[Fault]) -> None:
    first: dict[str, int] = {}
    for index, window in enumerate(windows):
        other = first.setdefault(window.id, index)
        if other != index:
            reason = f"{window.id!r} is the id of window {other} too"
            faults.append(Fault(f"{AT}/{index}/id", reason, "an id of its own for each window"))


def _note_overlaps(windows: Sequence[Window], faults: list[Fault]) -> None:
    in_time = sorted(range(len(windows)), key=lambda index: windows[index].from_)
    latest = in_time[0]
    for index in in_time[1:]:
        if windows[index].from_ < windows[latest].until:
            reason = f"the window overlaps window {latest} ({windows[latest].id!r})"
            expected = f"a time not before {windows[latest].until.isoformat()}: windows are disjoint"
            faults.append(Fault(f"{AT}/{index}/from", reason, expected))
        if windows[index].until > windows[latest].until:
            latest = index


def _note_total(windows: Sequence[Window], measure: Measure) -> None:
    if measure.unit is not None and all(window.quantity.is_finite() for window in windows):
        total = sum(window.quantity for window in windows)
        measure.within_limit(int(total * measure.unit.dimension.scale), AT)
