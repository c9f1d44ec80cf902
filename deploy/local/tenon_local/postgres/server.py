"""One PostgreSQL server with the database `tenon`. Decides its settings and its secrets; knows no table."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tenon_local.errors import ProcessFailed
from tenon_local.ports import HOST, claim
from tenon_local.postgres.binaries import program, unprivileged
from tenon_local.postgres.pidfile import forget_the_dead
from tenon_local.postgres.roles import DATABASE, Roles
from tenon_local.process import ManagedProcess
from tenon_local.secrets import Secrets

SUPERUSER = "postgres"
INIT_TIMEOUT_S = 60
READY_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20
# Terse: otherwise a statement that fails is shown, with the password in it.
_PLAIN = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse")
_SAME_EVERYWHERE = ("--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
SETTINGS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "fsync": "on",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "log_line_prefix": "%m %u ",
}


class EmbeddedPostgres:
    """PostgreSQL below `data_dir`; started again on the same folder it has its data and its passwords.

    `port` 0: a free one.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        secrets: Secrets | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.port = claim(port, "PostgreSQL", "TENON_POSTGRES_PORT")
        self._secrets = secrets or Secrets.of(data_dir / "secrets.json")
        self.roles = Roles({role: self._secrets.get(f"postgres.{role}") for role in Roles.names()})
        options = {**SETTINGS, "port": str(self.port), **(settings or {})}
        switches = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        prefix = unprivileged(signal.SIGQUIT)
        self.process = ManagedProcess(
            "postgres",
            (*prefix, program("postgres"), "-D", str(self._cluster), *switches),
            data_dir / "postgres.log",
            stop_signal=signal.SIGINT,  # fast shutdown: sessions are ended, data are written
            death_signal=signal.SIGQUIT,
        )

    @property
    def _cluster(self) -> Path:
        return self.data_dir / "data"

    def url(self, role: str) -> str:
        """The address of the database for one of the roles, e.g. `ingest` or `ingest_owner`."""
        return self.roles.url(role, HOST, self.port)

    async def start(self) -> None:
        """Make the data folder the first time, start, and return when all roles and schemas are there."""
        if not self._cluster.exists():
            await asyncio.to_thread(self._initialise)
        await asyncio.to_thread(forget_the_dead, self._cluster / "postmaster.pid")
        self.process.start()
        await self.wait_ready()
        await self.ensure_roles()

    async def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when the server takes queries, which after a crash is when it has recovered."""
        await self.process.wait_ready(self._answers, timeout_s)

    async def ensure_roles(self) -> None:
        """Make the database and every role and schema that is missing, and give them their passwords."""
        if await self.psql(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'", SUPERUSER) == "":  # noqa: S608 - a constant
            await self.psql(f"CREATE DATABASE {DATABASE}", SUPERUSER)
        await self.psql(self.roles.sql())

    async def psql(self, script: str, database: str = DATABASE) -> str:
        """Run SQL as the superuser and return its rows, unaligned. Raises ProcessFailed with psql's words."""
        code, out, error = await self._psql(script, database)
        if code != 0:
            raise ProcessFailed(f"psql ended with code {code}: {error.strip()}")
        return out.strip()

    async def stop(self) -> None:
        """End in order, with all data written."""
        await self.process.stop(STOP_TIMEOUT_S)

    async def kill(self) -> None:
        """kill -9 of the server and all its sessions."""
        await self.process.kill()

    async def _answers(self) -> bool:
        code, _, _ = await self._psql("SELECT 1", SUPERUSER)
        return code == 0

    async def _psql(self, script: str, database: str) -> tuple[int, str, str]:
        where = ("-h", HOST, "-p", str(self.port), "-U", SUPERUSER)
        password = self._secrets.get("postgres.superuser")
        child = await asyncio.create_subprocess_exec(
            program("psql"),
            *_PLAIN,
            *where,
            database,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PGPASSWORD": password, "PGCONNECT_TIMEOUT": "5"},
        )
        out, error = await child.communicate(script.encode())
        assert child.returncode is not None
        return child.returncode, out.decode(), error.decode()

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there, so that a folder half made is never used."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        fresh = self.data_dir / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", suffix=".password") as password:
            password.write(self._secrets.get("postgres.superuser"))
            password.flush()
            rules = ("-A", "scram-sha-256", "-U", SUPERUSER, f"--pwfile={password.name}")
            shape = ("-E", "UTF8", *_SAME_EVERYWHERE)
            command = (*unprivileged(signal.SIGKILL), program("initdb"), "-D", str(fresh), *rules, *shape)
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=INIT_TIMEOUT_S, check=False
            )
        if done.returncode != 0:
            raise ProcessFailed(f"initdb ended with code {done.returncode}: {done.stderr.strip()}")
        fresh.rename(self._cluster)
