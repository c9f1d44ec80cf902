"""Bytes to events: a document, a query document, a list or a single event; each event stands for itself.

An event's name is its `eventID`. Without one it is the digest of what it says (`urn:sha-256:…`). The
standard's hash (CBV §8.9) names the same content alike across its URN and web forms; the digest does so for
what is sent again as it was. Content is the same however members and lists are ordered, numbers and
offsets are written, and whatever `recordTime` says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import TypeVar

import msgspec

from ingest.domain.faults import Fault, Refused, malformed, nearest, too_large
from ingest.domain.shape import json_name, nul_faults
from ingest.formats.epcis import rules
from ingest.formats.epcis.effects import Move, Shipment, moves, orders, shipments
from ingest.formats.epcis.shapes import AnyEvent, Document, Header, QueryDocument, Shape
from ingest.formats.exact import parsed, shaped

MOST_BYTES = 5 * 1024 * 1024
"""Most bytes of a document."""
MOST_EVENTS = 1_000
"""Most events of a document."""
MOST_MOVES = 10_000
"""Most changes of stock of a document: they are one transaction."""
_LEFT_OUT = frozenset({"@context", "eventID", "recordTime", "errorDeclaration"})
_EVENTS = tuple(rules.MEMBERS)
_TYPES = ("EPCISDocument", "EPCISQueryDocument", *_EVENTS)
_DEEPEST = 100
S = TypeVar("S", bound=Shape)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of an event: its name, its content as a digest, and what it does."""

    id: str
    digest: str
    at: datetime
    declared: bool
    moves: tuple[Move, ...] = ()
    orders: tuple[str, ...] = ()
    shipments: tuple[Shipment, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """One event of a document, or what is wrong with it. `at` is where it stands."""

    at: str
    event: Event | None
    faults: tuple[Fault, ...] = ()


def events(body: bytes) -> list[Read]:
    """Return the events of a body; raise `Refused` where it has no form that is read."""
    value = parsed(body, 400)
    if _too_deep(value):
        raise Refused(malformed([Fault("", "nested too deeply", f"at most {_DEEPEST} levels")]))
    at, found = _found(value)
    if len(found) > MOST_EVENTS:
        raise Refused(too_large(f"{len(found)} events", f"at most {MOST_EVENTS} in one document"))
    if not found:
        raise Refused(malformed([Fault(at, "no event", f"1 to {MOST_EVENTS} events")]))
    alone = isinstance(value, dict) and value.get("type") in _EVENTS
    reads = [_read(each, "" if alone else f"{at}/{index}") for index, each in enumerate(found)]
    moved = sum(len(read.event.moves) for read in reads if read.event is not None)
    if moved > MOST_MOVES:
        expected = f"at most {MOST_MOVES}; send the events in several documents"
        raise Refused(too_large(f"{moved} changes of stock", expected))
    return reads


def _found(value: object) -> tuple[str, Sequence[object]]:
    if isinstance(value, list):
        return "", value
    if not isinstance(value, Mapping):
        expected = "a document, a list of events, or one event"
        raise Refused(malformed([Fault("", f"got {json_name(value)}", expected)]))
    header = _shaped(Header, value)
    if header.type == "EPCISDocument":
        document = _shaped(Document, value)
        if document.schema_version.split(".")[0] != "2":
            reason = f"version {document.schema_version} is not read"
            raise Refused(malformed([Fault("/schemaVersion", reason, "2.0")]))
        return "/epcisBody/eventList", document.epcis_body.event_list
    if header.type == "EPCISQueryDocument":
        told = _shaped(QueryDocument, value).epcis_body.query_results
        return "/epcisBody/queryResults/resultsBody/eventList", told.results_body.event_list
    if header.type not in _EVENTS:
        reason, hint = f"{header.type[:60]!r} is not read", nearest(header.type, _TYPES, "one of them")
        raise Refused(malformed([Fault("/type", reason, hint)]))
    return "", [value]


def _shaped(kind: type[S], value: object) -> S:
    found = shaped(kind, value, "")
    if isinstance(found, tuple):
        raise Refused(malformed(found))
    return found


def _read(value: object, at: str) -> Read:
    kind = value.get("type") if isinstance(value, Mapping) else None
    if isinstance(value, Mapping) and isinstance(kind, str) and kind not in _EVENTS:
        reason = f"{kind[:60]!r} is no type of event that is read"
        return Read(at, None, (Fault(f"{at}/type", reason, nearest(kind, _EVENTS, "one of them")),))
    found = shaped(AnyEvent, value, at)
    named = rules.name_faults(value, kind, at) if isinstance(value, Mapping) and isinstance(kind, str) else ()
    if isinstance(found, tuple):
        return Read(at, None, (*named, *found))
    wrong = (*named, *rules.faults(found, at), *nul_faults(value, at))
    return Read(at, None, wrong) if wrong else Read(at, _event(found, value))


def _event(found: AnyEvent, value: object) -> Event:
    assert isinstance(value, Mapping)
    digest = sha256(msgspec.json.encode(_plain(_content(found, value)))).hexdigest()
    return Event(
        id=found.event_id or f"urn:sha-256:{digest}",
        digest=digest,
        at=found.event_time.astimezone(UTC),
        declared=found.error_declaration is not None,
        moves=moves(found),
        orders=orders(found),
        shipments=shipments(found),
    )


def _content(found: AnyEvent, value: Mapping[str, object]) -> dict[str, object]:
    content = {name: inner for name, inner in value.items() if name not in _LEFT_OUT}
    return {**content, "eventTime": found.event_time.astimezone(UTC).isoformat()}


def _plain(value: object) -> object:
    """Return a value in one form: members by name, lists in order of their entries, numbers without zeros."""
    if isinstance(value, Mapping):
        return {name: _plain(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return sorted(msgspec.json.encode(_plain(inner)).decode() for inner in value)
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return _number(Decimal(value))
    return value


def _number(value: Decimal) -> str:
    """Write a number without its zeros; no context rounds it or finds it too large."""
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).lstrip("0")
    kept = text.rstrip("0")
    return f"#{sign}{kept}e{exponent + len(text) - len(kept)}" if kept else "#0"


def _too_deep(value: object) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True
