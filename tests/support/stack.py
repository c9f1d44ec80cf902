"""The real Kafka and PostgreSQL that tests run against: one of each for a whole run of pytest.

Tests stay apart by name, not by server: each gets a topic prefix and a database of its own. Processes are
children of the test run and die with it.
"""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tenon.kafka import KafkaSettings
from tenon_local.jars import JarStore
from tenon_local.kafka import Access, EmbeddedKafka, Java
from tenon_local.kafka.access import Tls
from tenon_local.postgres import EmbeddedPostgres
from tenon_local.secrets import Secrets
from tenon_local.settings import LocalSettings

_counter = itertools.count(1)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of the run that the unprivileged user PostgreSQL runs as may enter; gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix="tenon-tests-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def running_kafka(
    brokers: int = 1, *, secure: bool = False, tls: Tls | None = None, **settings: str
) -> Iterator[EmbeddedKafka]:
    """Kafka of its own, for a test that kills or freezes it; others use the fixture `kafka`.

    Plain, as tests of the library want it; `secure`: as the stack has it, with sign-in and access rules.
    """
    jars = JarStore.of_lock(LocalSettings().jars_dir)
    jars.fetch()
    with folder() as path:
        access = Access.of(Secrets.of(path / "secrets.json"), tls) if secure else None
        kafka = EmbeddedKafka(path, Java.of(jars), brokers=brokers, access=access, settings=settings)
        try:
            asyncio.run(kafka.start())
            yield kafka
        finally:
            asyncio.run(kafka.kill())


@dataclass
class PostgresServer:
    """A running PostgreSQL; `fresh` makes a database that nobody else uses."""

    server: EmbeddedPostgres
    password: str
    databases: list[str] = field(default_factory=list)

    def fresh(self, copy_of: str = "") -> str:
        """Make an empty database, or a copy of one that nobody uses; return the address of its superuser."""
        name = f"test_{os.getpid()}_{next(_counter)}"
        template = f" TEMPLATE {copy_of.rpartition('/')[2]}" if copy_of else ""
        asyncio.run(self.server.psql(f"CREATE DATABASE {name}{template}", "postgres"))
        self.databases.append(name)
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.server.port}/{name}"

    def drop(self, url: str) -> None:
        """Remove a database and end whatever is still connected to it."""
        name = url.rpartition("/")[2]
        asyncio.run(self.server.psql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", "postgres"))


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """PostgreSQL of its own, for a test that kills it; others use the fixture `postgres`."""
    with folder() as path:
        secrets = Secrets.of(path / "secrets.json")
        server = EmbeddedPostgres(path, secrets=secrets)
        try:
            asyncio.run(server.start())
            yield PostgresServer(server, secrets.get("postgres.superuser"))
        finally:
            asyncio.run(server.kill())


def fresh_prefix() -> str:
    """A topic prefix that no other test uses."""
    return f"t{os.getpid()}.{next(_counter)}."


def settings_for(kafka: EmbeddedKafka) -> KafkaSettings:
    """How a test reaches a cluster, under names of its own."""
    return replace(kafka.settings_for(client_id="test"), prefix=fresh_prefix(), request_timeout_ms=5_000)
