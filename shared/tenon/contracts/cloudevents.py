"""CloudEvents 1.0 in the forms that Tenon speaks.

Kafka Protocol Binding 1.0.2 §3 (binary and structured content mode), HTTP Protocol Binding 1.0.2 §3
(structured, binary, batched) and the JSON Event Format 1.0.2. Data is JSON and is carried as bytes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from hashlib import sha1
from itertools import takewhile
from typing import Annotated
from urllib.parse import quote, unquote
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from tenon.contracts.codec import NotJson, encode

JSON = "application/json"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
_JSON_HEADER = ("content-type", JSON.encode())
_NAMESPACE = UUID("5b6f5a0c-6f0e-5f6b-9a53-0c1f6f1f7a10").bytes
_UUID_5 = 5 << 76 | 2 << 62
_UUID_REST = ~(0xF << 76 | 0x3 << 62)
_NAME = re.compile(r"[a-z0-9]{1,64}\Z")
_CORE = frozenset({"specversion", "id", "source", "type", "time", "subject", "datacontenttype", "dataschema"})

# Printable ASCII but for space, the double quote and the percent sign (HTTP binding §3.1.3.2).
_HEADER_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')

KafkaHeaders = Sequence[tuple[str, bytes]]


class NotCloudEvent(ValueError):
    """The message is not a CloudEvent that Tenon reads; `attribute` is the one at fault."""

    def __init__(self, attribute: str, reason: str) -> None:
        super().__init__(f"{attribute}: {reason}")
        self.attribute, self.reason = attribute, reason


class TooManyEvents(ValueError):
    """A batch has more events than it may."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """An event: its context attributes and its data as JSON bytes. `time` is RFC 3339 text."""

    id: str
    source: str
    type: str
    data: bytes
    time: str | None = None
    subject: str | None = None
    extensions: Mapping[str, str] = field(default_factory=dict)

    def attributes(self) -> dict[str, str]:
        """Return every context attribute that is set, but for the content type of the data."""
        optional = {"time": self.time, "subject": self.subject}
        core = {"specversion": "1.0", "id": self.id, "source": self.source, "type": self.type}
        return {**core, **{name: value for name, value in optional.items() if value}, **self.extensions}


_Text = Annotated[str, Meta(min_length=1, max_length=512)]


class _Envelope(Struct, frozen=True, forbid_unknown_fields=True):
    specversion: str
    id: _Text
    source: _Text
    type: _Text
    data: msgspec.Raw = msgspec.Raw(b"")
    time: str | None = None
    subject: str | None = None
    datacontenttype: str | None = None
    data_base64: str | None = None


_envelope = msgspec.json.Decoder(_Envelope)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_extension = msgspec.json.Decoder(str | bool | int | None)
_list = msgspec.json.Decoder(list[msgspec.Raw])


def event_id(topic: str, partition: int, round_number: int, index: int) -> str:
    """Return the id of what a round emits: the same when it is emitted again, another for every other.

    A UUID of version 5 (RFC 9562, §5.5), made without the object that the standard library would make of it.
    """
    name = f"{topic}/{partition}/{round_number}/{index}"
    hashed = sha1(_NAMESPACE + name.encode(), usedforsecurity=False).digest()
    number = int.from_bytes(hashed[:16]) & _UUID_REST | _UUID_5
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def to_kafka(event: CloudEvent) -> list[tuple[str, bytes]]:
    """Return the headers of binary content mode; the record's value is `event.data`."""
    headers = [(_in_kafka(name), value.encode()) for name, value in event.attributes().items()]
    headers.append(_JSON_HEADER)
    return headers


@lru_cache(maxsize=256)
def _in_kafka(attribute: str) -> str:
    return f"ce_{attribute}"


def from_kafka(headers: KafkaHeaders, value: bytes | None) -> CloudEvent:
    """Read a record in either content mode; raise `NotCloudEvent` or `NotJson`."""
    if value is None:
        raise NotCloudEvent("data", "the record has no value")
    texts = _decoded(headers)
    content_type = texts.get("content-type", JSON)
    if content_type.startswith(STRUCTURED):
        return from_structured(value)
    if content_type.startswith("application/cloudevents"):
        raise NotCloudEvent("content-type", f"{content_type} is not read; use {STRUCTURED}")
    return _binary({name[3:]: text for name, text in texts.items() if name.startswith("ce_")}, value)


