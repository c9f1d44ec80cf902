"""What holds of the events that came, in whatever order: each counts once, none that was taken back counts.

Stock and progress are sums over what holds, so repeats, late events and declarations of errors that come
before, after or twice all lead to the same. Of two contents under one name the first holds; the other is
reported as a clash, also where only its declaration comes.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from ingest.domain.faults import Fault
from ingest.formats.epcis.reading import Event, Read

Outcome = Literal["new", "repeated", "taken_back", "clash", "invalid"]
Spot = tuple[str, str, str]
"""Item, place, unit."""
_ZERO = Decimal(0)


class Stock(Struct, frozen=True):
    """How much there is, and how much was made."""

    quantity: Decimal = _ZERO
    produced: Decimal = _ZERO


class Taken(Struct, frozen=True):
    """What becomes of one event of a document."""

    at: str
    outcome: Outcome
    faults: tuple[Fault, ...] = ()


def take(read: Read, held: dict[str, Event]) -> Taken:
    """Say what becomes of an event, and put it among those that are held."""
    event = read.event
    if event is None:
        return Taken(read.at, "invalid", read.faults)
    known = held.get(event.id)
    if known is not None and known.digest != event.digest:
        expected = "exactly the content that is held, or an eventID of its own"
        fault = Fault(f"{read.at}/eventID", f"{event.id} is held with other content", expected)
        return Taken(read.at, "clash", (fault,))
    if known is None:
        held[event.id] = event
        return Taken(read.at, "taken_back" if event.declared else "new")
    if known.declared or not event.declared:
        return Taken(read.at, "repeated")
    held[event.id] = replace(known, declared=True)
    return Taken(read.at, "taken_back")


def stock(held: Iterable[Event]) -> dict[Spot, Stock]:
    """Sum what events that hold come to."""
    sums: dict[Spot, Stock] = {}
    for event in held:
        for move in () if event.declared else event.moves:
            spot = move.item, move.place, move.unit
            before = sums.get(spot, Stock())
            sums[spot] = Stock(before.quantity + move.quantity, before.produced + move.produced)
    return sums


def changes(before: Iterable[Event], after: Iterable[Event]) -> Mapping[Spot, Stock]:
    """Return by how much stock changes where some events were held before and others are now."""
    old, new = stock(before), stock(after)
    changed = {}
    for spot in sorted({*old, *new}):
        was, now = old.get(spot, Stock()), new.get(spot, Stock())
        difference = Stock(now.quantity - was.quantity, now.produced - was.produced)
        if difference.quantity or difference.produced:
            changed[spot] = difference
    return changed
