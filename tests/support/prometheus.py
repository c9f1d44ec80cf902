"""Prometheus and promtool of this machine; installed where they are missing and can be."""

import os
import shutil
import subprocess

import pytest


def program(name: str) -> str:
    """Return the path of `prometheus` or `promtool`; skips the test where there is none, fails it in CI."""
    found = shutil.which(name) or _installed(name)
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


def _installed(name: str) -> str | None:
    """Install Debian's package, which has both; None where that can't be done."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", "prometheus"]):
        if subprocess.run(
            ["apt-get", *step], env=env, capture_output=True, timeout=300, check=False
        ).returncode:
            return None
    return shutil.which(name)
