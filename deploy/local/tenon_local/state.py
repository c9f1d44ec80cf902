"""What runs, written down in the data folder: `state.json`, for other terminals and for the next start.

Decides the file's shape (version 1) and who may hold the folder. A process is the one meant only where its
start mark fits too, so a number that was given to another program since is never signalled.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import Literal

import msgspec

from tenon.kafka.connection import KafkaSecurity, KafkaSettings
from tenon_local.errors import AlreadyRunning
from tenon_local.process import Identity
from tenon_local.secrets import write_private

_GONE_S = 10
_POLL_S = 0.02
Phase = Literal["starting", "running", "stopping"]


class Entry(msgspec.Struct, frozen=True):
    """One process. `started_at_s` is Unix time; `kind` is kafka, postgres, prometheus or a service's name."""

    name: str
    kind: str
    pid: int
    started: str
    started_at_s: float
    port: int
    log: str

    @property
    def identity(self) -> Identity:
        """The process for all time."""
        return Identity(self.pid, self.started)


class State(msgspec.Struct, frozen=True):
    """A stack. `urls` has the addresses of each service's replicas, `database_urls` one per role.

    `kafka_users` has the password of each; of a stack from before it has none.
    """

    phase: Phase
    supervisor_pid: int
    supervisor_started: str
    kafka_bootstrap: str
    urls: dict[str, list[str]]
    admin_key: str
    database_urls: dict[str, str]
    processes: list[Entry]
    version: int = 1
    kafka_security: str = "PLAINTEXT"
    kafka_users: dict[str, str] = {}

    def kafka(self, user: str = "admin") -> KafkaSettings:
        """How a client reaches the stack's Kafka as one of its users."""
        password = self.kafka_users.get(user)
        named = None if password is None else user
        security = KafkaSecurity(self.kafka_security, username=named, password=password)
        return KafkaSettings(self.kafka_bootstrap, "", "tenon-local", security=security)

    @property
    def supervisor(self) -> Identity:
        """Who holds the stack."""
        return Identity(self.supervisor_pid, self.supervisor_started)

    def write(self, data_dir: Path) -> None:
        """Put it into the folder at one stroke, for its owner's eyes only."""
        write_private(state_file(data_dir), msgspec.json.format(msgspec.json.encode(self)).decode())

    def kill_leftovers(self) -> list[str]:
        """Kill whatever of it still runs, wait until it has let go of its ports, and return the names."""
        left = [entry for entry in self.processes if entry.identity.is_alive()]
        for entry in left:
            entry.identity.kill()
        ends = time.monotonic() + _GONE_S
        while any(entry.identity.is_alive() for entry in left) and time.monotonic() < ends:
            time.sleep(_POLL_S)
        return [entry.name for entry in left]


def state_file(data_dir: Path) -> Path:
    """Where the state of a folder's stack is."""
    return data_dir / "state.json"


def read(data_dir: Path) -> State | None:
    """What was written last; None where there is nothing, or nothing that this version can read."""
    try:
        return msgspec.json.decode(state_file(data_dir).read_bytes(), type=State)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def forget(data_dir: Path) -> None:
    """Nothing runs any more."""
    state_file(data_dir).unlink(missing_ok=True)


class FolderLock:
    """At most one stack per data folder, held until `release` or the end of this process, however it ends."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._file = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise AlreadyRunning(
                f"a stack runs on {data_dir} already: tenon status, tenon down, or another folder by"
                " TENON_DATA_DIR"
            ) from None

    def release(self) -> None:
        """Let others have the folder; safe to call twice."""
        with contextlib.suppress(OSError):
            os.close(self._file)
            self._file = -1
