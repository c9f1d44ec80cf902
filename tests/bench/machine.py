"""What the figures were measured on, and of which commit."""

import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import psutil

_ROOT = Path(__file__).resolve().parents[2]


def facts() -> dict[str, str | int | float | bool]:
    """Return the machine, the interpreter, the commit and the time."""
    return {
        "cpu": _cpu_model(),
        "cores": psutil.cpu_count() or 1,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "commit": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain")),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.*)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def _git(*arguments: str) -> str:
    """Return what git says; nothing where there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=_ROOT, capture_output=True, text=True, timeout=30, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()
