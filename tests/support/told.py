"""What the matcher and ingest tell: builders of the notifier's input, with sensible defaults."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

from tenon.contracts import alerts, dockings, parties, positions, rounds, topics, values
from tenon.contracts.cloudevents import CloudEvent, to_kafka
from tenon.contracts.codec import encode
from tenon.contracts.families import docking_type
from tenon.contracts.values import Shape
from tenon.records import OutRecord

START = datetime(2026, 3, 2, tzinfo=UTC)
MASKS = values.ItemClass(scheme="own", code="mask")
UNITS = values.Item(class_=MASKS, unit="C62")
BERLIN = values.Position(latitude=52.52, longitude=13.41)
LYON = values.Position(latitude=45.76, longitude=4.84)


def side(party: str, **said: object) -> dockings.Side:
    """Return a side of a docking."""
    fields = {
        "id": "one",
        "window": "w1",
        "site": "main",
        "region": "DE",
        "position": BERLIN,
        **said,
    }
    return dockings.Side(party=party, **fields)  # type: ignore[arg-type]


def docking(
    name: str = "d-1",
    status: dockings.DockingStatus = "proposed",
    revision: int = 1,
    *,
    supply: str = "mill",
    demand: str = "clinic",
    accepted: bool | None = None,
    **said: object,
) -> dockings.Docking:
    """Return a docking after a step; both sides have accepted from confirmed on, unless `accepted` says."""
    both = status in ("confirmed", "shipped", "delivered", "failed") if accepted is None else accepted
    note = values.ExternalReference(type="purchase-order", id="PO-77")
    fields = {
        "supply": side(supply, id="offer-1", accepted=both),
        "demand": side(
            demand,
            id="demand-1",
            region="FR",
            position=LYON,
            site="ward",
            accepted=both,
            external_references=[note],
        ),
        "market": "own:mask",
        "class_": MASKS,
        "unit": "C62",
        "quantity": Decimal(40),
        "tier": 2,
        "distance_m": 974_123,
        "proposed_at": START,
        "at": START + timedelta(minutes=revision),
        "cause": dockings.Cause(code="matched", note="as agreed by phone"),
        "price": values.Money(amount="1.25", currency="EUR"),
        "respond_by": START + timedelta(days=1),
        "shipped": Decimal(0),
        "delivered": Decimal(0),
        "failed": Decimal(0),
        "offered_since": START - timedelta(days=2),
        "required_since": START - timedelta(days=1),
        **said,
    }
    return dockings.Docking(docking=name, revision=revision, status=status, **fields)  # type: ignore[arg-type]


def resource_position(party: str = "mill", name: str = "line") -> positions.ResourcePosition:
    """Return a resource of 3,600 seconds of which a quarter is free."""
    window = positions.ResourceWindow(
        id="w1",
        from_=START,
        until=START + timedelta(days=9),
        quantity=Decimal(3600),
        consumed=Decimal(2700),
        free=Decimal(900),
        overdrawn=Decimal(0),
    )
    return positions.ResourcePosition(
        party=party,
        resource=name,
        revision=1,
        status="open",
        market="own:mask",
        class_=UNITS.class_,
        site="main",
        unit="SEC",
        windows=[window],
        at=START,
    )


def demand_position(
    party: str = "clinic", name: str = "demand-1", open_: int = 60, **said: object
) -> positions.DemandPosition:
    """Return a demand for 100 masks of which some are open."""
    window = positions.DemandWindow(
        id="w1",
        from_=START,
        until=START + timedelta(days=9),
        asked=Decimal(100),
        open=Decimal(open_),
        proposed=Decimal(100 - open_),
        confirmed=Decimal(0),
        shipped=Decimal(0),
        delivered=Decimal(0),
        given_up=Decimal(0),
    )
    why = positions.Reasons(as_of=START, considered=3, failed={"price": 2, "region": 1})
    fields = {
        "revision": 1,
        "status": "open" if open_ else "filled",
        "market": "own:mask",
        "item": UNITS,
        "site": "ward",
        "region": "FR",
        "position": LYON,
        "tier": 2,
        "windows": [window],
        "at": START,
        "reasons": why if open_ else None,
        **said,
    }
    return positions.DemandPosition(party=party, demand=name, **fields)  # type: ignore[arg-type]


def offer_position(party: str = "mill", name: str = "offer-1", free: int = 60) -> positions.OfferPosition:
    """Return an offer of 100 masks of which some are free."""
    window = positions.OfferWindow(
        id="w1",
        from_=START,
        until=START + timedelta(days=9),
        quantity=Decimal(100),
        consumed=Decimal(100 - free),
        free=Decimal(free),
        overdrawn=Decimal(0),
    )
    return positions.OfferPosition(
        party=party,
        offer=name,
        revision=1,
        status="open",
        market="own:mask",
        item=UNITS,
        site="main",
        region="DE",
        position=BERLIN,
        windows=[window],
        at=START,
    )


def unmet(party: str = "clinic") -> alerts.Unmet:
    """Return the alert that a demand was given up."""
    return alerts.Unmet(
        market="own:mask",
        party=party,
        demand="demand-1",
        class_=MASKS,
        unit="C62",
        quantity=Decimal(7),
        at=START,
        cause="patience ended",
    )


def round_decided(partition: int, number: int) -> rounds.RoundDecided:
    """Return a round of a partition."""
    return rounds.RoundDecided(
        partition=partition,
        round=number,
        from_offset=number * 10,
        next_offset=number * 10 + 10,
        clock=START + timedelta(minutes=number),
        engine="1",
        policies={"default": 1},
        skipped=[rounds.Skipped(offset=3, code="invalid_data", detail="of a party")],
        counts=rounds.RoundCounts(records=10, docked=2),
        previous_digest="0" * 64,
        digest="1" * 64,
    )


def party_state(party: str, keys: Sequence[str] = (), name: str | None = None) -> parties.PartyState:
    """Return a party with these API keys in force."""
    hashes = [
        parties.KeyHash(key=f"k{index}", sha256=hashlib.sha256(key.encode()).hexdigest())
        for index, key in enumerate(keys)
    ]
    return parties.PartyState(party=party, revision=1, name=name or f"{party.title()} Ltd", keys=hashes)


def key_of(data: Shape) -> str:
    """Return the Kafka key of a message, as the table of topics says."""
    match data:
        case dockings.Docking():
            return f"{data.demand.party}/{data.demand.id}"
        case positions.OfferPosition():
            return f"{data.party}/offer/{data.offer}"
        case positions.DemandPosition():
            return f"{data.party}/demand/{data.demand}"
        case positions.ResourcePosition():
            return f"{data.party}/resource/{data.resource}"
        case parties.PartyState():
            return data.party
        case rounds.RoundDecided():
            return str(data.partition)
        case _:
            return getattr(data, "market", "")


def type_of(data: Shape) -> str:
    """Return the event type of a message."""
    match data:
        case dockings.Docking():
            return docking_type(data.status)
        case positions.OfferPosition():
            return "tenon.offer.position.v1"
        case positions.DemandPosition():
            return "tenon.demand.position.v1"
        case positions.ResourcePosition():
            return "tenon.resource.position.v1"
        case alerts.Unmet():
            return "tenon.alert.unmet.v1"
        case parties.PartyState():
            return "tenon.party.state.v1"
        case rounds.RoundDecided():
            return "tenon.round.decided.v1"
        case _:
            raise TypeError(type(data))


TOPIC_OF = {
    dockings.Docking: topics.DOCKINGS,
    positions.OfferPosition: topics.POSITIONS,
    positions.DemandPosition: topics.POSITIONS,
    positions.ResourcePosition: topics.POSITIONS,
    alerts.Unmet: topics.ALERTS,
    parties.PartyState: topics.PARTIES,
    rounds.RoundDecided: topics.ROUNDS,
}


def record(data: Shape, sequence: int, *, partition: int = 0, event_id: str | None = None) -> OutRecord:
    """Return a message as its sender writes it."""
    topic = TOPIC_OF[type(data)].name
    named = event_id or str(uuid5(NAMESPACE_URL, f"{topic}/{partition}/{key_of(data)}/{sequence}"))
    event = CloudEvent(
        named,
        "/tenon/matcher",
        type_of(data),
        encode(data),
        time="2026-03-02T00:00:00Z",
        extensions={"sequence": f"{sequence:020d}"},
    )
    return OutRecord(topic, key_of(data).encode(), event.data, to_kafka(event), partition)
