"""One replica of a service as a process, and the run of its migrations.

Knows only what every service has in common.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tenon_local.ports import HOST
from tenon_local.probe import http_get
from tenon_local.process import ManagedProcess

READY_TIMEOUT_S = 60
READY_POLL_S = 0.1
STOP_TIMEOUT_S = 20
MIGRATE_TIMEOUT_S = 120


@dataclass(frozen=True)
class ServiceProcess:
    """`python -m SERVICE` as replica `number` (from 1), with its own port and log file."""

    service: str
    number: int
    port: int
    process: ManagedProcess

    @classmethod
    def build(
        cls, service: str, number: int, port: int, env: Mapping[str, str], log_dir: Path
    ) -> ServiceProcess:
        """A replica that listens on `port` of the loopback address and is told `env` beside."""
        name = f"{service}-{number}"
        own = {"TENON_HTTP_HOST": HOST, "TENON_HTTP_PORT": str(port), "TENON_INSTANCE": name}
        command = (sys.executable, "-m", service)
        return cls(
            service, number, port, ManagedProcess(name, command, log_dir / f"{name}.log", {**env, **own})
        )

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Start it, unless it runs; does not wait."""
        self.process.start()

    async def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when `GET /health/ready` says 200. Raises ProcessFailed when it ends, or at `timeout_s`."""
        await self.process.wait_ready(self.is_ready, timeout_s, READY_POLL_S)

    async def is_ready(self) -> bool:
        """Whether it can do its work now, as it says itself."""
        status, _ = await http_get(HOST, self.port, "/health/ready")
        return status == 200

    async def stop(self) -> bool:
        """Let it end in order; returns whether it did within its time."""
        return await self.process.stop(STOP_TIMEOUT_S)

    async def kill(self) -> None:
        """kill -9; returns when it is gone."""
        await self.process.kill()

    async def restart(self, *, hard: bool = False) -> None:
        """End it (`hard`: kill -9), start it again, and return when it is ready."""
        await (self.kill() if hard else self.stop())
        self.start()
        await self.wait_ready()

    def freeze(self) -> None:
        """SIGSTOP: it lives, and does nothing."""
        self.process.freeze()

    def thaw(self) -> None:
        """SIGCONT after a freeze."""
        self.process.thaw()

    def send(self, number: signal.Signals) -> None:
        """Any other signal."""
        self.process.send(number)


async def migrate(service: str, owner_url: str, env: Mapping[str, str], log_dir: Path) -> None:
    """Bring the service's schema up to date, as the role that owns it. Raises ProcessFailed with the log."""
    name = f"{service}-migrate"
    command = (sys.executable, "-m", service, "migrate")
    run = ManagedProcess(name, command, log_dir / f"{name}.log", {**env, "TENON_DATABASE_URL": owner_url})
    run.start()
    try:
        code = await run.wait_exit(MIGRATE_TIMEOUT_S)
    except BaseException:
        await run.kill()
        raise
    if code != 0:
        raise run.failure(f"ended with code {code}")
