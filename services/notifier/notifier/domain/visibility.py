"""What a viewer sees of an event: a pure function of (viewer, event), written as tables.

Whatever leaves the notifier (streams, webhooks, the read interface, the page) went through `visible`.
Everything is shown by being named here; what is not named is not shown. The administrator sees all
fields. A stranger to an event sees nothing of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec

from notifier.domain.audiences import ADMINISTRATOR, WALL
from notifier.domain.pseudonym import Naming
from tenon.contracts.alerts import Overdrawn, Overloaded, Unmet
from tenon.contracts.dockings import Docking, Side
from tenon.contracts.endpoints import EndpointDisabled
from tenon.contracts.families import FAMILIES
from tenon.contracts.positions import DemandPosition, OfferPosition, ResourcePosition
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
    look = _LOOKS.get(type(event))
    return None if look is None else look(event, viewer, naming)


def parties_of(event: Shape) -> tuple[str, ...]:
    """Return the parties that an event concerns, each once, in order."""
    kind = type(event)
    if kind is Docking:
        return tuple(sorted({event.supply.party, event.demand.party}))  # type: ignore[attr-defined]
    if kind is EventRejected:
        party = event.origin.party  # type: ignore[attr-defined]
        return (party,) if party else ()
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


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a table, made ready: what is shown in full in one go, and what needs more."""

    names: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]
    optional: tuple[str, ...]
    others: Mapping[str, Show]

    @classmethod
    def of(cls, kind: type[Shape], shown: Mapping[str, Show]) -> "_Column":
        full = [name for name, show in shown.items() if show is FULL and name != "name"]
        others = {name: show for name, show in shown.items() if show is not NO and name not in full}
        fields_of = msgspec.structs.fields(kind)
        optional = [each.encode_name for each in fields_of if not each.required and each.encode_name in full]
        values = _values([_ATTRIBUTES.get(name, name) for name in full])
        return cls(tuple(full), values, tuple(optional), others)

    def full(self, of: object) -> Fields:
        """Return what is shown as it is, without what is not there."""
        shown = dict(zip(self.names, self.values(of), strict=True))
        for name in self.optional:
            if shown[name] is None or shown[name] == []:
                del shown[name]
        return shown


