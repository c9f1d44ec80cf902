"""What an event says, as a sentence for people. Pure.

Viewers see different fields of the same event, so every field may be missing here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from tenon.contracts.cloudevents import CloudEvent

Fields = Mapping[str, Any]

_UNITS: Final = {
    "C62": "pieces",
    "KGM": "kg",
    "MTR": "m",
    "MTK": "m²",
    "LTR": "l",
    "SEC": "s",
    "KWH": "kWh",
    "KWT": "kW",
}
_DOCKING: Final = {
    "proposed": "{supply} is proposed to supply {demand} with {goods}{far}",
    "confirmed": "{supply} will supply {demand} with {goods}{far}",
    "shipped": "{supply} has shipped {shipped} of {goods} to {demand}",
    "delivered": "{supply} has delivered {delivered} of {goods} to {demand}",
    "declined": "{supply} will not supply {demand} with {goods}: one of them declined",
    "lapsed": "{supply} will not supply {demand} with {goods}: nobody answered in time",
    "cancelled": "{supply} will not supply {demand} with {goods}: it was cancelled",
    "failed": "{supply} failed to supply {demand} with {failed} of {goods}",
}


def sentence(event: CloudEvent) -> str:
    """Return what happened; for a type that has no sentence of its own, the type and its subject."""
    name = short_type(event)
    data = msgspec.json.decode(event.data)
    if not isinstance(data, dict):
        return f"{name} {event.subject or ''}".rstrip()
    family, _, status = name.rpartition(".")
    if family == "docking" and status in _DOCKING:
        return _DOCKING[status].format_map(_docking(data))
    write = _OTHERS.get(name)
    return write(data) if write else f"{name} {event.subject or ''}".rstrip()


def short_type(event: CloudEvent) -> str:
    """Return `docking.proposed` of `tenon.docking.proposed.v1`."""
    return event.type.removeprefix("tenon.").rpartition(".v")[0]


def _docking(data: Fields) -> Mapping[str, str]:
    distance = data.get("distance_m")
    return {
        "supply": _side(data.get("supply"), "a supplier"),
        "demand": _side(data.get("demand"), "a buyer"),
        "goods": _goods(data),
        "far": f", {distance / 1000:.0f} km away" if isinstance(distance, int) else "",
        **{name: str(data.get(name, "some")) for name in ("shipped", "delivered", "failed")},
    }


def _goods(data: Fields) -> str:
    kind = data.get("class") or {}
    unit = str(data.get("unit", ""))
    return f"{data.get('quantity', '?')} {_UNITS.get(unit, unit)} of {kind.get('scheme')}:{kind.get('code')}"


def _side(side: Fields | None, unknown: str) -> str:
    known = side or {}
    if party := known.get("party") or known.get("name"):
        return str(party)
    region = known.get("region")
    return f"{unknown} in {region}" if region else unknown


def _sum(windows: Sequence[Fields], name: str) -> object:
    return sum(window.get(name, 0) for window in windows)


def _demand(data: Fields) -> str:
    windows = data.get("windows", ())
    left = f"{_sum(windows, 'open')} of {_sum(windows, 'asked')} open"
    return f"demand {data.get('demand')} of {data.get('party')} is {data.get('status')}, {left}"


def _offer(data: Fields) -> str:
    windows = data.get("windows", ())
    left = f"{_sum(windows, 'free')} of {_sum(windows, 'quantity')} free"
    return f"offer {data.get('offer')} of {data.get('party')} is {data.get('status')}, {left}"


def _unmet(data: Fields) -> str:
    return f"demand {data.get('demand')} of {data.get('party')} stays without {_goods(data)}"


def _overdrawn(data: Fields) -> str:
    unit = str(data.get("unit", ""))
    amount = f"{data.get('quantity', '?')} {_UNITS.get(unit, unit)}"
    return f"offer {data.get('offer')} of {data.get('party')} is overdrawn by {amount}"


def _resource(data: Fields) -> str:
    windows, unit = data.get("windows", ()), str(data.get("unit", ""))
    left = f"{_sum(windows, 'free')} of {_sum(windows, 'quantity')} {_UNITS.get(unit, unit)} free"
    return f"resource {data.get('resource')} of {data.get('party')} is {data.get('status')}, {left}"


def _overloaded(data: Fields) -> str:
    unit = str(data.get("unit", ""))
    amount = f"{data.get('quantity', '?')} {_UNITS.get(unit, unit)}"
    return f"resource {data.get('resource')} of {data.get('party')} is overdrawn by {amount}"


def _rejected(data: Fields) -> str:
    origin = data.get("origin") or {}
    what = origin.get("event_type") or "an event"
    return f"{what} of {origin.get('party') or 'somebody'} could not be used: {data.get('detail')}"


def _superseded(data: Fields) -> str:
    late = f"revision {data.get('revision')} of {data.get('kind')} {data.get('id')} of {data.get('party')}"
    return f"{late} changed nothing: {data.get('present_revision')} is in force"


def _refused(data: Fields) -> str:
    said = f"what {data.get('party')} said of docking {data.get('docking')}"
    return f"{said} changed nothing: {data.get('detail')}"


_OTHERS: Final[Mapping[str, Callable[[Fields], str]]] = {
    "demand.position": _demand,
    "offer.position": _offer,
    "resource.position": _resource,
    "alert.unmet": _unmet,
    "alert.overdrawn": _overdrawn,
    "alert.overloaded": _overloaded,
    "event.rejected": _rejected,
    "event.superseded": _superseded,
    "answer.refused": _refused,
}
