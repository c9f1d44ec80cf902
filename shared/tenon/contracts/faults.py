"""Why data does not fit its type: where (RFC 6901 pointer), what is wrong, what would be right.

Decides the wording from msgspec's errors and the type's own shape; it must not know who asks.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import inspect

_AT = re.compile(r" - at (?P<key>`key` in )?`(?P<path>[^`]*)`$")
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<name>.*)`$", re.S)
_MISSING = re.compile(r"^Object missing required field `(?P<name>.*)`$", re.S)
_ENUM = re.compile(r"^Invalid enum value (?P<got>.*)$", re.S)
_EXPECTED = re.compile(r"^Expected (?P<expected>.*?)(?:, got (?P<got>.*))?$", re.S)
_ANY_KEY = "..."


class InvalidData(ValueError):
    """Data that does not fit its type: where (RFC 6901 pointer), why, and what would be right."""

    def __init__(self, pointer: str, reason: str, expected: str) -> None:
        super().__init__(f"{pointer or '/'}: {reason}; expected {expected}")
        self.pointer, self.reason, self.expected = pointer, reason, expected


def explained(
    error: msgspec.ValidationError, kind: type, value: Callable[[], object], prefix: str = ""
) -> InvalidData:
    """Return the fault that msgspec found in `value()`, asked for only where its message is vague."""
    text = str(error)
    found = _AT.search(text)
    message = text[: found.start()] if found else text
    parts = _parts(found["path"] if found else "$")
    if found and (found["key"] or parts[-1:] == [_ANY_KEY]):
        parts = _with_key(kind, value(), parts if found["key"] else parts[:-1])
    return _worded(message, prefix + _pointer(parts), _info_at(inspect.type_info(kind), parts))


def _worded(message: str, pointer: str, info: Any) -> InvalidData:
    if unknown := _UNKNOWN.match(message):
        return InvalidData(f"{pointer}/{_escape(unknown['name'])}", "unknown field", "only documented fields")
    if missing := _MISSING.match(message):
        return InvalidData(f"{pointer}/{_escape(missing['name'])}", "missing field", "a value")
    if (enum := _ENUM.match(message)) and isinstance(info, inspect.LiteralType):
        return InvalidData(
            pointer, f"got {enum['got']}", "one of " + ", ".join(sorted(map(str, info.values)))
        )
    expected = _EXPECTED.match(message)
    if expected is None:
        return InvalidData(pointer, message, "a valid value")
    got = expected["got"]
    return InvalidData(pointer, f"got {got}" if got else "does not fit", expected["expected"])


def _parts(path: str) -> list[str]:
    """Split msgspec's `$.windows[0].id` into its names and indexes."""
    found = re.findall(r"\.([^.\[\]]+)|\[([^\]]*)\]", path.removeprefix("$"))
    return [name or index for name, index in found]


def _pointer(parts: Sequence[str]) -> str:
    return "".join(f"/{_escape(part)}" for part in parts)


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _with_key(kind: type, value: object, parts: list[str]) -> list[str]:
    """Name the entry at fault of the object at `parts`, which msgspec's message leaves out."""
    container = _inside(value, parts)
    if not isinstance(container, dict) or not container:
        return parts  # a repeated key hides what msgspec saw
    entries = list(container.items())
    while len(entries) > 1:
        half = entries[: len(entries) // 2]
        container.clear()
        container.update(half)
        entries = half if _fails(kind, value) else entries[len(half) :]
    return [*parts, str(entries[0][0])]


def _inside(value: object, parts: Sequence[str]) -> object:
    for part in parts:
        if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def _fails(kind: type, value: object) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return True
    return False


def _info_at(info: Any, parts: Sequence[str]) -> Any:
    """Return msgspec's description of the type that stands at a path; None where there is no single one."""
    info = _plain(info)
    if not parts:
        return info
    match info:
        case inspect.StructType():
            named = {field.encode_name: field.type for field in info.fields}
            return _info_at(named.get(parts[0]), parts[1:])
        case inspect.ListType() | inspect.VarTupleType():
            return _info_at(info.item_type, parts[1:])
        case inspect.DictType():
            return _info_at(info.value_type, parts[1:])
        case _:
            return None


def _plain(info: Any) -> Any:
    """Strip the annotations and the `| None` of a type."""
    if isinstance(info, inspect.Metadata):
        return _plain(info.type)
    if isinstance(info, inspect.UnionType):
        options = [option for option in info.types if not isinstance(option, inspect.NoneType)]
        return _plain(options[0]) if len(options) == 1 else info
    return info


def known(kind: type, value: object) -> object:
    """Return a decoded JSON value without the fields that `kind` does not have, at every depth."""
    return _known(inspect.type_info(kind), value)


def _known(info: Any, value: object) -> object:
    match _plain(info):
        case inspect.StructType() as struct if isinstance(value, Mapping):
            named = {field.encode_name: field.type for field in struct.fields}
            return {name: _known(named[name], inner) for name, inner in value.items() if name in named}
        case (inspect.ListType() | inspect.VarTupleType()) as several if isinstance(value, list):
            return [_known(several.item_type, inner) for inner in value]
        case inspect.DictType() as table if isinstance(value, Mapping):
            return {name: _known(table.value_type, inner) for name, inner in value.items()}
        case _:
            return value
