"""build/chaos.json: an entry for each fault, written whole after each, built anew by each run.

Knows how the file looks; must not know how anything was measured.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

FILE = Path(os.environ.get("CHAOS_RESULTS", "build/chaos.json"))


class Entry(msgspec.Struct, kw_only=True, frozen=True):
    """What became of one fault. Counts are events; `without_decisions_s`: of the worst partition."""

    fault: str
    test: str
    seed: int
    offered: int
    accepted: int
    lost: int
    doubled: int
    repeated: int
    dockings: int
    rounds: int
    without_decisions_s: float
    recovered_s: float
    replayed: bool
    clean: bool
    findings: list[str]


class Document(msgspec.Struct, kw_only=True):
    """The file."""

    seed: int
    faults: list[Entry] = []


def begin(seed: int) -> None:
    """Forget the run before."""
    _write(Document(seed=seed))


def append(entry: Entry) -> None:
    """Add a fault."""
    document = msgspec.json.decode(FILE.read_bytes(), type=Document)
    document.faults.append(entry)
    _write(document)


def _write(document: Document) -> None:
    FILE.parent.mkdir(parents=True, exist_ok=True)
    fresh = FILE.with_suffix(".new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
    fresh.replace(FILE)
