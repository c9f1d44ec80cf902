"""Which database holds which partition's rows. Pure.

A partition's rows need no other's, so they may be in a database of their own, with a disk and processors of
its own. The number of partitions never changes; where they are may.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

_NAMED = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?")


@dataclass(frozen=True, slots=True)
class Sharding:
    """Addresses of databases, each once, and which of them holds a partition: the first, if not named."""

    urls: tuple[str, ...]
    named: Mapping[int, int]

    @classmethod
    def of(cls, rest: str, shards: Mapping[str, str] = MappingProxyType({})) -> "Sharding":
        """Read what the settings say: addresses by partitions (`7` or `8-15`), and that of the rest.

        Raises ValueError for what names no partitions, or one twice.
        """
        urls = tuple(dict.fromkeys((rest, *shards.values())))
        named: dict[int, int] = {}
        for text, url in shards.items():
            for partition in _partitions(text):
                if partition in named:
                    raise ValueError(f"partition {partition} is named twice")
                named[partition] = urls.index(url)
        return cls(urls, named)

    @classmethod
    def parse(cls, rest: str, text: str) -> "Sharding":
        """Read `shards` as JSON; raises ValueError as `of` does, and for what is no JSON of that kind."""
        return cls.of(rest, shards_of_json(text) if text else {})

    def number_of(self, partition: int) -> int:
        """Return the place in `urls` of the database that holds a partition."""
        return self.named.get(partition, 0)

    def url_of(self, partition: int) -> str:
        """Return the address of the database that holds a partition."""
        return self.urls[self.number_of(partition)]


def shards_of_json(text: str) -> dict[str, str]:
    """Return addresses by partitions; raises ValueError for what does not say that."""
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise ValueError(f'{error}; write {{"8-15": "postgresql://…"}}') from None


def _partitions(text: str) -> range:
    found = _NAMED.fullmatch(text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if first > last:
        raise ValueError(f"{text!r} names no partitions; write 7, or 8-15")
    return range(first, last + 1)
