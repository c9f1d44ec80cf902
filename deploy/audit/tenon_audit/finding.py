"""What a check says when something does not hold: which guarantee, what, where, and what to do."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One place where a guarantee does not hold.

    `guarantee`: its number in docs/guarantees.md. `check` names the kind of fault, the same for all of it.
    `where`: the record (`topic/partition@offset`), row (`schema.table key`) or both. `todo`: what to do next.
    """

    guarantee: int
    check: str
    what: str
    where: str
    todo: str


def record(topic: str, partition: int, offset: int) -> str:
    """Name a record."""
    return f"{topic}/{partition}@{offset}"


def row(table: str, *key: object) -> str:
    """Name a row by its table and primary key."""
    return f"{table} {'/'.join(map(str, key))}"


def some(items: list[str], limit: int = 3) -> str:
    """Name the first few of many."""
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(items[:limit]) + more
