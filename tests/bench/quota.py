"""A share of a core for a process, by Linux control groups: so that scale-out shows on a small machine.

Version 1 (`cpu.cfs_quota_us`) and 2 (`cpu.max`), see Documentation/scheduler/sched-bwc.rst of the kernel.
Needs the right to make a group, as root has. Must not know what a process does.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.failing import BenchFailed

_PERIOD_US = 10_000
_ROOTS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))


class Quotas:
    """Groups of this run, one for each process."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made: list[Path] = []

    def limit(self, pid: int, share: float) -> None:
        """Let a process, and what it starts later, have at most so much of one core."""
        group = self._root / f"tenon-bench-{os.getpid()}-{pid}"
        group.mkdir()
        self._made.append(group)
        quota_us = round(share * _PERIOD_US)
        if (group / "cpu.max").exists():
            (group / "cpu.max").write_text(f"{quota_us} {_PERIOD_US}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota_us))
        self._move(group, pid)

    def lift(self) -> None:
        """Let all of them have what they like again."""
        for group in self._made:
            for pid in (group / "cgroup.procs").read_text().split():
                self._move(self._root, int(pid))
            group.rmdir()
        self._made.clear()

    @staticmethod
    def _move(group: Path, pid: int) -> None:
        (group / "cgroup.procs").write_text(str(pid))


@contextmanager
def quotas() -> Iterator[Quotas]:
    """Yield groups that are gone at the end; raises BenchFailed where this machine has none for us."""
    root = next((root for root in _ROOTS if _serves(root)), None)
    if root is None:
        raise BenchFailed(
            "shares of a core need a cpu controller of control groups that this user may write"
            f" ({' or '.join(map(str, _ROOTS))}); run it as root, or leave the part `scale` out"
        )
    made = Quotas(root)
    try:
        yield made
    finally:
        made.lift()


def _serves(root: Path) -> bool:
    """True where a group made there has a quota."""
    probe = root / f"tenon-bench-{os.getpid()}"
    try:
        probe.mkdir()
    except OSError:
        return False
    try:
        return (probe / "cpu.max").exists() or (probe / "cpu.cfs_quota_us").exists()
    finally:
        probe.rmdir()
