"""Who may say what, where it goes, and what record it becomes."""

import pytest

from ingest.domain.admit import Sender, admit, class_of
from ingest.domain.faults import Refused
from ingest.domain.records import listed, market_record, party_state
from ingest.domain.revisions import compare, digest
from ingest.domain.route import Place, Router
from tenon.contracts import intake
from tenon.contracts.cloudevents import CloudEvent, from_kafka
from tenon.contracts.codec import decode_strict
from tenon.contracts.families import INTAKE_BY_TYPE
from tenon.contracts.log import OfferListed, PartyTerms, SiteState
from tenon.contracts.markets import MarketRule, MarketTable
from tenon.contracts.parties import PartyState
from tenon.contracts.values import ItemClass, Position
from tests.unit.ingest.samples import ACME, ADMINISTRATOR, GOOD, changed, event

pytestmark = pytest.mark.unit
OFFER = "tenon.offer.published.v1"
SITE = SiteState(
    party="acme", site="mill-1", revision=3, position=Position(latitude=1, longitude=2), region="CN"
)
TERMS = PartyTerms(party="acme", revision=1)


@pytest.mark.parametrize(
    "event_type", [name for name, kind in INTAKE_BY_TYPE.items() if kind.sender == "party"]
)
def test_a_party_speaks_for_itself(event_type: str) -> None:
    assert admit(event(event_type, GOOD[event_type]), ACME, "wall").family.name == event_type


@pytest.mark.parametrize(
    "event_type", [name for name, kind in INTAKE_BY_TYPE.items() if kind.sender == "party"]
)
def test_a_party_does_not_speak_for_another(event_type: str) -> None:
    with pytest.raises(Refused) as caught:
        admit(event(event_type, GOOD[event_type]), Sender("k2", "other"), "wall")
    refusal = caught.value.refusal
    assert (refusal.status, refusal.faults[0].pointer) == (403, "/data/party")


@pytest.mark.parametrize(
    "event_type", ["tenon.party.registered.v1", "tenon.policy.published.v1", "tenon.clock.ticked.v1"]
)
def test_what_is_the_administrators_is_refused_to_a_party(event_type: str) -> None:
    with pytest.raises(Refused) as caught:
        admit(event(event_type, GOOD[event_type]), ACME, "log")
    assert (caught.value.refusal.status, caught.value.refusal.faults[0].pointer) == (403, "/type")


def test_a_tick_is_refused_where_the_clock_is_the_walls() -> None:
    tick = event("tenon.clock.ticked.v1", GOOD["tenon.clock.ticked.v1"])
    with pytest.raises(Refused, match="TENON_CLOCK=log"):
        admit(tick, ADMINISTRATOR, "wall")
    admit(tick, ADMINISTRATOR, "log")


def test_a_party_is_not_told_whether_its_wrong_data_would_be_anothers() -> None:
    with pytest.raises(Refused) as caught:
        admit(event(OFFER, changed(OFFER, {"party": "other"})), ACME, "wall")
    assert caught.value.refusal.faults[0].expected.startswith("'acme'")


def test_the_longest_rule_decides_the_market_and_its_partition() -> None:
    rules = [
        MarketRule(scheme="hs", prefix="63", market="textiles", partition=1),
        MarketRule(scheme="hs", prefix="630790", market="masks", partition=2),
    ]
    router = Router(MarketTable(partitions=4, rules=rules))
    assert router.place(ItemClass(scheme="hs", code="6307.90")) == Place("masks", 2)
    assert router.place(ItemClass(scheme="hs", code="6301")) == Place("textiles", 1)
    assert router.place(ItemClass(scheme="hs", code="9018")).market == "hs:90"


def test_what_concerns_every_market_goes_to_each_partition() -> None:
    places = Router(MarketTable(partitions=3)).everywhere()
    assert places == [Place("*", 0), Place("*", 1), Place("*", 2)]


@pytest.mark.parametrize("event_type", INTAKE_BY_TYPE)
def test_every_event_about_a_market_names_its_class(event_type: str) -> None:
    data = admit(event(event_type, GOOD[event_type]), ADMINISTRATOR, "log").data
    about_no_market = (
        intake.PartyRegistered,
        intake.SitePublished,
        intake.PolicyPublished,
        intake.ClockTicked,
    )
    assert (class_of(data) is None) == isinstance(data, about_no_market)