def from_http(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    """Read a request in binary content mode (`ce-` headers, percent-encoded as §3.1.3.2 says)."""
    attributes = {
        name[3:].lower(): _header_text(text) for name, text in headers.items() if name[:3].lower() == "ce-"
    }
    return _binary(attributes, body)


def to_http(event: CloudEvent) -> dict[str, str]:
    """Return the headers of binary content mode; the body is `event.data`."""
    headers = {f"ce-{name}": quote(value, safe=_HEADER_SAFE) for name, value in event.attributes().items()}
    return {**headers, "content-type": JSON}


def from_structured(body: bytes) -> CloudEvent:
    """Read one event in the JSON format; raise `NotCloudEvent` or `NotJson`."""
    envelope, extensions = _opened(body)
    if envelope.specversion != "1.0":
        raise NotCloudEvent("specversion", f"{envelope.specversion!r} is not read; use '1.0'")
    if envelope.data_base64 is not None or not bytes(envelope.data):
        raise NotCloudEvent("data", "data must be given, as JSON")
    _check_content_type(envelope.datacontenttype)
    data = bytes(envelope.data)
    return CloudEvent(
        envelope.id, envelope.source, envelope.type, data, envelope.time, envelope.subject, extensions
    )


def split_batch(body: bytes, most: int | None = None) -> list[bytes]:
    """Return the events of a batch, each for `from_structured`.

    Raises `NotJson` and, where there are more than `most`, `TooManyEvents`.
    """
    try:
        if most is None:
            return [bytes(item) for item in _list.decode(body)]
        return [bytes(item) for item in takewhile(bytes, _bounded(most).decode(body))]
    except msgspec.ValidationError as error:
        if most is not None and body.lstrip(b" \t\r\n").startswith(b"["):
            raise TooManyEvents(f"more than {most} events") from error
        raise NotJson(f"a batch is a JSON array of events: {error}") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotJson(f"a batch is a JSON array of events: {error}") from error


class _Bounded:
    """Reads the items of a JSON array, and no further than so many.

    A list would be read whole before its length is looked at, at fifty times its bytes; a structure of fields
    ends where there is one too many.
    """

    def __init__(self, most: int) -> None:
        fields = [(f"item{index}", msgspec.Raw, msgspec.Raw(b"")) for index in range(most)]
        kind = msgspec.defstruct("_Items", fields, array_like=True, forbid_unknown_fields=True)
        self._decoder = msgspec.json.Decoder(kind)

    def decode(self, body: bytes) -> tuple[msgspec.Raw, ...]:
        """Return the items, and empty ones for those that there are not."""
        items: tuple[msgspec.Raw, ...] = msgspec.structs.astuple(self._decoder.decode(body))
        return items


_bounded = cache(_Bounded)


def to_structured(event: CloudEvent) -> bytes:
    """Return the JSON format of an event."""
    return encode({**event.attributes(), "datacontenttype": JSON, "data": msgspec.Raw(event.data)})


def to_batch(events: Iterable[CloudEvent]) -> bytes:
    """Return the JSON batch format of events."""
    return b"[" + b",".join(to_structured(event) for event in events) + b"]"


def _opened(body: bytes) -> tuple[_Envelope, dict[str, str]]:
    """Read the envelope; most have no extensions, so these are looked for at a second attempt only."""
    try:
        try:
            return _envelope.decode(body), {}
        except msgspec.ValidationError:
            return _with_extensions(_members.decode(body))
    except msgspec.ValidationError as error:
        raise NotCloudEvent("envelope", str(error)) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotJson(str(error) or "nested too deeply") from error


def _with_extensions(members: dict[str, msgspec.Raw]) -> tuple[_Envelope, dict[str, str]]:
    core = {name: members.pop(name) for name in _Envelope.__struct_fields__ if name in members}
    members.pop("dataschema", None)
    return _envelope.decode(msgspec.json.encode(core)), _extensions(members)


def _extensions(members: Mapping[str, msgspec.Raw]) -> dict[str, str]:
    """Return extension attributes as text (CloudEvents §3.1: string, boolean or integer)."""
    values: dict[str, str] = {}
    for name, raw in members.items():
        if not _NAME.match(name):
            raise NotCloudEvent(name, "an attribute's name is 1 to 64 lower-case letters and digits")
        try:
            value = _extension.decode(raw)
        except msgspec.ValidationError as error:
            raise NotCloudEvent(name, "an extension is a string, a boolean or an integer") from error
        if value is not None:
            values[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return values


def _header_text(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    return unquote(value)


def _decoded(headers: KafkaHeaders) -> dict[str, str]:
    try:
        return {name: value.decode() for name, value in headers}
    except (UnicodeDecodeError, AttributeError) as error:
        raise NotCloudEvent("headers", "a header is not UTF-8 text") from error


def _binary(attributes: Mapping[str, str], data: bytes) -> CloudEvent:
    for name in ("specversion", "id", "source", "type"):
        if not attributes.get(name):
            raise NotCloudEvent(name, "missing")
    if attributes["specversion"] != "1.0":
        raise NotCloudEvent("specversion", f"{attributes['specversion']!r} is not read; use '1.0'")
    _check_content_type(attributes.get("datacontenttype"))
    extensions = {name: value for name, value in attributes.items() if name not in _CORE}
    return CloudEvent(
        attributes["id"],
        attributes["source"],
        attributes["type"],
        data,
        attributes.get("time"),
        attributes.get("subject"),
        extensions,
    )


def _check_content_type(content_type: str | None) -> None:
    if content_type is not None and content_type.split(";")[0].strip() != JSON:
        raise NotCloudEvent("datacontenttype", f"{content_type!r} is not read; use {JSON!r}")
