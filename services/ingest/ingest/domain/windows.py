"""The windows of an offer or a demand: into base units, in order of time, disjoint."""

from datetime import datetime

from ingest.domain.faults import Fault
from ingest.domain.measure import Measure
from tenon.contracts.values import Window

AT = "/data/windows"


def normal_windows(windows: list[Window], measure: Measure) -> list[Window]:
    """Return the windows as the log holds them, as sent in order; note their faults."""
    normal = [_normal(window, f"{AT}/{index}", measure) for index, window in enumerate(windows)]
    if len(windows) > 1:
        _note_repeated(normal, measure.faults)
        _note_overlaps(normal, measure.faults)
        _note_total(normal, measure)
    return normal


def first_opening(windows: list[Window]) -> datetime:
    """Return when the earliest window opens."""
    return min(window.from_ for window in windows)


def _normal(window: Window, at: str, measure: Measure) -> Window:
    quantity = measure.quantity(window.quantity, f"{at}/quantity")
    from_ = measure.time(window.from_, f"{at}/from")
    until = measure.time(window.until, f"{at}/until")
    if until <= from_:
        ends = f"the window ends ({until.isoformat()}) before or when it starts"
        measure.faults.append(Fault(f"{at}/until", ends, f"a time after {from_.isoformat()}"))
    return Window(id=window.id, from_=from_, until=until, quantity=quantity)


def _note_repeated(windows: list[Window], faults: list[Fault]) -> None:
    first: dict[str, int] = {}
    for index, window in enumerate(windows):
        other = first.setdefault(window.id, index)
        if other != index:
            reason = f"{window.id!r} is the id of window {other} too"
            faults.append(Fault(f"{AT}/{index}/id", reason, "an id of its own for each window"))


def _note_overlaps(windows: list[Window], faults: list[Fault]) -> None:
    in_time = sorted(range(len(windows)), key=lambda index: windows[index].from_)
    latest = in_time[0]
    for index in in_time[1:]:
        if windows[index].from_ < windows[latest].until:
            reason = f"the window overlaps window {latest} ({windows[latest].id!r})"
            expected = f"a time not before {windows[latest].until.isoformat()}: windows are disjoint"
            faults.append(Fault(f"{AT}/{index}/from", reason, expected))
        if windows[index].until > windows[latest].until:
            latest = index


def _note_total(windows: list[Window], measure: Measure) -> None:
    if measure.unit is not None and all(window.quantity.is_finite() for window in windows):
        total = sum(window.quantity for window in windows)
        measure.within_limit(int(total * measure.unit.dimension.scale), AT)
