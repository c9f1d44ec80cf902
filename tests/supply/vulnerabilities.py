"""Known vulnerabilities of the locked packages, as far as anybody can be asked.

The tool that asks says "none found" of packages that the registry knows nothing of. Here every package was
looked at, or it is said loudly that it was not.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.supply.lock import FOLDER, locked

_TIMEOUT_S = 60
_PROBE_TIMEOUT_S = 10


class NotAsked(Exception):
    """Nobody could be asked; the message says why."""


@dataclass(frozen=True)
class Vulnerability:
    """A known one, and the versions without it."""

    package: str
    version: str
    name: str
    fixed: tuple[str, ...]

    def __str__(self) -> str:
        fixed = f"fixed in {', '.join(self.fixed)}: make lock LOCK_ARGS='--upgrade-package {self.package}'"
        without = "no version without it yet: take another package, or a step back"
        return f"{self.package} {self.version}: {self.name}; {fixed if self.fixed else without}"


def vulnerabilities() -> list[Vulnerability]:
    """Return what is known of all locked packages; raise `NotAsked`."""
    first = locked("dev")[0]
    with TemporaryDirectory() as folder:
        probe = Path(folder) / "probe.txt"
        probe.write_text(f"{first.name}=={first.version}\n")
        list(found(asked(["--no-deps", "-r", str(probe)], _PROBE_TIMEOUT_S)))
    return list(found(asked(["--require-hashes", "-r", str(FOLDER / "dev.txt")], _TIMEOUT_S)))


def found(report: Any) -> Iterator[Vulnerability]:
    """Yield what a report holds; raise `NotAsked` when it leaves packages out."""
    left_out = [each["name"] for each in report["dependencies"] if "skip_reason" in each]
    if left_out:
        raise NotAsked(f"the registry says nothing of {len(left_out)} packages, {left_out[0]} among them")
    for each in report["dependencies"]:
        for known in each["vulns"]:
            yield Vulnerability(each["name"], each["version"], known["id"], tuple(known["fix_versions"]))


def asked(arguments: Sequence[str], timeout_s: int) -> Any:
    """Return the report of pip-audit; raise `NotAsked`."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--progress-spinner", "off", "-f", "json"]
    try:
        done = subprocess.run([*command, *arguments], capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        raise NotAsked(f"no answer within {timeout_s} s") from None
    try:
        return json.loads(done.stdout)
    except ValueError:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["nothing was said"]
        raise NotAsked(said[-1][:300]) from None
