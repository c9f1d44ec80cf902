"""Named places at which a process can be told to die, to wait or to fail, so that tests can prove recovery.

Off unless a process is started with them:
`TENON_FAILPOINTS="matcher.after_commit=exit;ingest.before_mark=pause:500"`. A name is `<service>.<point>`, a
point one of `POINTS`. Actions: `exit` (the process ends at once, as by kill -9), `pause:MS` (this task
waits), `error` (raises `Transient`). With `@N` behind it (`exit@3`) the action is taken at the Nth passing
only, otherwise at each.

This module decides what happens at a failpoint; it must not know what stands before or after one.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tenon.errors import Misconfigured, Transient

POINTS: Mapping[str, str] = {
    "after_poll": "records were read from Kafka, nothing is decided",
    "after_step": "decisions are made in memory, nothing is written",
    "before_commit": "everything is written inside a transaction that is still open",
    "after_commit": "the transaction is committed, nobody has been told",
    "before_send": "an accepted event is about to be handed to Kafka",
    "after_send": "Kafka has acknowledged an event, its sender has not been told",
    "after_relay_send": "the relay's effect has happened, its result is not seen yet",
    "before_mark": "the result is known, the row is not marked yet",
    "during_load": "state of a partition is being loaded",
    "during_assignment": "a partition was assigned, its epoch is not raised yet",
}
EXIT_CODE = 137


@dataclass(slots=True)
class _Armed:
    action: Literal["exit", "pause", "error"]
    pause_ms: int = 0
    only_at: int | None = None
    passed: int = 0

    def due(self) -> bool:
        self.passed += 1
        return self.only_at is None or self.passed == self.only_at


_armed: dict[str, _Armed] = {}


def install(spec: str) -> None:
    """Arm the failpoints that `spec` names, in place of those armed before; raises `Misconfigured`."""
    armed = dict(_parse(entry.strip()) for entry in spec.split(";") if entry.strip())
    _armed.clear()
    _armed.update(armed)


async def failpoint(name: str) -> None:
    """Do what this failpoint is armed with: nothing, in a process started without failpoints."""
    if not _armed:
        return
    armed = _armed.get(name)
    if armed is not None and armed.due():
        await _act(name, armed)


async def _act(name: str, armed: _Armed) -> None:
    if armed.action == "exit":
        os._exit(EXIT_CODE)
    if armed.action == "error":
        raise Transient(f"failpoint {name}")
    await asyncio.sleep(armed.pause_ms / 1000)


def _parse(entry: str) -> tuple[str, _Armed]:
    name, _, rest = entry.partition("=")
    if name.partition(".")[2] not in POINTS:
        raise Misconfigured(
            f"TENON_FAILPOINTS: {name!r} is no failpoint; <service>. and one of {', '.join(POINTS)}"
        )
    action, _, nth = rest.partition("@")
    only_at = _number(entry, nth) if nth else None
    if action == "exit":
        return name, _Armed("exit", only_at=only_at)
    if action == "error":
        return name, _Armed("error", only_at=only_at)
    verb, _, wait = action.partition(":")
    if verb != "pause":
        raise Misconfigured(f"TENON_FAILPOINTS: {entry!r} has no action; exit, pause:MS or error")
    return name, _Armed("pause", _number(entry, wait), only_at)


def _number(entry: str, text: str) -> int:
    if not text.isdecimal():
        raise Misconfigured(f"TENON_FAILPOINTS: {text!r} in {entry!r} is no whole number")
    return int(text)
