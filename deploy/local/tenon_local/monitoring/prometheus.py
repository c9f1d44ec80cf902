"""Prometheus as a process of the stack: told where the services listen, and when somebody has to act.

The program is the machine's own: it is not among our packages.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenon_local.errors import Unsupported
from tenon_local.ports import HOST
from tenon_local.probe import http_get
from tenon_local.process import ManagedProcess
from tenon_local.settings import home

NAME = "prometheus"
EVERY_S = 5
KEPT = "7d"
READY_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10


@dataclass(frozen=True)
class Prometheus:
    """A server that scrapes `targets`: for each service, host:port of its replicas."""

    folder: Path
    port: int
    targets: Mapping[str, Sequence[str]]
    process: ManagedProcess

    @classmethod
    def build(cls, folder: Path, port: int, targets: Mapping[str, Sequence[str]]) -> Prometheus:
        """Raises Unsupported where the machine has no Prometheus."""
        command = (
            _program(),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--storage.tsdb.retention.time={KEPT}",
            f"--web.listen-address={HOST}:{port}",
        )
        log_file = folder.parent / "log" / f"{NAME}.log"
        return cls(folder, port, targets, ManagedProcess(NAME, command, log_file))

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    async def start(self) -> None:
        """Write its configuration, start it, and return when it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "prometheus.yml").write_text(configuration(self.targets))
        self.process.start()
        await self.process.wait_ready(self.is_ready, READY_TIMEOUT_S)

    async def is_ready(self) -> bool:
        """Whether it answers queries."""
        status, _ = await http_get(HOST, self.port, "/-/ready")
        return status == 200

    async def stop(self) -> bool:
        """Let it end in order; returns whether it did within its time."""
        return await self.process.stop(STOP_TIMEOUT_S)


def configuration(targets: Mapping[str, Sequence[str]]) -> str:
    """Return what it scrapes, with the rules of the checkout, as JSON, which is YAML too."""
    return json.dumps(
        {
            "global": {"scrape_interval": f"{EVERY_S}s", "evaluation_interval": f"{EVERY_S}s"},
            "rule_files": [str(home() / "deploy" / "prometheus" / "rules.yml")],
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": list(where)}]}
                for job, where in targets.items()
            ],
        },
        indent=2,
    )


def _program() -> str:
    found = shutil.which(NAME)
    if found is None:
        raise Unsupported(
            "--with-prometheus needs the program prometheus, which is not on PATH. On Debian and Ubuntu:"
            " apt-get update && apt-get install -y prometheus; elsewhere: https://prometheus.io/download"
        )
    return found
