"""Decision tables as the standards have them: one row per case, in order; the first that matches is it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, TypeVar

F = TypeVar("F")
Action = Literal["ignore", "create", "overwrite", "delete"]
Age = Literal["newer", "same", "older"]


@dataclass(frozen=True, slots=True)
class Case(Generic[F]):
    """A row: its number and clause, when it matches, what is done, what is answered and why."""

    number: int
    clause: str
    when: Callable[[F], bool]
    action: Action
    status: int
    at: str = ""
    reason: str = ""
    expected: str = ""


def decide(table: Sequence[Case[F]], facts: F) -> Case[F]:
    """Return the case that a message is; each table has one for whatever comes."""
    return next(case for case in table if case.when(facts))


def age_of(changed: datetime, known: datetime | None) -> Age | None:
    """Say how a change stands to what is known; None when nothing is."""
    if known is None:
        return None
    return "newer" if changed > known else "same" if changed == known else "older"
