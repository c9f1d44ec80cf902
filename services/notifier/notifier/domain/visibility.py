"""What a viewer sees of an event: a pure function of (viewer, event), written as tables.

Whatever leaves the notifier (streams, webhooks, the read interface, the page) went through `visible`.
Everything is shown by being named here; what is not named is not shown. The administrator sees all
fields. A stranger to an event sees nothing of it.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

import msgspec

from notifier.domain.audiences import ADMINISTRATOR, WALL
from notifier.domain.pseudonym import Naming
from tenon.contracts.alerts import Overdrawn, Unmet
from tenon.contracts.dockings import Docking, Side
from tenon.contracts.positions import DemandPosition, OfferPosition
from tenon.contracts.rejections import AnswerRefused, EventRejected, EventSuperseded
from tenon.contracts.values import Position, Shape

Fields = dict[str, Any]

COARSE_DEGREES: Final = 1
COARSE_DISTANCE_M: Final = 10_000
_EXACT: Final = frozenset({"confirmed", "shipped", "delivered", "failed"})


class Show(Enum):
    """How a field is shown."""

    FULL = "as it is"
    COARSE = "rounded: positions to 1 degree, distances to 10 km"
    PSEUDONYM = "as a name that only this viewer uses for that party"
    OWN = "only to the side whose secret it is"
    NO = "not at all"


FULL, COARSE, PSEUDONYM, OWN, NO = Show.FULL, Show.COARSE, Show.PSEUDONYM, Show.OWN, Show.NO

# Fields of a docking:      to its two parties           to the wall
#                           before      after
#                           confirmation
DOCKING: Final[Mapping[str, tuple[Show, Show, Show]]] = {
    "docking":             (FULL,       FULL,            FULL),
    "revision":            (FULL,       FULL,            FULL),
    "status":              (FULL,       FULL,            FULL),
    "class":               (FULL,       FULL,            FULL),
    "unit":                (FULL,       FULL,            FULL),
    "quantity":            (FULL,       FULL,            FULL),
    "at":                  (FULL,       FULL,            FULL),
    "distance_m":          (COARSE,     FULL,            COARSE),
    "shipped":             (FULL,       FULL,            FULL),
    "delivered":           (FULL,       FULL,            FULL),
    "failed":              (FULL,       FULL,            NO),
    "market":              (FULL,       FULL,            NO),
    "price":               (FULL,       FULL,            NO),
    "proposed_at":         (FULL,       FULL,            NO),
    "respond_by":          (FULL,       FULL,            NO),
    "cause_code":          (FULL,       FULL,            NO),
    "cause_note":          (NO,         FULL,            NO),
    "tier":                (OWN,        OWN,             NO),
    "offered_since":       (OWN,        OWN,             NO),
    "required_since":      (OWN,        OWN,             NO),
}  # fmt: skip
OWNER: Final = {"tier": "demand", "required_since": "demand", "offered_since": "supply"}

# Fields of a side:         to itself   to the other side            to the wall
#                                       before      after
#                                       confirmation
SIDE: Final[Mapping[str, tuple[Show, Show, Show, Show]]] = {
    "party":               (FULL,       PSEUDONYM,  FULL,            NO),
    "name":                (FULL,       NO,         FULL,            NO),
    "region":              (FULL,       FULL,       FULL,            NO),
    "position":            (FULL,       COARSE,     FULL,            COARSE),
    "site":                (FULL,       NO,         FULL,            NO),
    "accepted":            (FULL,       FULL,       FULL,            NO),
    "id":                  (FULL,       NO,         NO,              NO),
    "window":              (FULL,       NO,         NO,              NO),
    "external_references": (FULL,       NO,         FULL,            NO),
}  # fmt: skip

# Of an unmet demand the wall sees what is missing, never whose it is.
UNMET_ON_WALL: Final = ("class", "unit", "quantity", "at")
# Of a rejected record its sender sees the reason, not the copy that is kept for operators.
REJECTED_TO_SENDER: Final = ("service", "code", "detail", "at")


def visible(event: Shape, viewer: str, naming: Naming) -> Fields | None:
    """Return the fields of an event that an audience may see; None: nothing, not even that it happened."""
    if isinstance(event, Docking):
        return _docking(event, viewer, naming)
    if isinstance(event, OfferPosition | DemandPosition | Overdrawn | EventSuperseded | AnswerRefused):
        return fields(event) if viewer in (event.party, ADMINISTRATOR) else None
    if isinstance(event, Unmet):
        return _unmet(event, viewer)
    if isinstance(event, EventRejected):
        return _rejected(event, viewer)
    return None


def parties_of(event: Shape) -> tuple[str, ...]:
    """Return the parties that an event concerns, each once, in order."""
    if isinstance(event, Docking):
        return tuple(sorted({event.supply.party, event.demand.party}))
    if isinstance(event, EventRejected):
        return (event.origin.party,) if event.origin.party else ()
    party = getattr(event, "party", None)
    return (party,) if isinstance(party, str) else ()


def disclosed(docking: Docking) -> bool:
    """True once both sides have said yes: from then on they know each other, however it ends."""
    return docking.status in _EXACT or (docking.supply.accepted and docking.demand.accepted)


def coarse_position(position: Position) -> Fields:
    """Return a position rounded to whole degrees."""
    return {"latitude": round(position.latitude), "longitude": round(position.longitude)}


def coarse_distance(distance_m: int) -> int:
    """Return a distance in metres rounded to 10 km, the half up."""
    return (distance_m + COARSE_DISTANCE_M // 2) // COARSE_DISTANCE_M * COARSE_DISTANCE_M


def fields(shape: Shape) -> Fields:
    """Return all fields of a message under their names on the wire, those at their default left out."""
    return {
        wire: value
        for name, wire, default in _layout(type(shape))
        if (value := getattr(shape, name)) != default
    }


def _docking(docking: Docking, viewer: str, naming: Naming) -> Fields | None:
    known = disclosed(docking)
    if viewer == ADMINISTRATOR:
        supply = _side(docking.supply, 0, viewer, naming)
        return {**fields(docking), "supply": supply, "demand": _side(docking.demand, 0, viewer, naming)}
    if viewer == WALL:
        shown = _top(docking, _TOP[2], frozenset())
        columns = (3, 3)
    elif viewer in parties_of(docking):
        own = frozenset(side for side in ("supply", "demand") if getattr(docking, side).party == viewer)
        shown = _top(docking, _TOP[1 if known else 0], own)
        other = 2 if known else 1
        columns = (0 if "supply" in own else other, 0 if "demand" in own else other)
    else:
        return None
    shown["supply"] = _side(docking.supply, columns[0], viewer, naming)
    shown["demand"] = _side(docking.demand, columns[1], viewer, naming)
    return shown


def _top(docking: Docking, rules: list[tuple[str, Show]], own: frozenset[str]) -> Fields:
    shown: Fields = {}
    for name, show in rules:
        if show is OWN and OWNER[name] not in own:
            continue
        value = _TOP_VALUES[name](docking)
        if value is not None:
            shown[name] = coarse_distance(value) if show is COARSE else value
    return _with_cause(shown)


def _with_cause(shown: Fields) -> Fields:
    code, note = shown.pop("cause_code", None), shown.pop("cause_note", None)
    if code:
        shown["cause"] = {"code": code, "note": note} if note else {"code": code}
    return shown


def _side(side: Side, column: int, viewer: str, naming: Naming) -> Fields:
    shown: Fields = {}
    for name, show in _SIDES[column]:
        value = _SIDE_VALUES[name](side, naming)
        if show is PSEUDONYM:
            shown[name] = naming.pseudonym(viewer, value)
        elif show is COARSE:
            shown[name] = coarse_position(value)
        elif value not in (None, []):
            shown[name] = value
    return shown


def _unmet(event: Unmet, viewer: str) -> Fields | None:
    if viewer in (event.party, ADMINISTRATOR):
        return fields(event)
    everything = fields(event)
    return {name: everything[name] for name in UNMET_ON_WALL} if viewer == WALL else None


def _rejected(event: EventRejected, viewer: str) -> Fields | None:
    if viewer == ADMINISTRATOR:
        return fields(event)
    if viewer != event.origin.party:
        return None
    shown = {name: getattr(event, name) for name in REJECTED_TO_SENDER}
    origin = {"event_id": event.origin.event_id, "event_type": event.origin.event_type}
    return {**shown, "origin": {name: value for name, value in origin.items() if value is not None}}


def _column(table: Mapping[str, tuple[Show, ...]], column: int) -> list[tuple[str, Show]]:
    return [(name, shows[column]) for name, shows in table.items() if shows[column] is not NO]


_TOP: Final = [_column(DOCKING, column) for column in range(3)]
_SIDES: Final = [_column(SIDE, column) for column in range(4)]


def _getter(name: str) -> Callable[[Docking], Any]:
    return lambda docking: getattr(docking, name)


def _side_getter(name: str) -> Callable[[Side, Naming], Any]:
    return lambda side, _: getattr(side, name)


_TOP_VALUES: Final[dict[str, Callable[[Docking], Any]]] = {
    **{name: _getter(name) for name in DOCKING},
    "class": _getter("class_"),
    "cause_code": lambda docking: docking.cause.code,
    "cause_note": lambda docking: docking.cause.note or None,
}
_SIDE_VALUES: Final[dict[str, Callable[[Side, Naming], Any]]] = {
    **{name: _side_getter(name) for name in SIDE},
    "name": lambda side, naming: naming.names.get(side.party),
}
_layouts: dict[type, list[tuple[str, str, Any]]] = {}


def _layout(kind: type[Shape]) -> list[tuple[str, str, Any]]:
    """Return (attribute, name on the wire, default) of each field of a message type."""
    found = _layouts.get(kind)
    if found is None:
        described = msgspec.structs.fields(kind)
        found = _layouts[kind] = [(each.name, each.encode_name, each.default) for each in described]
    return found
