"""How much a stack keeps: rows and bytes of each table with all its periods, bytes of each topic's log."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

_PART = re.compile(r"_(p\d+_\d+|rest)$")
_LOG = re.compile(r"(.+)-\d+")
_TABLES = """
SELECT n.nspname, c.relname, coalesce(pg_total_relation_size(c.oid), 0) AS bytes -- NULL: dropped just now
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = ANY($1::text[]) AND c.relname <> 'alembic_version'
"""
SCHEMAS = ("ingest", "matcher", "notifier")


@dataclass(frozen=True, slots=True)
class Kept:
    """What a table holds."""

    rows: int
    bytes: int


async def tables(url: str) -> Mapping[str, Kept]:
    """Return what each table (`schema.name`) holds; rows are counted one by one."""
    connection = await asyncpg.connect(url)
    try:
        sizes: dict[str, int] = {}
        for schema, name, size in await connection.fetch(_TABLES, list(SCHEMAS)):
            table = f"{schema}.{_PART.sub('', name)}"
            sizes[table] = sizes.get(table, 0) + size
        counts = {name: await connection.fetchval(f"SELECT count(*) FROM {name}") for name in sizes}
        return {name: Kept(counts[name], size) for name, size in sorted(sizes.items())}
    finally:
        await connection.close()


async def topics(data: Path) -> Mapping[str, int]:
    """Return the bytes of each topic's log below a broker's folder."""
    return await asyncio.to_thread(_topics, data)


def _topics(data: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for path in data.rglob("*.log"):
        named = _LOG.fullmatch(path.parent.name)
        if named is not None and path.stem.isdigit():
            found[named[1]] = found.get(named[1], 0) + path.stat().st_size
    return dict(sorted(found.items()))
