"""The time zones of the IANA database, from the pinned package: the same everywhere, whatever the machine
has.
"""

from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

_DATA = files("tzdata")


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """Return the names of all zones."""
    return frozenset(_DATA.joinpath("zones").read_text(encoding="ascii").split())


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """Return a zone that `zones` names."""
    with _DATA.joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)
