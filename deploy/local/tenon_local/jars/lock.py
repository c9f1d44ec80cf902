"""Reads `jgo.lock.toml`. Decides which jars there are; does no network and no hashing."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

LOCK_FILE = Path(__file__).with_name("jgo.lock.toml")


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar by its Maven coordinates and the SHA-256 of its content, in hex."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where the jar lies in a repository of Maven's layout."""
        name = f"{self.artifact}-{self.version}.jar"
        return Path(*self.group.split("."), self.artifact, self.version, name)

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


def locked_jars(lock_file: Path = LOCK_FILE) -> tuple[Jar, ...]:
    """All jars of the lock, in its order, which is the order of the class path."""
    entries = tomllib.loads(lock_file.read_text(encoding="utf-8"))["dependencies"]
    return tuple(Jar(e["groupId"], e["artifactId"], e["version"], e["sha256"]) for e in entries)
