"""The entries that a matcher is measured on are those that ingest writes."""

from datetime import UTC, datetime

from matcher.domain.reading import Entry, LogRecord, read
from tenon.contracts.log import DemandListed, OfferListed
from tenon.contracts.markets import MarketTable, market_of, partition_of
from tenon.records import OutRecord
from tests.bench.events import MARKETS
from tests.bench.listings import Listings

START = datetime(2026, 1, 1, tzinfo=UTC)


def entry(record: OutRecord) -> Entry:
    found = read(LogRecord(0, record.headers, record.value))
    assert isinstance(found, Entry)
    return found


def test_the_same_seed_lists_the_same() -> None:
    assert Listings(1, START).mixed(50) == Listings(1, START).mixed(50)
    assert Listings(2, START).mixed(50) != Listings(1, START).mixed(50)


def test_the_matcher_reads_each_entry() -> None:
    kinds = {type(entry(record).data) for record in Listings(1, START).mixed(200)}
    assert kinds == {OfferListed, DemandListed}


def test_what_is_opened_are_offers_alone() -> None:
    assert {type(entry(record).data) for record in Listings(1, START).offers(50)} == {OfferListed}


def test_no_two_entries_have_the_same_id() -> None:
    listings = Listings(1, START)
    records = listings.offers(50) + listings.mixed(50)
    assert len({dict(record.headers)["ce_id"] for record in records}) == 100


def test_each_entry_stands_in_the_log_of_its_market_and_all_partitions_get_as_many() -> None:
    records = Listings(1, START).offers(4 * MARKETS)
    for record in records:
        data = entry(record).data
        assert isinstance(data, OfferListed)
        market = market_of(data.offer.item.class_, MarketTable())
        assert (record.key, record.partition) == (market.encode(), partition_of(market, MarketTable()))
    assert {[each.partition for each in records].count(number) for number in range(8)} == {8}


def test_all_of_one_market_are_in_one_partition() -> None:
    assert len({record.partition for record in Listings(1, START, markets=1).mixed(50)}) == 1
