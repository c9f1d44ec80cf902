"""The events of a bench: sixteen markets, suppliers and buyers of one region, sizes from one to a thousand.

Pure: a seed and a number make an event, always the same one. An event is printed from a form, because making
each from its contract would cost the load generator more than sending it. Must not know who sends them.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from tenon.client import new_event
from tenon.contracts.cloudevents import to_structured
from tenon.contracts.intake import DemandPublished, OfferPublished, PartyRegistered, SitePublished
from tenon.contracts.values import Item, ItemClass, Position, Shape, Window

MARKETS, SIDE, SIZES = 16, 32, 1000
SOURCE, SITE = "tests/bench", "main"
SLOT = 999_999
_MASK = 2**64 - 1


def cast(seed: int) -> Iterator[Shape]:
    """Yield the parties, suppliers and buyers, each with its site; all confirm automatically."""
    chance = Random(seed)
    for side in ("supplier", "buyer"):
        for number in range(SIDE):
            party = f"{side}-{number:02}"
            yield PartyRegistered(
                party=party,
                revision=1,
                name=party,
                supply_confirmation="automatic",
                demand_confirmation="automatic",
            )
            place = Position(latitude=chance.uniform(47.5, 50.5), longitude=chance.uniform(9.0, 13.5))
            yield SitePublished(party=party, site=SITE, revision=1, position=place, region="DE-BY")


class Press:
    """Prints events from forms: an offer and a demand of each party in each market."""

    def __init__(self, seed: int, start: datetime) -> None:
        self._seed = seed
        self._forms = [
            _form(is_offer, market, party, start)
            for is_offer in (True, False)
            for market in range(MARKETS)
            for party in range(SIDE)
        ]

    def event(self, number: int) -> bytes:
        """Return an event as structured JSON; its id and its entity's id end in its number."""
        drawn = _mixed(self._seed, number)
        form = self._forms[drawn % len(self._forms)]
        return form % {b"number": number, b"quantity": 1 + (drawn >> 32) % SIZES}

    def batch(self, first: int, size: int) -> bytes:
        """Return `size` events from number `first` on as one JSON batch."""
        return b"[" + b",".join(self.event(number) for number in range(first, first + size)) + b"]"


def number_of(entity: str) -> int:
    """Return the number of the event that an offer's or demand's id came from."""
    return int(entity[1:])


def _form(is_offer: bool, market: int, party: int, start: datetime) -> bytes:
    """Return the event with places to fill in: the number at the end of both ids, and the quantity."""
    slot = Window(id="w", from_=start, until=start + timedelta(days=30), quantity=Decimal(SLOT))
    said = offer(market, party, slot) if is_offer else demand(market, party, slot)
    kind = "offer" if is_offer else "demand"
    return form(to_structured(new_event(f"tenon.{kind}.published.v1", SOURCE, said, event_id="e#")))


def form(body: bytes) -> bytes:
    """Return a body with places to fill in for `#` and for the quantity `SLOT`."""
    numbered = body.replace(b"%", b"%%").replace(b"#", b"%(number)d")
    return numbered.replace(str(SLOT).encode(), b"%(quantity)d")


def offer(market: int, party: int, window: Window) -> OfferPublished:
    """Return an offer of a supplier in a market; its id is a place for the number."""
    return OfferPublished(
        party=f"supplier-{party:02}",
        offer="o#",
        revision=1,
        site=SITE,
        item=_item(market),
        windows=[window],
    )


def demand(market: int, party: int, window: Window) -> DemandPublished:
    """Return a demand of a buyer in a market; its id is a place for the number."""
    return DemandPublished(
        party=f"buyer-{party:02}", demand="d#", revision=1, site=SITE, item=_item(market), windows=[window]
    )


def _item(market: int) -> Item:
    return Item(class_=ItemClass(scheme="own", code=f"bench{market:02}"), unit="C62")


def _mixed(seed: int, number: int) -> int:
    """Return 64 bits that look random: SplitMix64, after Steele, Lea and Flood (2014)."""
    bits = (seed + (number + 1) * 0x9E3779B97F4A7C15) & _MASK
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
    return bits ^ (bits >> 31)
