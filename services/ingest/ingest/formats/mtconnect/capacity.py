"""What a machine has left to offer: windows of its resource, and whether they differ enough to be told.

Of a window its party's own work is not offered, and time that is gone is not; what ran for dockings stays
part of it, because a resource is gross. How much of the time that is left own work will take is what it took
of the hours that were seen. A fault that stops the machine for longer than a set time takes the time that its
repair will need, from now on; when it is over, that time is there again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from msgspec.structs import replace

from ingest.domain.calendars import MOST_WINDOWS
from ingest.formats.mtconnect.machines import Machine
from ingest.formats.mtconnect.observations import UNAVAILABLE
from ingest.formats.mtconnect.running import ACTIVE, Hours, Running, Span, shared_ms
from tenon.contracts.units import UNITS, from_counts, to_counts
from tenon.contracts.values import Window

LEARNED_MS = 4 * 3_600_000
"""What was seen of a machine says nothing of its future before it is so many working hours."""


def own_share(running: Running, machine: Machine) -> Fraction:
    """Return which share of the working time that was seen went into work that nobody docked."""
    seen = own = 0
    for tally in running.tallies.values():
        seen += sum(took for state, took in tally.states.items() if state != UNAVAILABLE)
        own += tally.states.get(ACTIVE, 0) - docked_ms(machine, tally.programs)
    return Fraction(own, seen) if seen >= LEARNED_MS else Fraction(0)


def down_since(running: Running) -> datetime | None:
    """Return since when a fault stops the machine; None while none does, or it runs in spite of it."""
    if not running.faults or running.execution == ACTIVE:
        return None
    return max(running.idle_since, min(fault.from_ for fault in running.faults.values()))


def is_down(running: Running, machine: Machine, now: datetime) -> bool:
    """Return whether a fault has stopped the machine for longer than it may."""
    since = down_since(running)
    return since is not None and now - since >= timedelta(seconds=machine.fault_after_s)


def offered(
    machine: Machine, hours: Sequence[Hours], running: Running, told: Sequence[Window], now: datetime
) -> list[Window]:
    """Return the windows as they are now: those that are over as they were told, the others anew."""
    free_from = now + timedelta(seconds=machine.repair_s) if is_down(running, machine, now) else now
    share = own_share(running, machine)
    ahead = [
        _offered(each, machine, running, 1 - share, free_from) for each in hours if each.window.until > now
    ]
    if not ahead:
        return []
    names, opens = {window.id for window in ahead}, ahead[0].from_
    over = [window for window in told if window.until <= min(now, opens) and window.id not in names]
    return [*over[-(MOST_WINDOWS - len(ahead)) :], *ahead] if len(ahead) < MOST_WINDOWS else ahead


def differs(
    machine: Machine, hours: Sequence[Hours], told: Sequence[Window], windows: Sequence[Window]
) -> bool:
    """Return whether windows are to be told: one is new, or has changed by the threshold or more."""
    before = {window.id: window for window in told}
    whole = {each.window.id: each.window.quantity for each in hours}
    for window in windows:
        known = before.get(window.id)
        if known is None or (known.from_, known.until) != (window.from_, window.until):
            return True
        least = Fraction(whole.get(window.id, window.quantity)) * Fraction(str(machine.change_at_least))
        change = abs(Fraction(window.quantity) - Fraction(known.quantity))
        if change and change >= least:
            return True
    return False


def docked_ms(machine: Machine, programs: dict[str, int]) -> int:
    """Return how long programs ran that work for what is docked."""
    return sum(took for program, took in programs.items() if program in machine.docked_programs)


def _offered(each: Hours, machine: Machine, running: Running, free: Fraction, free_from: datetime) -> Window:
    window = each.window
    base = UNITS[machine.unit].dimension.base_unit
    scheduled = _within(each.worked, (window.from_, each.ends))
    left = _within(each.worked, (free_from, each.ends))
    tally = running.tallies.get(window.id)
    docked = 0 if tally is None else docked_ms(machine, tally.programs)
    usable = min(Fraction(scheduled), docked + left * free)
    counts = int(to_counts(window.quantity, base) * usable / scheduled)
    return replace(window, quantity=from_counts(counts, base))


def _within(worked: Sequence[Span], span: Span) -> int:
    return sum(shared_ms(each, span) for each in worked)
