"""Bytes to typed events, and every fault of their shape at once.

A good event is decoded in one go. Only for a bad one the value is walked field by field beside its
type, so that the sender is told all of what is wrong. What several values mean together is not decided here.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache
from itertools import islice
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from ingest.domain.faults import MAX_FAULTS, Fault, Refused, invalid, nearest, not_json, refuse, step
from ingest.domain.wording import expected, plain
from tenon.contracts.codec import InvalidData, NotJson, decode_strict, parse

T = TypeVar("T", bound=msgspec.Struct)
_NUL = b"\\u0000"
_any: msgspec.json.Decoder[object] = msgspec.json.Decoder(object, float_hook=float)


def read(kind: type[T], data: bytes, pointer: str = "/data") -> T:
    """Return the data of an event, which stands at `pointer`; raise `Refused` with up to 50 faults."""
    try:
        return _read(kind, data, pointer)
    except NotJson as error:
        raise Refused(not_json(pointer, error, "one JSON object (RFC 8259)")) from error


def _read(kind: type[T], data: bytes, pointer: str) -> T:
    try:
        value = decode_strict(kind, data)
    except InvalidData as error:
        faults = _all(kind, data, pointer) or (Fault(pointer + error.pointer, error.reason, error.expected),)
        raise Refused(invalid(faults)) from error
    if _NUL in data:
        _refuse_nul(data, pointer)
    return value


def _refuse_nul(data: bytes, pointer: str) -> None:
    """Raise `Refused` when a text contains U+0000, which no store behind keeps."""
    pointers = list(islice(_with_nul(parse(data), pointer), MAX_FAULTS))
    if pointers:
        refuse(invalid([Fault(at, "contains the character U+0000", "text without it") for at in pointers]))


def _all(kind: type[msgspec.Struct], data: bytes, pointer: str) -> tuple[Fault, ...]:
    return tuple(islice(_walk(kind, _parsed(data), pointer), MAX_FAULTS))


def _parsed(data: bytes) -> object:
    """Parse JSON; a number beyond what a float holds is infinite here, and refused with its field."""
    try:
        return _any.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJson(str(error)) from error


def _walk(kind: Any, value: object, pointer: str) -> Iterator[Fault]:
    """Yield each fault of `value`, read as the type expression `kind`."""
    if _fits(kind, value):
        return
    base = plain(kind)
    origin = get_origin(base)
    if isinstance(base, type) and issubclass(base, msgspec.Struct):
        yield from _struct(base, value, pointer)
    elif origin in (list, tuple) and isinstance(value, list) and _fits(_opened(kind, list[Any]), value):
        for index, item in enumerate(value):
            yield from _walk(get_args(base)[0], item, pointer + step(index))
    elif origin is dict and isinstance(value, dict) and _fits(_opened(kind, dict[str, Any]), value):
        key_kind, value_kind = get_args(base)
        for name, item in value.items():
            yield from _walk(key_kind, name, pointer + step(name))
            yield from _walk(value_kind, item, pointer + step(name))
    else:
        yield Fault(pointer, _misfit(base, value), expected(kind))


def _struct(kind: type[msgspec.Struct], value: object, pointer: str) -> Iterator[Fault]:
    if not isinstance(value, Mapping):
        yield Fault(pointer, f"got {json_name(value)}", "an object")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    absent = [name for name in fields if name not in value]
    for name, inner in value.items():
        if name in fields:
            yield from _walk(_hints(kind)[fields[name].name], inner, pointer + step(name))
        else:
            yield Fault(
                pointer + step(name), "unknown field", nearest(name, absent, "only documented fields")
            )
    for name in absent:
        if fields[name].required:
            yield Fault(pointer + step(name), "missing field", expected(_hints(kind)[fields[name].name]))


def _fits(kind: Any, value: object) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _misfit(base: Any, value: object) -> str:
    """Say what was sent instead: its kind where that is the fault, else the value."""
    texts = base in (str, datetime, date) or get_origin(base) is Literal
    wanted = "a string" if texts else "a number" if base in (int, float) else ""
    if (
        isinstance(value, str | int | float)
        and not isinstance(value, bool)
        and wanted in ("", json_name(value))
    ):
        return f"{_shown(value)} does not fit"
    if isinstance(value, list | dict) and get_origin(base) in (list, tuple, dict):
        return f"{json_name(value)} of {len(value)}"
    return f"got {json_name(value)}"


@cache
def _hints(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


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


def json_name(value: object) -> str:
    """Return what a parsed value is in the words of JSON: "an object", "a number"."""
    return next((name for kind, name in _JSON_NAMES if isinstance(value, kind)), "a number")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
