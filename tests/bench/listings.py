"""Entries of the log as ingest writes them, for a matcher that is measured alone.

Parties, sites, markets and sizes of the bench's events; market by market in turn. Printed from forms, for the
same reason. Must not know who writes them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from tenon.contracts import topics
from tenon.contracts.cloudevents import CloudEvent, to_kafka
from tenon.contracts.codec import encode
from tenon.contracts.intake import OfferPublished, SitePublished
from tenon.contracts.log import DemandListed, OfferListed, PartyTerms, SiteState
from tenon.contracts.markets import MarketTable, market_of, partition_of
from tenon.contracts.values import Window
from tenon.records import OutRecord
from tests.bench.events import MARKETS, SIDE, SIZES, SLOT, SOURCE, cast, demand, form, offer

_TABLE = MarketTable()


@dataclass(frozen=True, slots=True)
class _Form:
    value: bytes
    market: bytes
    partition: int
    headers: list[tuple[str, bytes]]


class Listings:
    """Makes entries of so many markets, each with a number of its own; the same ones from the same seed."""

    def __init__(self, seed: int, start: datetime, markets: int = MARKETS) -> None:
        self._chance = Random(seed)
        self._markets = markets
        self._next = 0
        sites = _sites(seed)
        window = Window(id="w", from_=start, until=start + timedelta(days=30), quantity=Decimal(SLOT))
        self._forms = {
            (is_offer, market, party): _form(is_offer, market, party, window, sites)
            for is_offer in (True, False)
            for market in range(markets)
            for party in range(SIDE)
        }

    def offers(self, number: int) -> list[OutRecord]:
        """Return so many offers: nobody demands them yet."""
        return [self._entry(is_offer=True) for _ in range(number)]

    def mixed(self, number: int) -> list[OutRecord]:
        """Return so many offers and demands, the one as likely as the other."""
        return [self._entry(is_offer=self._chance.random() < 0.5) for _ in range(number)]

    def _entry(self, *, is_offer: bool) -> OutRecord:
        number, self._next = self._next, self._next + 1
        printed = self._forms[is_offer, number % self._markets, self._chance.randrange(SIDE)]
        value = printed.value % {b"number": number, b"quantity": self._chance.randint(1, SIZES)}
        headers = [("ce_id", b"e%d" % number), *printed.headers]
        return OutRecord(topics.MARKET.name, printed.market, value, headers, printed.partition)


def _form(is_offer: bool, market: int, party: int, window: Window, sites: dict[str, SiteState]) -> _Form:
    said = offer(market, party, window) if is_offer else demand(market, party, window)
    site, terms = sites[said.party], _terms(said.party)
    data = (
        OfferListed(offer=said, site=site, terms=terms)
        if isinstance(said, OfferPublished)
        else DemandListed(demand=said, site=site, terms=terms)
    )
    name = market_of(said.item.class_, _TABLE)
    event = CloudEvent(
        id="",
        source=SOURCE,
        type=f"tenon.{'offer' if is_offer else 'demand'}.listed.v1",
        data=b"",
        extensions={"market": name, "party": said.party},
    )
    headers = [(header, value) for header, value in to_kafka(event) if header != "ce_id"]
    return _Form(form(encode(data)), name.encode(), partition_of(name, _TABLE), headers)


def _sites(seed: int) -> dict[str, SiteState]:
    published = [each for each in cast(seed) if isinstance(each, SitePublished)]
    return {
        each.party: SiteState(
            party=each.party,
            site=each.site,
            revision=each.revision,
            position=each.position,
            region=each.region,
        )
        for each in published
    }


def _terms(party: str) -> PartyTerms:
    return PartyTerms(
        party=party, revision=1, supply_confirmation="automatic", demand_confirmation="automatic"
    )
