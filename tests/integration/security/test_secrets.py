"""A stack tells its secrets to nobody: no process list, no log, and no file that others may read."""

import asyncio
import json
import stat
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
import pytest

from tenon.client import TenonClient, new_event
from tenon.contracts.intake import PartyRegistered
from tenon_local import state
from tenon_local.errors import ProcessFailed
from tenon_local.plan import Plan
from tenon_local.postgres import SERVICES
from tenon_local.settings import LocalSettings
from tenon_local.stack import Stack
from tests.support.stack import PostgresServer, folder, running_postgres

pytestmark = pytest.mark.timeout(240)
LOOK_EVERY_S = 0.01


@dataclass
class Seen:
    """What was there to be seen of a stack: all its secrets, every command line and what else it left."""

    data_dir: Path
    secrets: dict[str, str]
    database_urls: dict[str, str]
    commands: set[str]


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    """A stack that was made, used, told wrong passwords, and runs."""
    with folder() as path, watched_commands() as commands:
        plan = Plan(path, LocalSettings().jars_dir.absolute(), env={"TENON_LOG_LEVEL": "debug"})
        with asyncio.Runner() as runner:
            stack = runner.run(started(plan))
            try:
                runner.run(use(stack))
                secrets = json.loads((path / "secrets.json").read_text())
                held = state.read(path)
                assert held is not None
                yield Seen(path, secrets, held.database_urls, commands)
            finally:
                runner.run(stack.kill())


async def started(plan: Plan) -> Stack:
    stack = Stack(plan)
    await stack.start()
    return stack


async def use(stack: Stack) -> None:
    """Work of each kind, and a service that is told a wrong password."""
    async with TenonClient(stack.ingest.url, stack.notifier.url, stack.admin_key) as client:
        event = new_event(
            "tenon.party.registered.v1", "test", PartyRegistered(party="a", revision=1, name="A")
        )
        (told,) = await client.publish([event])
        assert told.accepted
    matcher = stack.matcher.process
    right = dict(matcher.env)
    await stack.matcher.stop()
    password = stack.postgres.roles.passwords["matcher"]
    url = right["TENON_DATABASE_URL"].replace(password, "wrong")
    for wrong in ({"TENON_KAFKA_PASSWORD": "wrong"}, {"TENON_DATABASE_URL": url}):
        matcher.env = {**right, **wrong}
        matcher.start()
        assert await matcher.wait_exit(60) == 1
    matcher.env = right
    await stack.matcher.restart()


@contextmanager
def watched_commands() -> Iterator[set[str]]:
    """Every command line of a process below this one, also of those that end at once."""
    found: set[str] = set()
    ending = threading.Event()

    def look() -> None:
        me = psutil.Process()
        while not ending.wait(LOOK_EVERY_S):
            for child in me.children(recursive=True):
                with suppress(psutil.Error):
                    found.add("\0".join(child.cmdline()))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        ending.set()
        thread.join()


def files(data_dir: Path, pattern: str) -> list[Path]:
    return [file for file in data_dir.rglob(pattern) if file.is_file() and "data" not in file.parts]


def test_no_secret_is_in_a_process_list(seen: Seen) -> None:
    told = "\n".join(seen.commands)
    for program in ("initdb", "psql", "postgres", "kafka.Kafka", "kafka.tools.StorageTool", "migrate"):
        assert program in told, f"{program} was not looked at"
    assert [name for name, secret in seen.secrets.items() if secret in told] == []


def test_no_secret_is_in_a_log(seen: Seen) -> None:
    logs = {file: file.read_text(errors="replace") for file in files(seen.data_dir, "*.log")}
    names = {file.name for file in logs}
    assert {"kafka.log", "postgres.log", "ingest-1.log", "matcher-1.log", "notifier-1.log"} <= names
    matcher = next(text for file, text in logs.items() if file.name == "matcher-1.log")
    for variable in ("TENON_KAFKA_PASSWORD", "TENON_DATABASE_URL"):
        assert variable in matcher, "a wrong password was told"
    found = [
        (name, file.name)
        for name, secret in seen.secrets.items()
        for file, text in logs.items()
        if secret in text
    ]
    assert found == []


def test_files_with_secrets_are_their_owners_alone(seen: Seen) -> None:
    holding = [
        file
        for file in files(seen.data_dir, "*")
        if any(secret.encode() in file.read_bytes() for secret in seen.secrets.values())
    ]
    assert {file.name for file in holding} == {"secrets.json", "state.json", "server.properties"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in holding} == {0o600}


@asynccontextmanager
async def connected(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_makes_no_table_and_reads_no_other_schema(seen: Seen, service: str) -> None:
    async def work() -> None:
        async with connected(seen.database_urls[service]) as connection:
            await refused(connection, f"CREATE TABLE {service}.own (id int)")
            await refused(connection, "CREATE TABLE public.own (id int)")
            await refused(connection, "CREATE TEMPORARY TABLE own (id int)")
            for other in set(SERVICES) - {service}:
                await refused(connection, f"SELECT * FROM {other}.alembic_version")
            await connection.fetch(f"SELECT * FROM {service}.alembic_version")
            await refused(connection, f"DROP TABLE {service}.alembic_version")

    asyncio.run(work())


async def refused(connection: "asyncpg.Connection[asyncpg.Record]", statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_postgres() as running:
        yield running


def test_a_role_that_can_not_be_made_does_not_bring_its_password_into_the_log(
    server: PostgresServer,
) -> None:
    roles = server.server.roles
    with pytest.raises(ProcessFailed, match="syntax error") as error:
        asyncio.run(server.server.psql(roles.sql().replace("NOINHERIT", "NO INHERIT")))
    told = (server.server.data_dir / "postgres.log").read_text()
    assert "syntax error" in told
    for secret in roles.passwords.values():
        assert secret not in told
        assert secret not in str(error.value)
