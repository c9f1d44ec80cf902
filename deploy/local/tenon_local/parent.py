"""Ties a child's life to ours: what we start never outlives us. Knows nothing of what is started.

On Linux the kernel ends a child when the *thread* that started it ends, so processes are started from the
main thread. Elsewhere `atexit` does what it can, and the next start clears away what the state file names.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_groups: set[int] = set()


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """A function to run in the child before exec, so that the kernel sends it `death_signal` when we end."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arm() -> None:
        prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # we ended between fork and prctl
            os._exit(1)

    return arm


def remember_group(pid: int) -> None:
    """Kill the process group of `pid` when the interpreter exits, unless it is forgotten before."""
    _groups.add(pid)


def forget_group(pid: int) -> None:
    """The group has ended; its number may be used again by others."""
    _groups.discard(pid)


@atexit.register
def _kill_groups() -> None:
    for pid in _groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
