"""What would be right, in the words of JSON: made from a field's type, so that it can't differ from it."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import Meta

from tenon.contracts.values import DECIMAL_PATTERN, Id, Ref, Region, UnitCode

_NAMES: dict[Any, str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    Decimal: "a decimal number of at least 0",
    bool: "true or false",
    date: "a date: 2030-01-07",
    datetime: "a time in RFC 3339 with an offset: 2030-01-31T08:00:00+08:00",
    list: "an array",
    tuple: "an array",
    dict: "an object",
}
_PATTERNS = {
    DECIMAL_PATTERN: "a decimal string of up to 12 digits and 6 decimals: '12.50'",
    r"^[A-Z]{3}$(?!\n)": "three capital letters of ISO 4217: EUR, CNY",
    r"^[a-z][a-z0-9-]{0,31}$(?!\n)": "small letters, digits and hyphens, at most 32: hs, unspsc, own",
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)": "letters, digits and . _ -, at most 64: 6307.90",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)": "a time of the day: 06:00",
    r"^[0-9]{20}$(?!\n)": "20 digits: the sequence of a docking step",
}
_DESCRIBED = (Id, Ref, Region, UnitCode)


@cache
def expected(kind: Any) -> str:
    """Return what a value of this type is: "an integer from 1 to 9", "one of accept, decline"."""
    base = plain(kind)
    limits = list(_limits(kind))
    patterned = next((limit for limit in limits if limit.pattern), None)
    if patterned is not None:
        most = next((f" At most {limit.max_length} characters." for limit in limits if limit.max_length), "")
        return _patterns().get(patterned.pattern or "", str(patterned.description)) + most
    if get_origin(base) is Literal:
        return f"one of {', '.join(map(str, get_args(base)))}"
    if get_origin(base) in (Union, UnionType):
        return " or ".join(expected(option) for option in get_args(base) if option is not NoneType)
    name = _NAMES.get(get_origin(base) or base, "an object")
    return f"{name}{_range(limits)}{_length(base, limits)}"


def plain(kind: Any) -> Any:
    """Return the type without its constraints and without the None of an optional one."""
    if get_origin(kind) is Annotated:
        return plain(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        options = [option for option in get_args(kind) if option is not NoneType]
        return plain(options[0]) if len(options) == 1 else kind
    return kind


@cache
def _patterns() -> dict[str, str]:
    described = [limit for kind in _DESCRIBED for limit in _limits(kind)]
    return _PATTERNS | {limit.pattern: str(limit.description) for limit in described if limit.pattern}


def _limits(kind: Any) -> Iterator[Meta]:
    if get_origin(kind) is Annotated:
        inner, *metas = get_args(kind)
        yield from (meta for meta in metas if isinstance(meta, Meta))
        yield from _limits(inner)
    elif get_origin(kind) in (Union, UnionType):
        for option in get_args(kind):
            yield from _limits(option)


def _range(limits: list[Meta]) -> str:
    words = [
        *(f"at least {limit.ge}" for limit in limits if limit.ge is not None),
        *(f"above {limit.gt}" for limit in limits if limit.gt is not None),
        *(f"at most {limit.le}" for limit in limits if limit.le is not None),
    ]
    return f", {' and '.join(words)}" if words else ""


def _length(base: Any, limits: list[Meta]) -> str:
    what = {str: "characters", dict: "members"}.get(get_origin(base) or base, "items")
    words = [
        *(f"at least {limit.min_length}" for limit in limits if limit.min_length is not None),
        *(f"at most {limit.max_length}" for limit in limits if limit.max_length is not None),
    ]
    return f" of {' and '.join(words)} {what}" if words else ""
