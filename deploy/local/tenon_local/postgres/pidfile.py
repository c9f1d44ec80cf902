"""The file in which a server says that it runs, when that server was killed.

PostgreSQL does not start while a process of that number exists, and a killed one exists until its parent has
collected it: moments later, or never where process 1 of a container collects nobody.
"""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from tenon_local.process import Identity

PATIENCE_S = 5.0
POLL_S = 0.05


def forget_the_dead(file: Path, patience_s: float = PATIENCE_S) -> None:
    """Return when the server that wrote the file is collected; remove the file when nobody does that."""
    ends = time.monotonic() + patience_s
    while _is_uncollected(file):
        if time.monotonic() > ends:
            file.unlink(missing_ok=True)
            return
        time.sleep(POLL_S)


def _is_uncollected(file: Path) -> bool:
    pid = file.read_text().split("\n", 1)[0] if file.exists() else ""
    return pid.isdecimal() and psutil.pid_exists(int(pid)) and Identity.of(int(pid)) is None
