"""Migrations on the real database."""

import asyncio

import pytest

from tenon.db import Database
from tenon.errors import Misconfigured
from tenon.migrations import migrate
from tests.support.toys import PACKAGE, SCHEMA


async def test_two_replicas_may_migrate_at_once(postgres: str) -> None:
    await asyncio.gather(*(migrate(postgres, package=PACKAGE) for _ in range(4)))
    async with Database.connect(postgres, schema=SCHEMA) as database:
        assert await database.fetchval("SELECT version_num FROM toy.alembic_version") == "0003"
        assert await database.fetchval("SELECT count(*) FROM positions") == 0


async def test_migrating_again_changes_nothing(postgres: str) -> None:
    await migrate(postgres, package=PACKAGE)
    async with Database.connect(postgres, schema=SCHEMA) as database:
        await database.execute("INSERT INTO effects (value) VALUES (1)")
        await migrate(postgres, package=PACKAGE)
        assert await database.fetchval("SELECT count(*) FROM effects") == 1


async def test_everything_lands_in_the_schema_of_the_service(postgres: str) -> None:
    await migrate(postgres, package=PACKAGE)
    async with Database.connect(postgres, schema=SCHEMA) as database:
        rows = await database.fetch(
            "SELECT DISTINCT schemaname FROM pg_tables WHERE schemaname !~ '^(pg_|inf)'"
        )
    assert [row[0] for row in rows] == [SCHEMA]


async def test_a_schema_that_was_never_migrated_says_which_command_to_run(postgres: str) -> None:
    async with Database.connect(postgres, schema=SCHEMA) as database:
        with pytest.raises(Misconfigured, match=r"python -m <service> migrate"):
            await database.fetch("SELECT * FROM effects")
