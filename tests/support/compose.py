"""docker-compose.yml as Compose itself reads it, with the values of .env.example."""

import json
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.support.examples import ROOT

SERVICES = {"ingest": 8100, "matcher": 8200, "notifier": 8300}


def compose(*arguments: str, env_file: str = ".env.example") -> subprocess.CompletedProcess[str]:
    """Run the binary itself: the console script of its package always returns 0."""
    spec = find_spec("compose")
    assert spec is not None
    assert spec.origin is not None
    binary = Path(spec.origin).with_name("docker-compose")
    return subprocess.run(
        [binary, "--env-file", env_file, "-f", "docker-compose.yml", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@cache
def model() -> dict[str, Any]:
    """Return the file with everything filled in."""
    done = compose("config", "--format", "json")
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = model()["services"][name]
    return found
