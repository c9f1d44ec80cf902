"""The script that a PostgreSQL container runs at its first start, run against the real server."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tenon.migrations import migrate
from tenon_local.postgres.binaries import program
from tests.support.compose import SERVICES
from tests.support.examples import ROOT
from tests.support.stack import PostgresServer, running_postgres

FOLDER = ROOT / "deploy" / "docker" / "postgres"
ROLES = [*(f"{name}{part}" for name in SERVICES for part in ("", "_owner")), "auditor"]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server as a container has it: the database, and none of our roles; then the script has run twice."""
    with running_postgres() as found:
        for role in ROLES:
            asyncio.run(found.server.psql(f"DROP OWNED BY {role} CASCADE"))
        for role in ROLES:
            asyncio.run(found.server.psql(f"DROP ROLE {role}"))
        for _ in range(2):
            run_script(found)
        yield found


def run_script(server: PostgresServer) -> None:
    environment = {
        "PATH": f"{Path(program('psql')).parent}:/usr/bin:/bin",
        "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", ""),
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.server.port),
        "PGPASSWORD": server.password,
        "POSTGRES_USER": "postgres",
        "POSTGRES_DB": "tenon",
        "ROLES_SQL": str(FOLDER / "roles.sql"),
        **{f"{role}_PASSWORD".upper(): f"pw-of_{role}" for role in ROLES},
    }
    done = subprocess.run(
        ["sh", FOLDER / "10-roles.sh"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def url(server: PostgresServer, role: str) -> str:
    return f"postgresql://{role}:pw-of_{role}@127.0.0.1:{server.server.port}/tenon"


@pytest.mark.parametrize("service", SERVICES)
async def test_the_owner_migrates_and_the_service_works_with_rows_alone(
    server: PostgresServer, service: str
) -> None:
    await migrate(url(server, f"{service}_owner"), package=service)
    connection = await asyncpg.connect(url(server, service))
    try:
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename <> 'alembic_version'",
            service,
        )
        assert tables
        for (table,) in tables:
            await connection.fetch(f"SELECT * FROM {service}.{table} LIMIT 1")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"CREATE TABLE {service}.own (id int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE TABLE public.own (id int)")
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_no_service_reads_another_ones_schema(server: PostgresServer, service: str) -> None:
    connection = await asyncpg.connect(url(server, service))
    try:
        for other in SERVICES:
            allowed = await connection.fetchval("SELECT has_schema_privilege($1, 'USAGE')", other)
            assert allowed is (other == service)
    finally:
        await connection.close()


async def test_the_auditor_reads_every_table_and_changes_nothing(server: PostgresServer) -> None:
    for service in SERVICES:
        await migrate(url(server, f"{service}_owner"), package=service)
    connection = await asyncpg.connect(url(server, "auditor"))
    try:
        tables = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY ($1)", list(SERVICES)
        )
        assert {schema for schema, _ in tables} == set(SERVICES)
        for schema, table in tables:
            await connection.fetch(f"SELECT * FROM {schema}.{table} LIMIT 1")
            for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"):
                assert not await connection.fetchval(
                    "SELECT has_table_privilege($1, $2)", f"{schema}.{table}", right
                )
        functions = await connection.fetch(
            "SELECT p.oid::regprocedure::text, has_function_privilege(p.oid, 'EXECUTE') FROM pg_proc p"
            " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY ($1)",
            list(SERVICES),
        )
        assert functions
        assert [name for name, allowed in functions if allowed] == []
        for schema in (*SERVICES, "public"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"CREATE TABLE {schema}.own (id int)")
    finally:
        await connection.close()


async def test_the_auditor_reads_tables_that_were_there_before_it(server: PostgresServer) -> None:
    await migrate(url(server, "ingest_owner"), package="ingest")
    await server.server.psql("DROP OWNED BY auditor; DROP ROLE auditor")
    await asyncio.to_thread(run_script, server)
    connection = await asyncpg.connect(url(server, "auditor"))
    try:
        await connection.fetch("SELECT * FROM ingest.alembic_version")
    finally:
        await connection.close()
