"""The hand-written examples of `contracts/examples`, as tests see them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tenon.contracts import cloudevents
from tenon.contracts.cloudevents import CloudEvent
from tenon.contracts.families import FAMILIES, Family

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "contracts" / "examples"


@dataclass(frozen=True)
class Example:
    """One file. `name` is its path below the folder."""

    name: str
    body: bytes

    @property
    def event(self) -> CloudEvent:
        return cloudevents.from_structured(self.body)

    @property
    def family(self) -> Family:
        return FAMILIES[self.name.split("/")[0]]

    def expected(self) -> dict[str, Any]:
        """What stands beside an invalid example: pointer, reason, and whether the schema refuses it too."""
        beside = (FOLDER / self.name).with_suffix(".expected.json")
        read: dict[str, Any] = json.loads(beside.read_text())
        return read


def valid() -> list[Example]:
    return list(_read("*/*.json"))


def invalid() -> list[Example]:
    return [example for example in _read("*/invalid/*.json") if not example.name.endswith(".expected.json")]


@cache
def schema(event_type: str) -> dict[str, Any]:
    """Return the generated schema of an event type."""
    text = (ROOT / "contracts" / "events" / f"{event_type}.schema.json").read_text()
    read: dict[str, Any] = json.loads(text)
    return read


def _read(pattern: str) -> Iterator[Example]:
    for path in sorted(FOLDER.glob(pattern)):
        yield Example(path.relative_to(FOLDER).as_posix(), path.read_bytes())
