"""Bytes to messages: the header, and each object of the content with everything that is wrong with it.

A message whose frame can't be read is refused as a whole; each object stands for itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from ingest.domain.faults import Fault, Refused, malformed, step
from ingest.domain.shape import json_name, nul_faults
from ingest.formats.catenax.aspects import AspectType
from ingest.formats.catenax.values import Aspect, Bpnl, Text, Uuid
from ingest.formats.exact import parsed, shaped
from tenon.contracts.codec import encode

MOST_BYTES = 15 * 1024 * 1024
"""Most bytes of a message (CX-0128 §4.1.2.2, CX-0146 §4.1.2.2)."""
MOST_OBJECTS = 500
"""Most objects of a message."""
LIST = ("content", "informationObject")
"""Where the objects of CX-0128 stand."""

T = TypeVar("T", bound=Aspect)
_NUL = b"\\u0000"
_NO_JSON = 422
"""What is no JSON is 422 by CX-0128 (§4.1.2.6); CX-0146 has no such status."""
_MODEL = re.compile(r"io\.catenax\.([a-z_]+):([0-9]+)\.")


class Header(Aspect, frozen=True, kw_only=True):
    """Who sends a message to whom, of which aspect (`io.catenax.shared.message_header`)."""

    message_id: Uuid
    context: Text
    sent_date_time: datetime
    sender_bpn: Bpnl
    receiver_bpn: Bpnl
    version: Text
    related_message_id: Uuid | None = None
    expected_response_by: datetime | None = None


class _Framed(Aspect, frozen=True, kw_only=True):
    header: Header


class _Message(Aspect, frozen=True, kw_only=True):
    message_header: _Framed
    content: dict[str, Any]


class _BareMessage(Aspect, frozen=True, kw_only=True):
    header: Header
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Read:
    """One object of a message: what it says, None where it can't be read. `at` is where it stands."""

    at: str
    value: Any
    faults: tuple[Fault, ...] = ()


def message(body: bytes) -> tuple[Header, Sequence[object]]:
    """Return header and objects of a message of CX-0128; raise `Refused` where it has not that form."""
    value = parsed(body, _NO_JSON)
    read = _converted(_Message, value)
    objects = read.content.get(LIST[1])
    at = "".join(map(step, LIST))
    if not isinstance(objects, list):
        got = "missing field" if objects is None else f"got {json_name(objects)}"
        raise Refused(malformed([Fault(at, got, "a list of objects, with one entry for a single one")]))
    if not 1 <= len(objects) <= MOST_OBJECTS:
        raise Refused(malformed([Fault(at, f"{len(objects)} objects", f"1 to {MOST_OBJECTS} objects")]))
    return read.message_header.header, objects


def bare_message(body: bytes, name: str) -> tuple[Header, object]:
    """Return header and the one object of a message of CX-0146; raise `Refused`."""
    read = _converted(_BareMessage, parsed(body, 400))
    if name not in read.content:
        raise Refused(malformed([Fault(f"/content/{name}", "missing field", "an object")]))
    return read.header, read.content[name]


def read(aspect: AspectType, value: object, at: str, now: datetime) -> Read:
    """Return what an object says, or everything that is wrong with it."""
    current = aspect.upgraded(value)
    found = shaped(aspect.kind, current, at)
    if isinstance(found, tuple):
        return Read(at, None, found)
    nul = nul_faults(current, at) if _NUL in encode(found) else ()
    wrong = (*nul, *aspect.faults(found, now, at))
    return Read(at, None if wrong else found, wrong)


def context_faults(header: Header, aspect: AspectType, at: str) -> tuple[Fault, ...]:
    """Return a fault where a header names another aspect, or a version that is not read."""
    named = _MODEL.search(header.context)
    if named is None:
        return ()
    expected = f"urn:samm:io.catenax.{aspect.model}, version {' or '.join(map(str, aspect.majors))}"
    if named[1] != aspect.model:
        return (Fault(at, f"this is the address of {aspect.name}", expected),)
    if int(named[2]) not in aspect.majors:
        return (Fault(at, f"version {named[2]} is not read", expected),)
    return ()


def _converted(kind: type[T], value: object) -> T:
    found = shaped(kind, value, "")
    if isinstance(found, tuple):
        raise Refused(malformed(found))
    return found
