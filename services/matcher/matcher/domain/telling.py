"""From a round's effects to the events that tell the outside, with ids and sequences that repeat exactly."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from matcher.domain.effects import Alert, Effects
from matcher.domain.model import Demand, DemandWindow, Market, Offer, OfferWindow, Resource, ResourceWindow
from matcher.domain.reading import Unusable
from matcher.domain.resources import from_grains
from matcher.domain.settling import overdrawn, overloaded
from matcher.domain.state import State
from tenon.contracts import positions, topics
from tenon.contracts.cloudevents import CloudEvent, event_id, to_kafka
from tenon.contracts.codec import encode, instant
from tenon.contracts.families import docking_type
from tenon.contracts.rejections import (
    MAX_KEPT_BYTES,
    REJECTED_TYPE,
    EventRejected,
    EventSuperseded,
    Origin,
    source_key,
)
from tenon.contracts.units import from_counts
from tenon.contracts.values import Shape

_EVENTS_PER_ROUND = 10_000_000


@dataclass(frozen=True, slots=True)
class OutEvent:
    """An event for a topic: its key, headers and value are the same each time it is sent.

    An empty value is a tombstone: the key is gone.
    """

    topic: str
    key: str
    headers: tuple[tuple[str, bytes], ...]
    value: bytes


@dataclass(frozen=True, slots=True)
class _Draft:
    topic: str
    key: str
    type: str
    subject: str
    market: str
    data: Shape | None


def tell(state: State, effects: Effects) -> list[OutEvent]:
    """Return the events of a round: steps of dockings, positions, answers, alerts, reports."""
    drafts = [*_steps(effects), *_positions(state, effects), *_told(effects), *_alerts(state, effects)]
    drafts += [_rejection(state.partition, bad, effects.clock_ms) for bad in effects.unusable]
    return seal(drafts, effects.partition, effects.round, effects.clock_ms)


def seal(
    drafts: Sequence[_Draft], partition: int, round_number: int, clock_ms: int, first: int = 0
) -> list[OutEvent]:
    """Give each event its id (of topic, partition, round, index) and its sequence."""
    time = instant(clock_ms).isoformat().replace("+00:00", "Z")
    events = []
    for index, draft in enumerate(drafts, first):
        event = CloudEvent(
            id=event_id(draft.topic, partition, round_number, index),
            source="tenon/matcher",
            type=draft.type,
            data=b"" if draft.data is None else encode(draft.data),
            time=time,
            subject=draft.subject,
            extensions={"market": draft.market, "sequence": sequence(round_number, index)},
        )
        events.append(OutEvent(draft.topic, draft.key, tuple(to_kafka(event)), event.data))
    return events


def sequence(round_number: int, index: int) -> str:
    """Return a number that rises with every event of a partition, in 20 digits."""
    return f"{round_number * _EVENTS_PER_ROUND + index:020d}"


def round_event(decided: Shape, partition: int, round_number: int, clock_ms: int, index: int) -> OutEvent:
    """Return the event that tells the round itself; it comes after all others of the round."""
    draft = _Draft(
        topics.ROUNDS.name,
        str(partition),
        "tenon.round.decided.v1",
        f"{partition}/{round_number}",
        "*",
        decided,
    )
    return seal([draft], partition, round_number, clock_ms, index)[0]


def offer_position(market: Market, offer: Offer, now_ms: int) -> positions.OfferPosition:
    """Return an offer as the outside sees it."""
    site = market.sites[offer.site_key].state
    return positions.OfferPosition(
        party=offer.said.party,
        offer=offer.said.offer,
        revision=offer.said.revision,
        status=offer.status,
        market=market.name,
        item=offer.said.item,
        site=site.site,
        region=site.region,
        position=site.position,
        windows=[_offer_window(window, offer.unit) for window in offer.windows],
        at=instant(now_ms),
        price=offer.said.price,
    )


def resource_position(market: Market, resource: Resource, now_ms: int) -> positions.ResourcePosition:
    """Return a resource as the outside sees it."""
    said = resource.said
    told = resource.windows if resource.windows[-1].consumed else resource.windows[:-1]
    return positions.ResourcePosition(
        party=said.party,
        resource=said.resource,
        revision=said.revision,
        status=resource.status(now_ms),
        market=market.name,
        class_=said.class_,
        site=said.site,
        unit=said.unit,
        windows=[_resource_window(window, said.unit) for window in told],
        at=instant(now_ms),
    )


def demand_position(market: Market, demand: Demand, now_ms: int) -> positions.DemandPosition:
    """Return a demand as the outside sees it."""
    site = market.sites[demand.site_key].state
    return positions.DemandPosition(
        party=demand.said.party,
        demand=demand.said.demand,
        revision=demand.said.revision,
        status=demand.status,
        market=market.name,
        item=demand.said.item,
        site=site.site,
        region=site.region,
        position=site.position,
        tier=demand.said.tier,
        windows=[_demand_window(window, demand.unit) for window in demand.windows],
        at=instant(now_ms),
        highest_price=demand.said.highest_price,
        reasons=demand.reasons if demand.open else None,
    )


def _steps(effects: Effects) -> Iterator[_Draft]:
    for step in effects.steps:
        key = f"{step.demand.party}/{step.demand.id}"
        yield _Draft(topics.DOCKINGS.name, key, docking_type(step.status), step.docking, step.market, step)


def _positions(state: State, effects: Effects) -> Iterator[_Draft]:
    for market_name, key in sorted(effects.offers):
        market = state.markets[market_name]
        told = offer_position(market, market.offers[key], effects.clock_ms)
        yield _position(told, "offer", told.party, told.offer, market_name)
    for market_name, key in sorted(effects.demands):
        market = state.markets[market_name]
        asked = demand_position(market, market.demands[key], effects.clock_ms)
        yield _position(asked, "demand", asked.party, asked.demand, market_name)
    for market_name, key in sorted(effects.resources):
        if (resource := state.markets[market_name].resources.get(key)) is not None:
            borne = resource_position(state.markets[market_name], resource, effects.clock_ms)
            yield _position(borne, "resource", borne.party, borne.resource, market_name)
    for kind, market_name, key in sorted(effects.forgotten):
        party, _, entity = key.partition("/")
        yield _position(None, kind, party, entity, market_name)


def _position(data: Shape | None, kind: str, party: str, entity: str, market: str) -> _Draft:
    return _Draft(
        topics.POSITIONS.name,
        f"{party}/{kind}/{entity}",
        f"tenon.{kind}.position.v1",
        f"{party}/{entity}",
        market,
        data,
    )


def _told(effects: Effects) -> Iterator[_Draft]:
    for told in effects.told:
        superseded = isinstance(told, EventSuperseded)
        event_type = "tenon.event.superseded.v1" if superseded else "tenon.answer.refused.v1"
        subject = told.id if isinstance(told, EventSuperseded) else told.docking
        yield _Draft(
            topics.REJECTED.name,
            source_key(topics.MARKET.name, effects.partition),
            event_type,
            f"{told.party}/{subject}",
            "*",
            told,
        )


def _alerts(state: State, effects: Effects) -> Iterator[_Draft]:
    alerts: list[tuple[str, Alert]] = list(effects.alerts)
    for name, key in sorted(effects.offers):
        market = state.markets[name]
        alerts.extend((name, alert) for alert in overdrawn(market, market.offers[key], effects.clock_ms))
    for name, key in sorted(effects.resources):
        if (resource := state.markets[name].resources.get(key)) is not None:
            loads = overloaded(state.markets[name], resource, effects.clock_ms)
            alerts.extend((name, alert) for alert in loads)
    for market_name, alert in alerts:
        event_type = f"tenon.alert.{type(alert).__name__.lower()}.v1"
        yield _Draft(topics.ALERTS.name, market_name, event_type, alert.party, market_name, alert)


def _rejection(partition: int, bad: Unusable, now_ms: int) -> _Draft:
    value = (bad.record.value if bad.record else None) or b""
    headers = _texts(bad.record.headers if bad.record else ())
    origin = Origin(
        topic=topics.MARKET.name,
        partition=partition,
        offset=bad.offset,
        event_id=headers.get("ce_id"),
        event_type=headers.get("ce_type"),
        party=headers.get("ce_party"),
    )
    rejected = EventRejected(
        service="matcher",
        code=bad.code,
        detail=bad.detail[:1000],
        origin=origin,
        at=instant(now_ms),
        headers=headers,
        data_base64=b64encode(value[:MAX_KEPT_BYTES]).decode(),
        truncated=len(value) > MAX_KEPT_BYTES,
    )
    subject = f"{topics.MARKET.name}/{partition}/{bad.offset}"
    key = source_key(topics.MARKET.name, partition)
    return _Draft(topics.REJECTED.name, key, REJECTED_TYPE, subject, "*", rejected)


def _texts(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    return {name[:200]: value[:1000].decode(errors="replace") for name, value in list(headers)[:50]}


def _offer_window(window: OfferWindow, unit: str) -> positions.OfferWindow:
    return positions.OfferWindow(
        id=window.id,
        from_=instant(window.from_ms),
        until=instant(window.until_ms),
        quantity=from_counts(window.quantity, unit),
        consumed=from_counts(window.consumed, unit),
        free=from_counts(window.free, unit),
        overdrawn=from_counts(window.overdrawn, unit),
    )


def _resource_window(window: ResourceWindow, unit: str) -> positions.ResourceWindow:
    return positions.ResourceWindow(
        id=window.id,
        from_=instant(window.from_ms),
        until=instant(window.until_ms),
        quantity=from_grains(window.quantity, unit),
        consumed=from_grains(window.consumed, unit),
        free=from_grains(window.free, unit),
        overdrawn=from_grains(window.overdrawn, unit),
    )


def _demand_window(window: DemandWindow, unit: str) -> positions.DemandWindow:
    return positions.DemandWindow(
        id=window.id,
        from_=instant(window.from_ms),
        until=instant(window.until_ms),
        asked=from_counts(window.asked, unit),
        open=from_counts(window.open, unit),
        proposed=from_counts(window.proposed, unit),
        confirmed=from_counts(window.confirmed, unit),
        shipped=from_counts(window.shipped, unit),
        delivered=from_counts(window.delivered, unit),
        given_up=from_counts(window.given_up, unit),
    )
