"""Bytes to typed events, and every fault of their shape at once.

A good event is decoded in one go. Only for a bad one the value is walked field by field beside its
type, so that the sender is told all of what is wrong. What several values mean together is not decided here.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from ingest.domain.faults import Fault, Refused, invalid, malformed, nearest, refuse, step
from tenon.contracts.codec import InvalidData, NotJson, decode_strict, parse

T = TypeVar("T", bound=msgspec.Struct)
MAX_FAULTS = 50
_NUL = b"\\u0000"


def read(kind: type[T], data: bytes) -> T:
    """Return the data of an event; raise `Refused` with up to 50 faults."""
    try:
        return _read(kind, data)
    except NotJson as error:
        raise Refused(malformed("/data", str(error), "one JSON object (RFC 8259)")) from error


def _read(kind: type[T], data: bytes) -> T:
    try:
        value = decode_strict(kind, data)
    except InvalidData as error:
        faults = _all(kind, data) or (Fault("/data" + error.pointer, error.reason, error.expected),)
        raise Refused(invalid(faults)) from error
    if _NUL in data:
        refuse_nul(data)
    return value


def refuse_nul(data: bytes) -> None:
    """Raise `Refused` when a text contains U+0000, which no store behind keeps."""
    pointers = list(_with_nul(parse(data), "/data"))
    if pointers:
        refuse(invalid([Fault(at, "contains the character U+0000", "text without it") for at in pointers]))


def _all(kind: type[msgspec.Struct], data: bytes) -> tuple[Fault, ...]:
    found = _struct(kind, parse(data), "/data")
    return tuple(fault for fault, _ in zip(found, range(MAX_FAULTS), strict=False))


def _walk(kind: Any, value: object, pointer: str) -> Iterator[Fault]:
    """Yield each fault of `value`, read as the type expression `kind`."""
    inner = _stripped(kind)
    origin = get_origin(inner)
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        yield from _struct(inner, value, pointer)
    elif origin in (list, tuple) and isinstance(value, list):
        yield from _leaf(_opened(kind, list[Any]), value, pointer)
        for index, item in enumerate(value):
            yield from _walk(get_args(inner)[0], item, pointer + step(index))
    elif origin is dict and isinstance(value, dict):
        yield from _leaf(_opened(kind, dict[str, Any]), value, pointer)
        key_kind, value_kind = get_args(inner)
        for name, item in value.items():
            yield from _leaf(key_kind, name, pointer + step(name))
            yield from _walk(value_kind, item, pointer + step(name))
    else:
        yield from _leaf(kind, value, pointer)


def _struct(kind: type[msgspec.Struct], value: object, pointer: str) -> Iterator[Fault]:
    if not isinstance(value, Mapping):
        yield Fault(pointer, f"got {_json_name(value)}", "an object")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name in value.keys() - fields.keys():
        hint = nearest(name, fields.keys() - value.keys(), "only documented fields")
        yield Fault(pointer + step(name), "unknown field", hint)
    for name, field in fields.items():
        if name in value:
            yield from _walk(_hints(kind)[field.name], value[name], pointer + step(name))
        elif field.required:
            yield Fault(pointer + step(name), "missing field", f"{name} must be given")


def _leaf(kind: Any, value: object, pointer: str) -> Iterator[Fault]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message = str(error).split(" - at `")[0]
        expected, _, got = message.removeprefix("Expected ").partition(", got ")
        yield Fault(pointer, f"got {got}" if got else f"{_shown(value)} does not fit", expected)


@cache
def _hints(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _stripped(kind: Any) -> Any:
    """Return the type without its constraints and without the None of an optional one."""
    if get_origin(kind) is Annotated:
        return _stripped(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        options = [option for option in get_args(kind) if option is not NoneType]
        return _stripped(options[0]) if len(options) == 1 else kind
    return kind


def _opened(kind: Any, container: Any) -> Any:
    """Return a container of anything under the same constraints, to check its length alone."""
    if get_origin(kind) is Annotated:
        return Annotated[container, *get_args(kind)[1:]]
    if get_origin(kind) in (Union, UnionType):
        return _opened(next(option for option in get_args(kind) if option is not NoneType), container)
    return container


def _with_nul(value: object, pointer: str) -> Iterator[str]:
    if isinstance(value, str) and "\0" in value:
        yield pointer
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _with_nul(item, pointer + step(index))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from (pointer + step(name),) if "\0" in name else _with_nul(item, pointer + step(name))


_JSON_NAMES: tuple[tuple[type, str], ...] = (
    (NoneType, "null"),
    (bool, "a boolean"),
    (str, "a string"),
    (list, "an array"),
    (dict, "an object"),
)


def _json_name(value: object) -> str:
    return next((name for kind, name in _JSON_NAMES if isinstance(value, kind)), "a number")


def _shown(value: object) -> str:
    if isinstance(value, (dict, list)):
        return f"{_json_name(value)} of {len(value)}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
