"""How a machine has run: the state that observations are folded into.

Time is counted inside of working hours only, in milliseconds per execution state and per program, for each
window of the calendar. It goes forward only: an observation that comes late counts from when it came.
Counting begins with the first document, because values of an agent's buffer may be weeks old.
"""

import re
from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from ingest.formats.mtconnect.counting import counted
from ingest.formats.mtconnect.observations import UNAVAILABLE, Document, Observation
from tenon.contracts.values import Window

T = TypeVar("T")
ACTIVE = "ACTIVE"
OTHER = "OTHER"
_RANK = (
    ACTIVE,
    "WAIT",
    "INTERRUPTED",
    "FEED_HOLD",
    "OPTIONAL_STOP",
    "PROGRAM_OPTIONAL_STOP",
    "PROGRAM_STOPPED",
    "STOPPED",
    "READY",
    "PROGRAM_COMPLETED",
    OTHER,
    UNAVAILABLE,
)
"""Of several paths the state that comes first is the machine's: it is busy while one of them is."""
_MOST_ITEMS = 100
_MOST_PROGRAMS = 50
_MOST_ENDED = 50
_MOST_WINDOWS = 30
_REST = "…"
_COUNT = re.compile(r"[0-9]{1,10}")
_PARTS = {"": "all", "ALL": "all", "GOOD": "good", "BAD": "bad"}


class Tally(msgspec.Struct):
    """What was counted in the working hours of one window."""

    until: datetime
    states: dict[str, int] = {}
    programs: dict[str, int] = {}
    parts: dict[str, int] = {}


class Fault(msgspec.Struct, frozen=True):
    """A condition that needs somebody's hand, from when, and until when where it is over."""

    item: str
    code: str
    text: str
    from_: datetime = msgspec.field(name="from")
    until: datetime | None = None


class Running(msgspec.Struct):
    """All that is known of a machine: where in its agent's buffer we are, what is so, what was counted."""

    instance: int
    next: int
    at: datetime
    idle_since: datetime
    executions: dict[str, str] = {}
    program: str = ""
    counters: dict[str, int] = {}
    faults: dict[str, Fault] = {}
    ended: list[Fault] = []
    tallies: dict[str, Tally] = {}
    lost: int = 0

    @property
    def execution(self) -> str:
        """The state of the machine as a whole."""
        return min(self.executions.values(), key=_RANK.index, default=UNAVAILABLE)


Span = tuple[datetime, datetime]


class Hours(msgspec.Struct, frozen=True):
    """A window of the calendar with all that it could hold, and the working hours in it."""

    window: Window
    worked: tuple[Span, ...]

    @property
    def ends(self) -> datetime:
        """When nobody works for this window any more: a night shift ends on the next day."""
        return max(self.window.until, *(until for _, until in self.worked))


def fold(
    before: Running | None, document: Document, hours: Sequence[Hours], now: datetime, *, whole: bool
) -> Running:
    """Return the state after a document; `whole`: it says everything (`/current`), else what has happened.

    A whole document begins anew where an agent started anew, or its buffer has gone on without us: the time
    since the last document is then counted as UNAVAILABLE, because nobody knows what happened in it.
    """
    header = document.header
    ends = min(header.at, now)
    if before is None:
        running = Running(header.instance, header.next, ends, ends)
    else:
        running = deepcopy(before)
        if whole:
            _begin_anew(running, document, ends, hours)
    for each in document.observations:
        if whole or each.sequence >= running.next:
            at = max(running.at, min(each.at, ends))
            _advance(running, at, hours)
            _observe(running, each, min(each.at, ends))
    _advance(running, ends, hours)
    running.instance = header.instance
    running.next = header.next if whole else max(running.next, header.next)
    return running