def _values(attributes: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(attributes) > 1:
        return attrgetter(*attributes)
    return lambda of: tuple(attrgetter(name)(of) for name in attributes)


_ATTRIBUTES: Final = {"class": "class_", "cause_code": "cause.code", "cause_note": "cause.note"}


def _shown(table: Mapping[str, tuple[Show, ...]], column: int) -> dict[str, Show]:
    return {name: shows[column] for name, shows in table.items()}


# The last is the administrator's.
_TOPS: Final = [
    *(_Column.of(Docking, _shown(DOCKING, column)) for column in range(3)),
    _Column.of(Docking, dict.fromkeys(DOCKING, FULL)),
]
_SIDES: Final = [_Column.of(Side, _shown(SIDE, column)) for column in range(4)]


class Columns(NamedTuple):
    """Which columns a viewer sees of a docking and of its sides."""

    top: int
    supply: int
    demand: int


def columns_of(docking: Docking, viewer: str) -> Columns | None:
    """Return which columns of the tables a viewer sees; None: it may not know of the docking."""
    supply, demand = docking.supply.party, docking.demand.party
    if viewer == ADMINISTRATOR:
        return Columns(3, 0, 0)
    if viewer == WALL:
        return Columns(2, 3, 3)
    if viewer not in (supply, demand):
        return None
    known = disclosed(docking)
    other = 2 if known else 1
    return Columns(int(known), 0 if supply == viewer else other, 0 if demand == viewer else other)


def _docking(docking: Docking, viewer: str, naming: Naming) -> Fields | None:
    columns = columns_of(docking, viewer)
    if columns is None:
        return None
    return {
        **top(docking, columns.top),
        **own(docking, columns),
        "supply": side(docking.supply, columns.supply, viewer, naming),
        "demand": side(docking.demand, columns.demand, viewer, naming),
    }


def top(docking: Docking, column: int) -> Fields:
    """Return a column's part of a docking that is the same for all who see that column."""
    shown = _TOPS[column].full(docking)
    for name, show in _TOPS[column].others.items():
        if show is COARSE:
            shown[name] = coarse_distance(getattr(docking, name))
    code, note = shown.pop("cause_code", None), shown.pop("cause_note", None)
    if code:
        shown["cause"] = {"code": code, "note": note} if note else {"code": code}
    return shown


def own(docking: Docking, columns: Columns) -> Fields:
    """Return the secrets of the side, or the sides, that are the viewer's own."""
    return {
        name: getattr(docking, name)
        for name, show in _TOPS[columns.top].others.items()
        if show is OWN and (columns.supply if OWNER[name] == "supply" else columns.demand) == 0
    }


def side(of: Side, column: int, viewer: str, naming: Naming) -> Fields:
    """Return a side as a column shows it; no two viewers see one side in the column with the pseudonym."""
    shown = _SIDES[column].full(of)
    for name, show in _SIDES[column].others.items():
        if show is PSEUDONYM:
            shown[name] = naming.pseudonym(viewer, of.party)
        elif show is COARSE:
            shown[name] = coarse_position(of.position)
        elif of.party in naming.names:
            shown[name] = naming.names[of.party]
    return shown


def sees_all(event: Shape, viewer: str) -> bool:
    """True where a viewer sees an event of one party's as it is."""
    return _LOOKS.get(type(event)) is _owned and (viewer == ADMINISTRATOR or viewer in parties_of(event))


def _owned(event: Shape, viewer: str, naming: Naming) -> Fields | None:
    return fields(event) if sees_all(event, viewer) else None


def _unmet(event: Unmet, viewer: str, naming: Naming) -> Fields | None:
    if viewer in (event.party, ADMINISTRATOR):
        return fields(event)
    everything = fields(event)
    return {name: everything[name] for name in UNMET_ON_WALL} if viewer == WALL else None


def _rejected(event: EventRejected, viewer: str, naming: Naming) -> Fields | None:
    if viewer == ADMINISTRATOR:
        return fields(event)
    if viewer != event.origin.party:
        return None
    shown = {name: getattr(event, name) for name in REJECTED_TO_SENDER}
    origin = {"event_id": event.origin.event_id, "event_type": event.origin.event_type}
    return {**shown, "origin": {name: value for name, value in origin.items() if value is not None}}


# By exact type: a message that is not named here is shown to nobody.
_LOOKS: Final[dict[type[Shape], Callable[[Any, str, Naming], Fields | None]]] = {
    Docking: _docking,
    OfferPosition: _owned,
    DemandPosition: _owned,
    ResourcePosition: _owned,
    Overloaded: _owned,
    Overdrawn: _owned,
    EventSuperseded: _owned,
    AnswerRefused: _owned,
    EndpointDisabled: _owned,
    Unmet: _unmet,
    EventRejected: _rejected,
}


def others(kind: type[Shape]) -> tuple[str, str]:
    """Return in words what its owner, and the wall, see of an event that is no docking."""
    if kind is Unmet:
        return "full", ", ".join(UNMET_ON_WALL)
    if kind is EventRejected:
        return ", ".join(REJECTED_TO_SENDER) + ", which event", "no"
    return "full", "no"


# The event types that anybody is told of.
TOLD: Final = frozenset(family.name for family in FAMILIES.values() if family.data in _LOOKS)
_layouts: dict[type, list[tuple[str, str, Any]]] = {}


def _layout(kind: type[Shape]) -> list[tuple[str, str, Any]]:
    """Return (attribute, name on the wire, default) of each field of a message type."""
    found = _layouts.get(kind)
    if found is None:
        described = msgspec.structs.fields(kind)
        found = _layouts[kind] = [(each.name, each.encode_name, each.default) for each in described]
    return found
