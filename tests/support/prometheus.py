"""Prometheus and promtool of this machine; installed where they are missing and can be."""

import os
import shutil
import subprocess
from functools import cache

import pytest

_INSTALL_S = 100


def program(name: str) -> str:
    """Return the path of `prometheus` or `promtool`; skips the test where there is none, fails it in CI."""
    if shutil.which(name) is None:
        _install()
    found = shutil.which(name)
    if found is None:
        why = f"{name} is not on PATH: apt-get update && apt-get install -y prometheus, as root"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    return found


def promtool(*arguments: str, told: bytes | None = None) -> str:
    """Run promtool; return what it says, and fail where it finds a fault."""
    done = subprocess.run(
        [program("promtool"), *arguments],
        input=told,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    said = done.stdout.decode()
    assert done.returncode == 0, said
    return said


@cache
def _install() -> None:
    """Install Debian's package, which has both, where that can be done; tried once."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    script = "apt-get update -q && apt-get install -y -q --no-install-recommends prometheus"
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(["sh", "-c", script], env=env, capture_output=True, timeout=_INSTALL_S, check=True)
    except subprocess.SubprocessError as error:
        print(f"prometheus was not installed: {error}")
