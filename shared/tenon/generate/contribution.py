"""What a part of Tenon adds to the generated documents."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import walk_packages

from pydantic_settings import BaseSettings

import tenon

GROUP = "tenon.generated"


@dataclass(frozen=True, slots=True)
class Contribution:
    """A part's package, its settings, and the OpenAPI document of its HTTP interface, where it has one.

    `files` makes further files of its own: their texts by path below the checkout.

    Metrics need no mention: all modules of the package are imported, and declaring is enough. Those of a
    service carry its name (`tenon_ingest_…`).
    """

    name: str
    package: str
    settings: type[BaseSettings]
    openapi: Callable[[], Mapping[str, object]] | None = None
    files: Callable[[], Mapping[str, str]] = dict


def contributions() -> list[Contribution]:
    """Return what all installed parts contribute, by name; imports every module of theirs and ours."""
    found: list[Contribution] = [entry.load()() for entry in entry_points(group=GROUP)]
    for package in (tenon.__name__, *(part.package for part in found)):
        import_all(package)
    return sorted(found, key=lambda part: part.name)


def import_all(package: str) -> Sequence[str]:
    """Import every module of a package but those that run when imported; return their names."""
    names = [package]
    for module in walk_packages(import_module(package).__path__, f"{package}."):
        if not runs_when_imported(module.name):
            import_module(module.name)
            names.append(module.name)
    return names


def runs_when_imported(module: str) -> bool:
    """True for `__main__` modules, and for Alembic's environments and versions, which Alembic imports."""
    parts = module.split(".")
    return parts[-1] == "__main__" or "migrations" in parts
