"""The records that ingest writes: which type, which topic, which key, which headers.

Of the sender's attributes id, source, type, time and subject are kept. `ce_market` and `ce_party` are
Tenon's own: what a sender puts there, or into any other extension, is not passed on.
"""

from ingest.domain.admit import Statement
from ingest.domain.faults import refuse, too_large
from ingest.domain.route import Place
from tenon.contracts import intake
from tenon.contracts.cloudevents import CloudEvent, to_kafka
from tenon.contracts.codec import encode
from tenon.contracts.log import (
    DemandListed,
    OfferListed,
    PartyChanged,
    PartyTerms,
    SiteChanged,
    SiteState,
)
from tenon.contracts.parties import PartyState
from tenon.contracts.topics import MARKET, PARTIES
from tenon.contracts.values import Shape
from tenon.records import OutRecord

SOURCE = "tenon/ingest"
# Headers hold at most three attributes of 512 characters, and what is ours.
_MOST_BYTES = MARKET.max_message_bytes - 16_384
_LISTED = {
    "tenon.offer.published.v1": "tenon.offer.listed.v1",
    "tenon.demand.published.v1": "tenon.demand.listed.v1",
}


def listed(data: Shape, site: SiteState, terms: PartyTerms) -> Shape:
    """Return an offer or a demand with what deciding needs to know of its site and party."""
    if isinstance(data, intake.OfferPublished):
        return OfferListed(offer=data, site=site, terms=terms)
    assert isinstance(data, intake.DemandPublished)
    return DemandListed(demand=data, site=site, terms=terms)


def market_record(statement: Statement, data: Shape, place: Place) -> OutRecord:
    """Return the record of a statement in the log of its market; raise `Refused` when it is too large."""
    event = statement.event
    party: str = getattr(statement.data, "party", "")
    event_type = _LISTED.get(event.type, event.type)
    return _record(event.id, event.source, event_type, event.time, event.subject, party, data, place)


def site_changed(event: CloudEvent, site: SiteState, place: Place) -> OutRecord:
    """Return the record that tells a market of a site that has changed."""
    data = SiteChanged(site=site)
    return _record(event.id, event.source, "tenon.site.changed.v1", event.time, None, site.party, data, place)


def party_changed(event: CloudEvent, terms: PartyTerms, name: str, place: Place) -> OutRecord:
    """Return the record that tells a market of a party that has changed."""
    data = PartyChanged(terms=terms, name=name)
    return _record(
        event.id, event.source, "tenon.party.changed.v1", event.time, None, terms.party, data, place
    )


def party_state(state: PartyState, sequence: int) -> OutRecord:
    """Return the record of a party's public facts; `sequence` rises with each of its changes."""
    headers = to_kafka(
        CloudEvent(
            id=f"{state.party}/{sequence}",
            source=SOURCE,
            type="tenon.party.state.v1",
            data=b"",
            subject=state.party,
            extensions={"party": state.party, "sequence": f"{sequence:020d}"},
        )
    )
    return OutRecord(PARTIES.name, state.party.encode(), encode(state), headers)


def _record(  # noqa: PLR0913 - the attributes of one record
    event_id: str,
    source: str,
    event_type: str,
    time: str | None,
    subject: str | None,
    party: str,
    data: Shape,
    place: Place,
) -> OutRecord:
    extensions = {"market": place.market, "party": party} if party else {"market": place.market}
    headers = to_kafka(CloudEvent(event_id, source, event_type, b"", time, subject, extensions))
    value = encode(data)
    if len(value) > _MOST_BYTES:
        expected = f"at most {_MOST_BYTES} bytes"
        refuse(too_large(f"{len(value)} bytes in the log's form", expected))
    return OutRecord(MARKET.name, place.market.encode(), value, headers, place.partition)
