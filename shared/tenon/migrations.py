"""Bringing a service's schema up to date with the migrations it is packaged with.

A service keeps Alembic's `versions/` and an `env.py` of one statement in its `migrations` package:

    from tenon.migrations import run_env
    run_env(metadata)

The version table lives in the service's own schema. All steps of one upgrade are one transaction under an
advisory lock, so any number of replicas may start at once and a failed step leaves nothing behind. A version
is frozen: it spells out its statements, or uses the frozen `DDL_V1` of `tenon.positions`, `tenon.lease` and
`tenon.outbox`.
"""

import importlib
from pathlib import Path
from zlib import crc32

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text

from tenon.db import Database
from tenon.errors import Misconfigured

_LOCK_SPACE = 0x7E00


async def migrate(url: str, *, package: str) -> None:
    """Upgrade the schema named as the package to its newest migration; makes it where it is missing."""
    schema = package.rpartition(".")[2]
    patient = Database.connect(url, schema=schema, pool_size=2, statement_deadline_ms=None)
    async with patient as database, database.begin() as connection:
        await connection.run_sync(_upgrade, package, schema)


def run_env(metadata: MetaData) -> None:
    """Run the migrations on the connection that `migrate` prepared: all that an `env.py` has to do."""
    attributes = context.config.attributes
    if "connection" not in attributes:
        raise Misconfigured("migrations are run by `python -m <service> migrate`, not by the alembic command")
    context.configure(
        connection=attributes["connection"],
        target_metadata=metadata,
        version_table_schema=attributes["schema"],
        transactional_ddl=True,
    )
    context.run_migrations()


def _upgrade(connection: Connection, package: str, schema: str) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:space, :key)"), _lock_key(schema))
    # CREATE SCHEMA IF NOT EXISTS asks for the right to create even where the schema is there already.
    if connection.execute(text("SELECT to_regnamespace(:name)"), {"name": f'"{schema}"'}).scalar() is None:
        connection.execute(text(f'CREATE SCHEMA "{schema}"'))
    config = Config()
    config.set_main_option("script_location", str(_folder(package)).replace("%", "%%"))
    config.attributes.update(connection=connection, schema=schema)
    command.upgrade(config, "head")


def _lock_key(schema: str) -> dict[str, int]:
    return {"space": _LOCK_SPACE, "key": crc32(schema.encode()) & 0x7FFFFFFF}


def _folder(package: str) -> Path:
    module = importlib.import_module(f"{package}.migrations")
    if module.__file__ is None:
        raise Misconfigured(f"{package}.migrations has no __init__.py")
    return Path(module.__file__).parent
