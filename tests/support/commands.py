"""The `tenon` command as a user types it: a process of its own, in a folder of its own, on free ports."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tenon_local import state
from tenon_local.settings import LocalSettings
from tests.support.stack import folder

TENON = str(Path(sys.executable).with_name("tenon"))
_SERVERS = ("KAFKA", "POSTGRES", "INGEST", "MATCHER", "NOTIFIER", "PROMETHEUS")


@dataclass(frozen=True)
class Home:
    """A data folder, and the environment of whoever works with it."""

    data_dir: Path
    env: dict[str, str] = field(default_factory=dict)

    def tenon(self, *arguments: str, told: str | None = None) -> tuple[int, str]:
        """Run a command to its end; return its status and all that it wrote."""
        done = subprocess.run(
            [TENON, *arguments],
            env=self._environment(),
            cwd=self.data_dir,
            input=told,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=200,
            check=False,
        )
        return done.returncode, done.stdout

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Run a command beside the block, with what it writes to be read; it gets Ctrl-C at the end."""
        process = subprocess.Popen(
            [TENON, *arguments],
            env=self._environment(),
            cwd=self.data_dir,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                process.send_signal(signal.SIGINT)

    def state(self) -> state.State:
        """What the stack has written down of itself."""
        found = state.read(self.data_dir)
        assert found is not None
        return found

    def _environment(self) -> dict[str, str]:
        others = {name: value for name, value in os.environ.items() if not name.startswith("TENON_")}
        ports = {f"TENON_{name}_PORT": "0" for name in _SERVERS}
        own = {
            "TENON_DATA_DIR": str(self.data_dir),
            "TENON_JARS_DIR": str(LocalSettings().jars_dir.absolute()),
        }
        return {**others, "COLUMNS": "300", "PYTHONUNBUFFERED": "1", **ports, **own, **self.env}


@contextmanager
def home(**env: str) -> Iterator[Home]:
    """A new folder; whatever still runs on it at the end is ended."""
    with folder() as path:
        made = Home(path, env)
        try:
            yield made
        finally:
            if state.read(path) is not None:
                made.tenon("down")
