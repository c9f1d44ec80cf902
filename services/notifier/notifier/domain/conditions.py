"""Conditions on what an event says: a field of its data, an operator, a value.

`class.code^=63`, `quantity>=100`, `supply.region=DE|FR`: `=` is equality with one of the values, `^=` the
beginning of a text, `>=` and `<=` compare numbers and instants. Of a list it is enough that one item fits.
What an event does not say fits nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, Final, NamedTuple

MOST_LENGTH: Final = 500
_FORM = re.compile(r"([A-Za-z0-9_]+(?:\.[A-Za-z0-9_:-]+)*)(\^=|>=|<=|=)([^\x00]+)")


class NoCondition(ValueError):
    """The text is no condition; the message says what one looks like."""


class Value(NamedTuple):
    """A value as text, and as a number or an instant where it is one."""

    text: str
    number: float | None
    instant: datetime | None

    def compares(self, other: "Value") -> int | None:
        """Return -1, 0 or 1; None where the two have no order."""
        if self.number is not None and other.number is not None:
            return (self.number > other.number) - (self.number < other.number)
        if self.instant is not None and other.instant is not None:
            return (self.instant > other.instant) - (self.instant < other.instant)
        return None


@dataclass(frozen=True, slots=True)
class Condition:
    """What has to hold of one field. `unsaid`: what the field is where it is left out, being the default."""

    text: str
    path: tuple[str, ...]
    operator: str
    values: tuple[Value, ...]
    unsaid: object = None

    @property
    def compares(self) -> bool:
        """Whether it asks for an order."""
        return self.operator in (">=", "<=")

    def holds(self, data: Any) -> bool:
        """Return whether it holds of an event's data, as JSON gives them."""
        return any(self._fits(found) for found in _found(data, self.path, self.unsaid))

    def _fits(self, found: Any) -> bool:
        given = value_of(found)
        match self.operator:
            case "^=":
                return isinstance(found, str) and found.startswith(self.values[0].text)
            case "=" if isinstance(found, str | bool):
                return any(given.text == each.text for each in self.values)
            case "=":
                return any(given.compares(each) == 0 for each in self.values)
            case _:
                order = given.compares(self.values[0])
                return order is not None and order * (1 if self.operator == ">=" else -1) >= 0


def condition(text: str) -> Condition:
    """Read a condition; raises `NoCondition`."""
    found = _FORM.fullmatch(text) if len(text) <= MOST_LENGTH else None
    if found is None:
        raise NoCondition(f"{text[:100]!r} is no condition; write class.code^=63 or quantity>=100")
    values = found[3].split("|") if found[2] == "=" else [found[3]]
    return Condition(text, tuple(found[1].split(".")), found[2], tuple(map(value_of, values)))


def value_of(found: Any) -> Value:
    """Return what JSON, or a condition, says as a value."""
    if isinstance(found, bool):
        return Value("true" if found else "false", None, None)
    if isinstance(found, str):
        return Value(found, _number(found), _instant(found))
    return Value(str(found), float(found) if isinstance(found, int | float) else None, None)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _found(data: Any, path: Sequence[str], unsaid: object) -> Iterator[Any]:
    """Yield what data say under a path; of a list, what each item says."""
    if isinstance(data, list):
        for item in data:
            yield from _found(item, path, unsaid)
    elif not path:
        yield data
    elif isinstance(data, dict) and path[0] in data:
        yield from _found(data[path[0]], path[1:], unsaid)
    elif isinstance(data, dict) and len(path) == 1 and unsaid is not None:
        yield unsaid
