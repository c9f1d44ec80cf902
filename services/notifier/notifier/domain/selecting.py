"""Which events of a feed a reader wants: types, and conditions on what they say. The same for every way.

What can never fit any event is refused with the reason, by the types themselves: a field that no wanted type
has, a value that the field can't have, conditions that exclude each other. Conditions are tried on what the
reader may see.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import combinations
from typing import Any, Final

import msgspec
from msgspec import inspect

from notifier.domain.conditions import Condition, NoCondition, condition
from notifier.domain.visibility import TOLD
from tenon.contracts.families import FAMILIES
from tenon.contracts.values import DECIMAL_PATTERN

MOST_CONDITIONS: Final = 20
_NOWHERE: Final = "no wanted event has a field"


class NeverFits(ValueError):
    """No event could fit; `place` (`types` or `where`) says what is wrong, the message why."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(why)
        self.place = place


@dataclass(frozen=True, slots=True)
class Selection:
    """What a reader wants; no types: every type; no conditions: whatever they say."""

    types: frozenset[str] = frozenset()
    conditions: tuple[Condition, ...] = ()

    @property
    def sifts(self) -> bool:
        """Whether there is anything that is not wanted."""
        return bool(self.types or self.conditions)

    def wants(self, event_type: str, body: bytes) -> bool:
        """Return whether an event of a feed is wanted; `body` is its CloudEvent in JSON."""
        if self.types and event_type not in self.types:
            return False
        if not self.conditions:
            return True
        data = msgspec.json.decode(body)["data"]
        return all(each.holds(data) for each in self.conditions)


def selection(types: Iterable[str], where: Sequence[str]) -> Selection:
    """Return what a reader wants; raises `NeverFits`."""
    wanted = frozenset(types)
    for name in sorted(wanted):
        if name not in FAMILIES:
            raise NeverFits("types", f"{name} is not an event type")
        if name not in TOLD:
            raise NeverFits("types", f"{name} is told to nobody: it is in no feed")
    if len(where) > MOST_CONDITIONS:
        raise NeverFits("where", f"more than {MOST_CONDITIONS} conditions")
    try:
        found = restored(wanted, where)
    except NoCondition as error:
        raise NeverFits("where", str(error)) from error
    _check(wanted or TOLD, found.conditions)
    return found


def restored(types: Iterable[str], where: Sequence[str]) -> Selection:
    """Return a selection that was checked when it was stored."""
    return _restored(frozenset(types), tuple(where))


@lru_cache(maxsize=2_000)
def _restored(wanted: frozenset[str], where: tuple[str, ...]) -> Selection:
    return Selection(wanted, tuple(_with_default(condition(text), wanted or TOLD) for text in where))


def _with_default(asked: Condition, types: Iterable[str]) -> Condition:
    """Return a condition that knows what its field is where an event leaves it out."""
    for name in types if len(asked.path) > 1 else ():
        for holder in _kinds(inspect.type_info(FAMILIES[name].data), asked.path[:-1]):
            for each in holder.fields if isinstance(holder, inspect.StructType) else ():
                if each.encode_name == asked.path[-1] and isinstance(each.default, str | bool):
                    return replace(asked, unsaid=each.default)
    return asked


def _check(types: Iterable[str], conditions: Sequence[Condition]) -> None:
    """Raise `NeverFits` unless an event of some type may fit."""
    for left, right in combinations(conditions, 2):
        if left.path == right.path and (_exclude(left, right) or _exclude(right, left)):
            raise NeverFits("where", f"{left.text} and {right.text} exclude each other")
    faults = [_first_fault(name, conditions) for name in sorted(types)]
    if all(faults):
        # What is wrong with a value says more than that other types lack the field.
        raise NeverFits("where", min(filter(None, faults), key=lambda fault: fault.startswith(_NOWHERE)))


def _first_fault(event_type: str, conditions: Sequence[Condition]) -> str | None:
    return next((why for each in conditions if (why := _fault(event_type, each))), None)


def _fault(event_type: str, asked: Condition) -> str | None:
    """Return why no event of a type fits a condition."""
    kinds = list(_kinds(inspect.type_info(FAMILIES[event_type].data), asked.path))
    name = ".".join(asked.path)
    if not kinds:
        return f"{_NOWHERE} {name}"
    if not any(_suits(kind, asked) for kind in kinds):
        return f"{asked.text}: {name} can't be that"
    stem = event_type.split(".")
    if stem[1] == "docking" and name == "status" and not asked.holds({"status": stem[2]}):
        return f"{asked.text}: of the wanted events none has that status"
    return None


def _exclude(left: Condition, right: Condition) -> bool:
    """True when no value fits both. Of a list each may be another item's."""
    if _is_listed(left.path):
        return False
    if left.operator == "=":
        return not any(right.holds(_nested(right.path, each.text, each.number)) for each in left.values)
    if left.operator == right.operator == "^=":
        one, two = left.values[0].text, right.values[0].text
        return not (one.startswith(two) or two.startswith(one))
    if (left.operator, right.operator) == (">=", "<="):
        return left.values[0].compares(right.values[0]) == 1
    return False


@cache
def _is_listed(path: tuple[str, ...]) -> bool:
    """True when a field may be that of several items."""
    kinds = [inspect.type_info(FAMILIES[name].data) for name in TOLD]
    return any([*_kinds(kind, path)] != [*_kinds(kind, path, lists=False)] for kind in kinds)


def _nested(path: Sequence[str], text: str, number: float | None) -> Any:
    """Return data that say under a path a value as text, and as a number where it is one."""
    said: Any = [text] if number is None else [text, number]
    for name in reversed(path):
        said = {name: said}
    return said


def _kinds(info: Any, path: Sequence[str], *, lists: bool = True) -> Iterator[Any]:
    """Yield the types that a field may have, with those of items of `lists`, or without."""
    match info:
        case inspect.Metadata():
            within = [(info.type, path)]
        case inspect.UnionType():
            within = [(each, path) for each in info.types]
        case inspect.ListType():
            within = [(info.item_type, path)] if lists else []
        case inspect.StructType() if path:
            within = [(each.type, path[1:]) for each in info.fields if each.encode_name == path[0]]
        case inspect.DictType() if path:
            within = [(info.value_type, path[1:])]
        case _:
            within = []
            if not path:
                yield info
    for inner, rest in within:
        yield from _kinds(inner, rest, lists=lists)


def _suits(kind: Any, asked: Condition) -> bool:
    """Return whether a value of this type may fit."""
    match kind:
        case inspect.LiteralType():
            values = [_nested(asked.path, str(each), None) for each in kind.values]
            return not asked.compares and any(asked.holds(each) for each in values)
        case inspect.BoolType():
            return asked.operator == "=" and any(each.text in ("true", "false") for each in asked.values)
        case inspect.StrType() if asked.compares:
            return kind.pattern == DECIMAL_PATTERN and asked.values[0].number is not None
        case inspect.StrType():
            return True
        case inspect.IntType() | inspect.FloatType() | inspect.DecimalType():
            return asked.operator != "^=" and any(each.number is not None for each in asked.values)
        case inspect.DateTimeType():
            return asked.operator != "^=" and any(each.instant is not None for each in asked.values)
        case _:
            return False
