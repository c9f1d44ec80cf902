"""A backup of a database, taken and put back as an operator does it, on the server of the test run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.support.stack import PostgresServer


@dataclass(frozen=True)
class Backup:
    """A copy of a database as it was at a moment. Nothing may be connected to either while it is copied."""

    server: PostgresServer
    url: str
    name: str

    async def put_back(self) -> None:
        """Put the older state in the place of the database."""
        lost = self.url.rpartition("/")[2]
        await self._psql(f"DROP DATABASE {lost} WITH (FORCE)")
        await self._psql(f"CREATE DATABASE {lost} TEMPLATE {self.name}")

    async def _psql(self, statement: str) -> None:
        await self.server.server.psql(statement, "postgres")


@asynccontextmanager
async def backup(server: PostgresServer, url: str) -> AsyncIterator[Backup]:
    """Copy a database; the copy is gone at the end."""
    source = url.rpartition("/")[2]
    taken = Backup(server, url, f"{source}_backup")
    await server.server.psql(f"CREATE DATABASE {taken.name} TEMPLATE {source}", "postgres")
    try:
        yield taken
    finally:
        await server.server.psql(f"DROP DATABASE IF EXISTS {taken.name} WITH (FORCE)", "postgres")
