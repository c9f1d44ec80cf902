"""A database with the shared tables, as a service of our own would have it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tenon.db import Database
from tenon.migrations import migrate

PACKAGE = "tests.support.toy"
SCHEMA = "toy"


@asynccontextmanager
async def toy_database(url: str) -> AsyncIterator[Database]:
    """Migrate, and connect."""
    await migrate(url, package=PACKAGE)
    async with Database.connect(url, schema=SCHEMA) as database:
        yield database
