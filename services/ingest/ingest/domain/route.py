"""Where an event goes: class → market → partition of the log, or every partition, or the registry first."""

from dataclasses import dataclass
from functools import lru_cache

from tenon.contracts.markets import MarketTable, market_of, partition_of
from tenon.contracts.values import ItemClass

EVERY_MARKET = "*"


@dataclass(frozen=True, slots=True)
class Place:
    """A market and the partition it lives in."""

    market: str
    partition: int


class Router:
    """Finds the place of a class; remembers the classes it has seen last."""

    def __init__(self, table: MarketTable) -> None:
        self.table = table
        self._remembered = lru_cache(maxsize=65_536)(self._place)

    def place(self, item_class: ItemClass) -> Place:
        """Return where offers and demands of a class live."""
        return self._remembered(item_class.scheme, item_class.code)

    def home(self, market: str) -> Place:
        """Return the place of a market that is known by name."""
        return Place(market, partition_of(market, self.table))

    def everywhere(self, market: str | None = None) -> list[Place]:
        """Return every partition, for what concerns `market`, or all of them."""
        return [Place(market or EVERY_MARKET, partition) for partition in range(self.table.partitions)]

    def _place(self, scheme: str, code: str) -> Place:
        return self.home(market_of(ItemClass(scheme=scheme, code=code), self.table))