def test_an_offer_stands_in_the_log_with_its_site_and_terms() -> None:
    sent = CloudEvent(
        "e1", "/acme/erp", OFFER, event(OFFER, GOOD[OFFER]).data, "2030-01-01T00:00:00Z", "o1", {"party": "x"}
    )
    statement = admit(sent, ACME, "wall")
    record = market_record(statement, listed(statement.data, SITE, TERMS), Place("hs:63", 5))
    assert (record.topic, record.key, record.partition) == ("tenon.market.v1", b"hs:63", 5)
    written = from_kafka(record.headers, record.value)
    assert (written.id, written.source, written.type) == ("e1", "/acme/erp", "tenon.offer.listed.v1")
    assert (written.time, written.subject) == ("2030-01-01T00:00:00Z", "o1")
    assert written.extensions == {"market": "hs:63", "party": "acme"}
    data = decode_strict(OfferListed, written.data)
    assert (data.offer, data.site, data.terms) == (statement.data, SITE, TERMS)


def test_extensions_of_the_sender_do_not_reach_the_log() -> None:
    sent = CloudEvent(
        "e1", "s", OFFER, event(OFFER, GOOD[OFFER]).data, extensions={"sequence": "9", "market": "x"}
    )
    statement = admit(sent, ACME, "wall")
    record = market_record(statement, listed(statement.data, SITE, TERMS), Place("hs:63", 5))
    assert from_kafka(record.headers, record.value).extensions == {"market": "hs:63", "party": "acme"}


def test_an_event_that_no_record_holds_is_too_large() -> None:
    references = [{"type": "order", "id": f"{index:0200d}"} for index in range(50)]
    windows = [
        {
            "id": f"{index:064d}",
            "from": f"{2001 + index // 300}-{1 + index % 300 // 25:02d}-{1 + index % 25:02d}T00:00:00Z",
            "until": f"{2001 + index // 300}-{1 + index % 300 // 25:02d}-{1 + index % 25:02d}T01:00:00Z",
            "quantity": 1,
        }
        for index in range(500)
    ]
    blocked = [f"{index:064d}" for index in range(1000)]
    data = changed(OFFER, {"windows": windows, "external_references": references, "blocked": blocked})
    statement = admit(event(OFFER, data), ACME, "wall")
    market_record(statement, listed(statement.data, SITE, TERMS), Place("hs:63", 5))
    routes = "tenon.routes.published.v1"
    long = {f"{'p' * 60}{index:04d}/{'s' * 64}": index for index in range(9_000)}
    statement = admit(event(routes, changed(routes, {"distances_m": long})), ACME, "wall")
    with pytest.raises(Refused) as caught:
        market_record(statement, statement.data, Place("hs:63", 5))
    assert caught.value.refusal.status == 413


def test_a_partys_public_state_is_keyed_and_sequenced() -> None:
    record = party_state(PartyState(party="acme", revision=1, name="Acme"), 12)
    written = from_kafka(record.headers, record.value)
    assert (record.topic, record.key, record.partition) == ("tenon.parties.v1", b"acme", None)
    assert written.extensions["sequence"] == "00000000000000000012"


@pytest.mark.parametrize(
    ("present", "revision", "content", "verdict"),
    [
        (None, 1, "a", "new"),
        ((1, "a"), 2, "a", "newer"),
        ((1, "a"), 2, "b", "newer"),
        ((2, "a"), 2, "a", "same"),
        ((2, "a"), 2, "b", "other_content"),
        ((2, "a"), 1, "a", "older"),
    ],
)
def test_revisions_decide_what_is_in_force(
    present: tuple[int, str] | None, revision: int, content: str, verdict: str
) -> None:
    assert compare(present, revision, content) == verdict


def test_content_is_the_same_however_it_was_written() -> None:
    kind = "tenon.site.published.v1"
    one = admit(event(kind, changed(kind, {"name": "Mill"})), ACME, "wall").data
    other = admit(event(kind, dict(reversed(changed(kind, {"name": "Mill"}).items()))), ACME, "wall").data
    assert digest(one) == digest(other)
    assert digest(one) != digest(admit(event(kind, changed(kind, {"name": "Hall"})), ACME, "wall").data)
