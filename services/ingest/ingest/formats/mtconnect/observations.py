"""What an agent said, whatever it was written in: the header of a document, and observations in order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["execution", "program", "part_count", "condition"]
UNAVAILABLE = "UNAVAILABLE"


class Unreadable(ValueError):
    """A document can't be used at all: why, and what would be right."""

    def __init__(self, reason: str, expected: str) -> None:
        super().__init__(f"{reason}; expected {expected}")
        self.reason, self.expected = reason, expected


@dataclass(frozen=True, slots=True)
class AgentError(Exception):
    """The agent answered with errors of its own: their codes, and its first words."""

    codes: tuple[str, ...]
    words: str

    @property
    def lost(self) -> bool:
        """True where what was asked for is not in the agent's buffer (any more)."""
        return "OUT_OF_RANGE" in self.codes


@dataclass(frozen=True, slots=True)
class Header:
    """Who answers (`instance` changes when an agent starts anew), and what its buffer holds."""

    instance: int
    first: int
    last: int
    next: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Observation:
    """One value of one data item. A condition's value is its level; it has a code and a text too."""

    sequence: int
    at: datetime
    kind: Kind
    item: str
    value: str
    subtype: str = ""
    code: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """What a request was answered with, in order of sequence; `seen` counts those of other kinds too."""

    header: Header
    observations: tuple[Observation, ...]
    seen: int
