"""MTConnectStreams in XML, versions 1.1 to 2.x: bytes to a `Document`; raises `Unreadable`, `AgentError`.

Elements are read one after the other and dropped. A document type is refused, and entities with it. Which
observations tell how a machine runs is decided here: Execution, Program, PartCount and conditions; others are
counted and passed over, in whatever vocabulary.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from ingest.formats.mtconnect.observations import (
    AgentError,
    Document,
    Header,
    Kind,
    Observation,
    Unreadable,
)

MOST_BYTES = 8 * 1024 * 1024
_MOST_DEPTH = 20
_MOST_OBSERVATIONS = 100_000
_MOST_TEXT = 200
_MOST_ERRORS = 20
_LARGEST = 2**63 - 1
_ROOT = re.compile(
    r"\{urn:mtconnect\.org:MTConnect(Streams|Error):([0-9]{1,3})\.[0-9]{1,3}\}MTConnect(Streams|Error)"
)
_KINDS: Mapping[str, Kind] = {
    "Execution": "execution",
    "Program": "program",
    "PartCount": "part_count",
}
_LEVELS = {"Normal": "NORMAL", "Warning": "WARNING", "Fault": "FAULT", "Unavailable": "UNAVAILABLE"}
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_EXPECTED = "a document MTConnectStreams of version 1.1 to 2.x"


def read(body: bytes, device: str) -> Document:
    """Return what a document says of one device, by name or uuid."""
    if len(body) > MOST_BYTES:
        raise Unreadable(f"more than {MOST_BYTES} bytes", "fewer observations in one answer")
    reading = _Reading(device)
    try:
        for event, element in iterparse(BytesIO(body), ("start", "end"), forbid_dtd=True):
            reading.take(event, element)
    except ParseError as error:
        raise Unreadable(f"not well-formed XML: {error}", _EXPECTED) from None
    except DefusedXmlException:
        raise Unreadable("it has a document type", f"{_EXPECTED}, without a document type") from None
    except (LookupError, ValueError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"not readable as text: {error}", "XML in UTF-8") from None
    return reading.document()


class _Reading:
    """A document as far as it has been read."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._path: list[Element] = []
        self._header: Header | None = None
        self._found: list[Observation] = []
        self._errors: list[tuple[str, str]] = []
        self._devices: list[str] = []
        self._mine = False
        self._seen = 0
        self._is_error = False

    def take(self, event: str, element: Element) -> None:
        """Take the beginning or the end of an element."""
        if event == "start":
            self._begin(element)
            return
        self._path.pop()
        self._end(element, _name(self._path[-1]) if self._path else "")
        element.clear()
        if self._path:
            self._path[-1].remove(element)

    def document(self) -> Document:
        """Return all that was said; raise what the agent answered instead."""
        if self._is_error:
            codes = tuple(code for code, _ in self._errors)
            raise AgentError(codes, self._errors[0][1] if self._errors else "an error without words")
        if self._header is None:
            raise Unreadable("it has no header", "a Header as its first element")
        if self._devices and self._device not in self._devices:
            named = ", ".join(self._devices[:10])
            raise Unreadable(f"it speaks of {named}", f"the device {self._device!r}, by name or uuid")
        found = sorted(self._found, key=lambda each: each.sequence)
        for before, after in pairwise(found):
            if before.sequence == after.sequence:
                raise Unreadable(f"sequence {after.sequence} stands there twice", "each number once")
        return Document(self._header, tuple(found), self._seen)

    def _begin(self, element: Element) -> None:
        if not self._path:
            self._check_root(element.tag)
        self._path.append(element)
        if len(self._path) > _MOST_DEPTH:
            raise Unreadable(f"nested deeper than {_MOST_DEPTH}", _EXPECTED)
        if _name(element) == "DeviceStream":
            names = [_cut(element.get(key, "")) for key in ("name", "uuid")]
            self._devices += [name for name in names if name][: 1_000 - len(self._devices)]
            self._mine = self._device in names

    def _check_root(self, tag: str) -> None:
        match = _ROOT.fullmatch(tag)
        if match is None:
            raise Unreadable(f"the document is {_cut(tag)}", _EXPECTED)
        if not 1 <= int(match[2]) <= 2:
            raise Unreadable(f"version {match[2]}", _EXPECTED)
        self._is_error = match[3] == "Error"

    def _end(self, element: Element, inside: str) -> None:
        name = _name(element)
        if name == "Header" and len(self._path) == 1 and not self._is_error:
            self._header = _header(element)
        elif name == "Error" and inside in ("Errors", "MTConnectError") and len(self._errors) < _MOST_ERRORS:
            self._errors.append((_cut(element.get("errorCode", "")), _cut(element.text or "")))
        elif inside in ("Samples", "Events", "Condition") and self._mine:
            self._seen += 1
            if self._seen > _MOST_OBSERVATIONS:
                raise Unreadable(f"more than {_MOST_OBSERVATIONS} observations", "fewer in one answer")
            self._found += _observed(element, name, inside)


def _header(element: Element) -> Header:
    numbers = {
        name: _number(element, name)
        for name in ("instanceId", "firstSequence", "lastSequence", "nextSequence")
    }
    first, last, following = numbers["firstSequence"], numbers["lastSequence"], numbers["nextSequence"]
    if first > last + 1 or following > last + 1:
        raise Unreadable(
            f"its header says first {first}, last {last}, next {following}",
            "first and next not beyond the one that follows the last",
        )
    at = instant(element.get("creationTime", ""), "creationTime")
    return Header(numbers["instanceId"], first, last, following, at)


def _observed(element: Element, name: str, inside: str) -> Iterator[Observation]:
    """Yield the observation that an element is, where it tells how a machine runs."""
    kind: Kind | None = _KINDS.get(name) if inside == "Events" else None
    value = (element.text or "").strip()
    code = text = ""
    if inside == "Condition":
        if name not in _LEVELS:
            raise Unreadable(f"a condition is {_cut(name)!r}", f"one of {', '.join(_LEVELS)}")
        kind, text, value = "condition", value, _LEVELS[name]
        code = element.get("conditionId") or element.get("nativeCode") or ""
    if kind is None:
        return
    item = element.get("dataItemId", "")
    if not item:
        raise Unreadable(f"{name} has no dataItemId", "the id of its data item")
    at = instant(element.get("timestamp", ""), f"timestamp of {_cut(item)!r}")
    subtype = element.get("subType", "")
    sequence = _number(element, "sequence")
    yield Observation(sequence, at, kind, _cut(item), _cut(value), _cut(subtype), _cut(code), _cut(text))


def instant(text: str, what: str) -> datetime:
    """Return a time in whole milliseconds; one without a zone is UTC, as the standard has it."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise Unreadable(f"{what} is {_cut(text)!r}", "a time such as 2029-12-01T08:00:00.123Z")
    zone = "+00:00" if match[4] in (None, "Z") else match[4]
    try:
        return datetime.fromisoformat(f"{match[1]}T{match[2]}{(match[3] or '')[:4]}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(f"{what} is {_cut(text)!r}, which is no time", "a time that exists") from None


def _number(element: Element, name: str) -> int:
    text = element.get(name, "")
    if not (text.isascii() and text.isdecimal()) or len(text) > 20 or int(text) > _LARGEST:
        raise Unreadable(f"{name} is {_cut(text)!r}", "a whole number of at least 0")
    return int(text)


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _cut(text: str) -> str:
    return "".join(one for one in text[:_MOST_TEXT] if one.isprintable())
