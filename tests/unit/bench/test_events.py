"""The same seed makes the same events, and ingest would take each of them."""

from datetime import UTC, datetime

import msgspec
import pytest

from tenon.contracts.cloudevents import from_structured
from tenon.contracts.codec import decode_strict
from tenon.contracts.intake import DemandPublished, OfferPublished
from tests.bench.bare import decode_event
from tests.bench.events import MARKETS, Press, cast, number_of

START = datetime(2026, 1, 1, tzinfo=UTC)
Said = OfferPublished | DemandPublished
PRESS = Press(1, START)


def said(number: int) -> Said:
    event = from_structured(PRESS.event(number))
    if event.type == "tenon.offer.published.v1":
        return decode_strict(OfferPublished, event.data)
    return decode_strict(DemandPublished, event.data)


def entity(of: Said) -> str:
    return of.offer if isinstance(of, OfferPublished) else of.demand


def test_a_seed_and_a_number_make_the_same_event_again() -> None:
    assert Press(1, START).event(7) == PRESS.event(7)
    assert Press(2, START).event(7) != PRESS.event(7)


def test_every_event_is_a_valid_offer_or_demand_with_its_own_number() -> None:
    for number in range(500):
        assert number_of(entity(said(number))) == number


def test_offers_and_demands_are_about_as_many_in_all_markets() -> None:
    made = [said(number) for number in range(4_000)]
    assert {each.item.class_.code for each in made} == {f"bench{number:02}" for number in range(MARKETS)}
    assert sum(isinstance(each, OfferPublished) for each in made) == pytest.approx(2_000, rel=0.1)


def test_nobody_offers_what_it_demands_itself() -> None:
    parties = {(type(each), each.party) for each in (said(number) for number in range(2_000))}
    offering = {party for kind, party in parties if kind is OfferPublished}
    assert offering.isdisjoint(party for kind, party in parties if kind is DemandPublished)


def test_all_parties_of_the_events_are_introduced() -> None:
    introduced = {getattr(each, "party", None) for each in cast(1)}
    assert {said(number).party for number in range(2_000)} <= introduced


def test_a_batch_holds_the_events_in_order() -> None:
    batch = msgspec.json.decode(PRESS.batch(5, 3), type=list[msgspec.Raw])
    assert [bytes(raw) for raw in batch] == [PRESS.event(number) for number in (5, 6, 7)]


def test_the_bare_pipeline_reads_the_same_quantity() -> None:
    read = decode_event(PRESS.event(7))
    assert read.id == "e7"
    assert int(read.data.windows[0].quantity) == said(7).windows[0].quantity
