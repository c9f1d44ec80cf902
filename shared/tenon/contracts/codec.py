"""Bytes to events and back: strict where events are accepted, tolerant where the log is read."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import TypeVar

import msgspec

from tenon.contracts.faults import InvalidData, explained, known

__all__ = [
    "InvalidData",
    "NotJson",
    "convert_strict",
    "decode_strict",
    "decode_tolerant",
    "decoder",
    "encode",
    "encode_text",
    "instant",
    "parse",
    "unix_ms",
]

T = TypeVar("T", bound=msgspec.Struct)


class NotJson(ValueError):
    """Bytes that are not one JSON text (RFC 8259)."""


_any: msgspec.json.Decoder[object] = msgspec.json.Decoder(object)
_any_exact: msgspec.json.Decoder[object] = msgspec.json.Decoder(object, float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number", order="deterministic")


def encode(value: object) -> bytes:
    """Return the one JSON form of a value: quantities as numbers, times as RFC 3339 with their offset."""
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
        raise explained(error, kind, lambda: parse(data)) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotJson(str(error) or "nested too deeply") from error


def convert_strict(kind: type[T], value: object, pointer: str = "") -> T:
    """Convert a decoded JSON value of exactly this shape; raise `InvalidData` under `pointer`."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise explained(error, kind, lambda: msgspec.to_builtins(value), pointer) from error


def decode_tolerant(kind: type[T], data: bytes) -> T:
    """Decode JSON, ignoring fields that this version does not know; raise `NotJson` or `InvalidData`."""
    try:
        return _decode(kind, data)
    except msgspec.ValidationError:
        return decode_strict(kind, encode(known(kind, _exact(data))))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotJson(str(error) or "nested too deeply") from error


def parse(data: bytes) -> object:
    """Parse any JSON text; raise `NotJson`."""
    return _parsed(_any, data)


def _exact(data: bytes) -> object:
    """Parse with fractions as decimals: a float would round quantities of more than 15 digits."""
    return _parsed(_any_exact, data)


def _parsed(reader: msgspec.json.Decoder[object], data: bytes) -> object:
    try:
        return reader.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotJson(str(error) or "nested too deeply") from error


@lru_cache(maxsize=4096)
def instant(at_ms: int) -> datetime:
    """Return the instant of Unix milliseconds, in UTC; the same few are asked for again and again."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def unix_ms(at: datetime) -> int:
    """Return Unix milliseconds of an instant, cut off below."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