def _begin_anew(running: Running, document: Document, ends: datetime, hours: Sequence[Hours]) -> None:
    """Count the time that nobody knows of, and end faults that are not there any more."""
    if running.execution == ACTIVE:
        running.idle_since = running.at
    running.lost += 1
    running.executions = {}
    _advance(running, ends, hours)
    conditions = [each for each in document.observations if each.kind == "condition"]
    there = {f"{each.item}/{each.code}" for each in conditions if each.value == "FAULT"}
    silent = {each.item for each in conditions if each.value == UNAVAILABLE}
    _end(
        running,
        [key for key, fault in running.faults.items() if key not in there and fault.item not in silent],
        ends,
    )


def is_lost(before: Running, document: Document) -> bool:
    """Return whether a sample does not follow what is known: another instance, or a gap before it."""
    header = document.header
    return header.instance != before.instance or header.first > before.next or header.last + 1 < before.next


def _observe(running: Running, each: Observation, at: datetime) -> None:
    match each.kind:
        case "execution":
            was = running.execution
            state = each.value if each.value in _RANK else OTHER
            _put(running.executions, each.item, state)
            if was == ACTIVE != running.execution:
                running.idle_since = running.at
        case "program":
            running.program = "" if each.value.upper() == UNAVAILABLE else each.value
        case "part_count":
            _count(running, each)
        case "condition":
            _condition(running, each, at)


def _count(running: Running, each: Observation) -> None:
    name = _PARTS.get(each.subtype)
    if name is None or not _COUNT.fullmatch(each.value):
        return
    value, key = int(each.value), f"{name}/{each.item}"
    made = counted(running.counters.get(key), value)
    _put(running.counters, key, value)
    current = next((t for t in reversed(running.tallies.values()) if t.until > running.at), None)
    if made and current is not None:
        current.parts[name] = current.parts.get(name, 0) + made


def _condition(running: Running, each: Observation, at: datetime) -> None:
    """Take the level of a condition. Normal without a code ends all of its item; unavailable says nothing."""
    key = f"{each.item}/{each.code}"
    if each.value == "FAULT":
        if key not in running.faults:
            _put(running.faults, key, Fault(each.item, each.code, each.text, at))
        return
    if each.value == UNAVAILABLE:
        return
    over = [k for k, f in running.faults.items() if k == key or (not each.code and f.item == each.item)]
    _end(running, over, at)


def _end(running: Running, keys: Sequence[str], at: datetime) -> None:
    for key in keys:
        fault = running.faults.pop(key)
        ended = msgspec.structs.replace(fault, until=max(at, fault.from_))
        running.ended = [*running.ended, ended][-_MOST_ENDED:]


def _advance(running: Running, until: datetime, hours: Sequence[Hours]) -> None:
    """Count the time up to `until` for the state that is so."""
    if until <= running.at:
        return
    for each in hours:
        if each.ends <= running.at or each.window.from_ >= until:
            continue
        tally = running.tallies.get(each.window.id)
        if tally is None or tally.until != each.ends:
            tally = running.tallies[each.window.id] = Tally(each.ends)
        took = sum(shared_ms(worked, (running.at, until)) for worked in each.worked)
        if took:
            _add(tally, running, took)
    running.at = until
    for name in list(running.tallies)[:-_MOST_WINDOWS]:
        del running.tallies[name]


def _add(tally: Tally, running: Running, took: int) -> None:
    state = running.execution
    tally.states[state] = tally.states.get(state, 0) + took
    if state == ACTIVE and running.program:
        known = running.program in tally.programs or len(tally.programs) < _MOST_PROGRAMS
        name = running.program if known else _REST
        tally.programs[name] = tally.programs.get(name, 0) + took


def shared_ms(one: Span, other: Span) -> int:
    """Return how many milliseconds two spans have in common."""
    return max(0, (min(one[1], other[1]) - max(one[0], other[0])) // timedelta(milliseconds=1))


def _put(known: dict[str, T], key: str, value: T) -> None:
    """Note what is so of a data item; there are only so many."""
    if key in known or len(known) < _MOST_ITEMS:
        known[key] = value
