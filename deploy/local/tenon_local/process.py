"""One supervised process: its command, its log file, its whole process group.

Decides how it is started, ended and told apart from a later process of the same number. Must not know what
the process does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tenon_local import parent
from tenon_local.errors import ProcessFailed

POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Identity:
    """A process of this machine for all time: its number, and when it was started (an opaque mark)."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """Who has this number now; None when nobody has, or when it has ended and is not yet collected."""
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            return cls(pid, _start_mark(process))
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            return None

    def is_alive(self) -> bool:
        """Whether that very process still runs."""
        return Identity.of(self.pid) == self

    def kill(self) -> None:
        """Kill the process, its group and its descendants, if it still is that process."""
        if self.is_alive():
            signal_tree(self.pid, signal.SIGKILL)


def _start_mark(process: psutil.Process) -> str:
    """Ticks since boot where there is /proc, for steps of the wall clock don't move them; else the time."""
    stat = Path(f"/proc/{process.pid}/stat")
    if stat.exists():
        return stat.read_text().rpartition(")")[2].split()[19]  # field 22 of proc(5), counted behind the name
    return str(process.create_time())


def signal_tree(pid: int, number: signal.Signals) -> None:
    """Signal the group of `pid` and all its descendants, also those that made a session of their own."""
    try:
        descendants = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        descendants = []
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)
    for child in descendants:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.send_signal(number)


@dataclass
class ManagedProcess:
    """A command run in its own session, with its output appended to `log_file`.

    Start it from the main thread: see `parent`.
    """

    name: str
    command: Sequence[str]
    log_file: Path
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    started_at_s: float = 0.0
    _popen: subprocess.Popen[bytes] | None = None
    _identity: Identity | None = None

    @property
    def identity(self) -> Identity | None:
        """Who runs now; None before the first start."""
        return self._identity

    @property
    def pid(self) -> int:
        """The number of the running process. Raises ProcessFailed before the first start."""
        if self._popen is None:
            raise ProcessFailed(f"{self.name} was not started")
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """Whether it runs; a frozen process does."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def exit_code(self) -> int | None:
        """As in subprocess: negative for a signal, None while it runs or was never started."""
        return None if self._popen is None else self._popen.poll()

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.alive:
            return
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self._popen = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.env},
                cwd=self.cwd,
                start_new_session=True,
                preexec_fn=parent.die_with_parent(self.death_signal),
            )
        self.started_at_s = time.time()
        self._identity = Identity.of(self._popen.pid)
        parent.remember_group(self._popen.pid)

    def send(self, number: signal.Signals) -> None:
        """Signal the process alone, as a deploy would."""
        if self.alive:
            os.kill(self.pid, number)

    def freeze(self) -> None:
        """SIGSTOP to the whole tree: it lives, and does nothing."""
        if self.alive:
            signal_tree(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen tree go on."""
        if self.alive:
            signal_tree(self.pid, signal.SIGCONT)

    async def kill(self) -> None:
        """kill -9 of the whole tree; returns when the process is gone."""
        if self.alive:
            signal_tree(self.pid, signal.SIGKILL)
        await self._gone(timeout_s=10)

    async def stop(self, timeout_s: float = 15) -> bool:
        """Ask it to end and wait; kill it after `timeout_s`. Returns whether it ended by itself."""
        if not self.alive:
            return True
        self.thaw()
        self.send(self.stop_signal)
        if await self._gone(timeout_s):
            signal_tree(self.pid, signal.SIGKILL)  # whatever of its group is left
            return True
        await self.kill()
        return False

    async def wait_exit(self, timeout_s: float) -> int:
        """Its exit code, once it ended. Raises ProcessFailed when it runs longer."""
        if not await self._gone(timeout_s):
            raise self.failure(f"still runs after {timeout_s:g} s")
        code = self.exit_code
        assert code is not None
        return code

    async def wait_ready(
        self, ready: Callable[[], Awaitable[bool]], timeout_s: float, poll_s: float = POLL_S
    ) -> None:
        """Poll `ready` until it says so. Raises ProcessFailed when the process ends, or at `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while not await ready():
            if not self.alive:
                raise self.failure(f"ended with code {self.exit_code} before it was ready")
            if time.monotonic() > deadline:
                raise self.failure(f"was not ready within {timeout_s:g} s")
            await asyncio.sleep(poll_s)

    def failure(self, what: str) -> ProcessFailed:
        """An error that says what happened and shows the end of the log."""
        return ProcessFailed(f"{self.name} {what}. The end of {self.log_file}:\n{tail(self.log_file)}")

    async def _gone(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while self.alive:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(POLL_S)
        if self._popen is not None:
            parent.forget_group(self._popen.pid)
        return True


def tail(file: Path, lines: int = 15, at_most_bytes: int = 16_384) -> str:
    """The last lines of a text file; empty when it is not there."""
    if not file.is_file():
        return ""
    with file.open("rb") as content:
        content.seek(max(0, file.stat().st_size - at_most_bytes))
        return "\n".join(content.read().decode(errors="replace").splitlines()[-lines:])


async def kill_all(processes: Iterable[ManagedProcess]) -> None:
    """kill -9 of several at once."""
    await asyncio.gather(*(process.kill() for process in processes))
