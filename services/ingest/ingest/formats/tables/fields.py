"""What a kind of table is, and a field of it; `kinds` lists them."""

from dataclasses import dataclass
from typing import Literal

Reading = Literal[
    "id",
    "code",
    "text",
    "number",
    "whole",
    "metres",
    "kilometres",
    "days",
    "hours",
    "unit",
    "currency",
    "region",
    "choice",
    "flag",
    "ids",
    "moment",
    "day",
    "week",
    "month",
    "last",
    "place",
]


@dataclass(frozen=True, slots=True)
class Field:
    """A column that a kind may have. `at`: where its value goes, by names; () where `rows` decides it."""

    name: str
    reading: Reading
    at: tuple[str, ...]
    names: str = ""
    needed: bool = False
    example: str = ""
    about: str = ""
    each: bool = False
    """True where each row of an id says its own: a part of its windows, or of its distances."""

    @property
    def usual(self) -> list[str]:
        """The names that it usually has beside its own; `names` holds them with strokes between."""
        return [name.strip() for name in self.names.split("|") if name.strip()]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of table. `ids`: the fields whose values are one event's; rows that share them are one event."""

    name: str
    event_type: str
    ids: tuple[str, ...]
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        """Return a field by its name."""
        return next((field for field in self.fields if field.name == name), None)


SPANS: tuple[Reading, ...] = ("day", "week", "month")
"""Fields that say both ends of a window."""
