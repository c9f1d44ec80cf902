"""What a run leaves behind: rows and bytes of each table, bytes of each log, for a thousand events."""

from collections.abc import Mapping
from dataclasses import dataclass

from tenon_local.stack import Stack
from tests.bench.measures import Figures
from tests.support.sizes import Kept, tables, topics

ROWS, BYTES, LOG = "rows_per_1000.", "bytes_per_1000.", "log_bytes_per_1000."


@dataclass(frozen=True, slots=True)
class Size:
    """How large everything is at one moment."""

    tables: Mapping[str, Kept]
    topics: Mapping[str, int]


async def read(stack: Stack) -> Size:
    """Look at the tables and the logs of a stack."""
    return Size(await tables(stack.postgres.url("auditor")), await topics(stack.plan.data_dir))


def grown(before: Size, after: Size, events: int) -> Figures:
    """Return by how much each table and each log grew for every thousand of these events."""
    nothing, share = Kept(0, 0), 1000 / max(1, events)
    found: dict[str, float] = {}
    for name, kept in after.tables.items():
        was = before.tables.get(name, nothing)
        found[f"{ROWS}{name}"] = (kept.rows - was.rows) * share
        found[f"{BYTES}{name}"] = (kept.bytes - was.bytes) * share
    for name, size in after.topics.items():
        found[f"{LOG}{name}"] = (size - before.topics.get(name, 0)) * share
    return found


def held(before: Size, after: Size) -> float:
    """Return by how many bytes the tables of a matcher's state grew; what it decided is no part of it."""
    return sum(
        kept.bytes - before.tables[name].bytes
        for name, kept in after.tables.items()
        if name.startswith("matcher.") and name != "matcher.rounds"
    )
