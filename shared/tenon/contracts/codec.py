"""Bytes to events and back: strict where events are accepted, tolerant where the log is read."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

_AT = re.compile(r" - at `(?P<path>[^`]*)`$")
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<name>.*)`$", re.S)
_MISSING = re.compile(r"^Object missing required field `(?P<name>.*)`$", re.S)
_EXPECTED = re.compile(r"^Expected (?P<expected>.*?)(?:, got (?P<got>.*))?$", re.S)


class InvalidData(ValueError):
    """Data that does not fit its type: where (RFC 6901 pointer), why, and what would be right."""

    def __init__(self, pointer: str, reason: str, expected: str) -> None:
        super().__init__(f"{pointer or '/'}: {reason}; expected {expected}")
        self.pointer, self.reason, self.expected = pointer, reason, expected


class NotJson(ValueError):
    """Bytes that are not one JSON text (RFC 8259)."""


_encoder = msgspec.json.Encoder(decimal_format="number", order="deterministic")


def encode(value: object) -> bytes:
    """Return the one JSON form of a value: quantities as numbers, times in UTC as RFC 3339."""
    return _encoder.encode(value)


def encode_text(value: object) -> str:
    """Return `encode` as text."""
    return _encoder.encode(value).decode()


@cache
def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return the shared strict decoder of a type."""
    return msgspec.json.Decoder(kind)


def _decode(kind: type[T], data: bytes) -> T:
    value: T = decoder(kind).decode(data)
    return value


def decode_strict(kind: type[T], data: bytes) -> T:
    """Decode JSON of exactly this shape; raise `NotJson` or `InvalidData`."""
    try:
        return _decode(kind, data)
    except msgspec.ValidationError as error:
        raise _explained(error, "") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotJson(str(error) or "nested too deeply") from error


def convert_strict(kind: type[T], value: object, pointer: str = "") -> T:
    """Convert a decoded JSON value of exactly this shape; raise `InvalidData` under `pointer`."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _explained(error, pointer) from error


def decode_tolerant(kind: type[T], data: bytes) -> T:
    """Decode JSON, ignoring fields that this version does not know; raise `NotJson` or `InvalidData`."""
    try:
        return _decode(kind, data)
    except msgspec.ValidationError:
        return convert_strict(kind, _known(kind, parse(data)))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotJson(str(error) or "nested too deeply") from error


def parse(data: bytes) -> object:
    """Parse any JSON text; raise `NotJson`."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotJson(str(error) or "nested too deeply") from error


def instant(at_ms: int) -> datetime:
    """Return the instant of Unix milliseconds, in UTC."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def unix_ms(at: datetime) -> int:
    """Return Unix milliseconds of an instant, cut off below."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def _explained(error: msgspec.ValidationError, prefix: str) -> InvalidData:
    text = str(error)
    found = _AT.search(text)
    message = text[: found.start()] if found else text
    pointer = prefix + _pointer(found["path"] if found else "$")
    if unknown := _UNKNOWN.match(message):
        return InvalidData(f"{pointer}/{_escape(unknown['name'])}", "unknown field", "only documented fields")
    if missing := _MISSING.match(message):
        return InvalidData(f"{pointer}/{_escape(missing['name'])}", "missing field", "a value")
    expected = _EXPECTED.match(message)
    if expected is None:
        return InvalidData(pointer, message, "a valid value")
    got = expected["got"]
    return InvalidData(pointer, f"got {got}" if got else "does not fit", expected["expected"])


def _pointer(path: str) -> str:
    parts = re.findall(r"\.([^.\[\]]+)|\[([^\]]*)\]", path.removeprefix("$"))
    return "".join(f"/{_escape(name or index)}" for name, index in parts)


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _known(kind: object, value: object) -> object:
    """Drop fields that `kind` does not have, at every depth."""
    return _prune(msgspec.inspect.type_info(kind), value)


def _prune(info: Any, value: object) -> object:
    match info:
        case msgspec.inspect.StructType() if isinstance(value, Mapping):
            fields = {field.encode_name: field.type for field in info.fields}
            return {name: _prune(fields[name], inner) for name, inner in value.items() if name in fields}
        case msgspec.inspect.ListType() if isinstance(value, list):
            return [_prune(info.item_type, inner) for inner in value]
        case msgspec.inspect.DictType() if isinstance(value, Mapping):
            return {name: _prune(info.value_type, inner) for name, inner in value.items()}
        case msgspec.inspect.UnionType():
            return _prune_union(info, value)
        case msgspec.inspect.Metadata():
            return _prune(info.type, value)
        case _:
            return value


def _prune_union(info: Any, value: object) -> object:
    structs = [option for option in info.types if not isinstance(option, msgspec.inspect.NoneType)]
    return _prune(structs[0], value) if len(structs) == 1 else value
