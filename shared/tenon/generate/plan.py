"""Which generated file there is, and its text."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tenon.generate import asyncapi, configuration, metrics, openapi, schemas, topics
from tenon.generate.contribution import Contribution
from tenon.metrics import DECLARED

# Folders in which every file is generated, so that one nobody generates any longer is a fault too.
OWNED = ("contracts/events", "contracts/openapi")


def plan(root: Path, parts: Sequence[Contribution]) -> dict[str, str]:
    """Return the text of every generated file by its path below `root`; examples are read from there."""
    return dict(_files(root, parts))


def _files(root: Path, parts: Sequence[Contribution]) -> Iterator[tuple[str, str]]:
    yield from schemas.files(root)
    yield "contracts/topics.md", topics.page()
    yield asyncapi.PATH, asyncapi.text()
    yield "docs/configuration.md", configuration.page(parts)
    yield "docs/metrics.md", metrics.page(DECLARED.values(), [part.name for part in parts])
    yield from openapi.files(parts)
    for part in parts:
        yield from part.files().items()
