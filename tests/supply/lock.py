"""The locked packages: what `requirements/*.txt` pin, beside what is installed.

Must not know what a package is for, nor under which licence it is.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name

FOLDER = Path(__file__).parents[2] / "requirements"
TOOLS = ("dev", "build", "scenario-data")
SERVICES = ("ingest", "matcher", "notifier")
_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)(\s*;\s*(?P<marker>.*))?")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")
_OF_THE_ENVIRONMENT = {"pip", "setuptools"}
_OURS = "tenon"


@dataclass(frozen=True)
class Pin:
    """A package in a lock: `here` where its marker holds on this machine."""

    name: str
    version: str
    hashes: int
    here: bool


def pins(text: str) -> Iterator[Pin]:
    """Yield what a lock pins; raise `ValueError` for a line that pins nothing."""
    for entry in re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n?", "", text)).splitlines():
        if not entry.strip():
            continue
        said, *rest = entry.split("--hash", 1)
        found = _PIN.fullmatch(said.strip())
        if found is None:
            raise ValueError(f"{said.strip()!r} pins nothing; run `make lock`")
        marker = found["marker"]
        here = marker is None or Marker(marker).evaluate()
        hashes = len(_HASH.findall(entry)) if rest else 0
        yield Pin(canonicalize_name(found["name"]), found["version"], hashes, here)


def locked(name: str) -> list[Pin]:
    """Return the pins of `requirements/NAME.txt`."""
    return list(pins((FOLDER / f"{name}.txt").read_text()))


def installed() -> Mapping[str, Distribution]:
    """Return what is installed in this environment, but for our own packages."""
    found = {canonicalize_name(each.metadata["Name"]): each for each in distributions()}
    return {name: each for name, each in found.items() if not name.startswith(_OURS)}


def faults() -> Iterator[str]:
    """Yield what is wrong with the locks, and what is installed beside them."""
    everywhere = {name: locked(name) for name in (*TOOLS, *SERVICES)}
    for lock, entries in everywhere.items():
        for pin in entries:
            if not pin.hashes:
                yield f"requirements/{lock}.txt: {pin.name} has no hash; run `make lock`"
    yield from _of_services(everywhere)
    here = {pin.name: pin.version for name in TOOLS for pin in everywhere[name] if pin.here}
    yield from against(here, {name: each.version for name, each in installed().items()})


def against(wanted: Mapping[str, str], there: Mapping[str, str]) -> Iterator[str]:
    """Yield each difference between what is locked for this machine and what is installed."""
    for name, version in sorted(there.items()):
        if name not in wanted and name not in _OF_THE_ENVIRONMENT:
            yield f"{name} {version} is installed and not locked; `make clean setup` makes .venv anew"
        elif wanted.get(name, version) != version:
            yield f"{name} {version} is installed, {wanted[name]} is locked; run `make setup`"
    for name in sorted(set(wanted) - set(there)):
        yield f"{name} {wanted[name]} is locked and not installed; run `make setup`"


def _of_services(everywhere: Mapping[str, list[Pin]]) -> Iterator[str]:
    """Yield what a service would run with and tests did not."""
    tried = {(pin.name, pin.version) for pin in everywhere["dev"]}
    for service in SERVICES:
        for pin in everywhere[service]:
            if (pin.name, pin.version) not in tried:
                yield f"requirements/{service}.txt: {pin.name} {pin.version} is never tried; run `make lock`"
