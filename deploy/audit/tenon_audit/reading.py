"""From bytes to facts: what a round's events, its own record and the log's statements say. Pure.

Reads by the contracts alone. What can't be read raises `Unreadable`, with the place it stands at.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from hashlib import blake2b
from typing import TypeVar

import msgspec

from tenon.contracts import intake, log
from tenon.contracts.cloudevents import event_id
from tenon.contracts.codec import InvalidData, NotJson, decode_tolerant, encode, unix_ms
from tenon.contracts.dockings import Docking
from tenon.contracts.positions import DemandPosition, OfferPosition, ResourcePosition
from tenon.contracts.rounds import RoundDecided
from tenon.contracts.topics import DOCKINGS
from tenon.contracts.units import to_counts, unit
from tenon.contracts.values import Shape, Window
from tenon_audit.facts import (
    GRAINS,
    DemandTold,
    DemandWindow,
    Draw,
    Event,
    OfferTold,
    OfferWindow,
    Own,
    ResourceTold,
    Statement,
    Step,
)

S = TypeVar("S", bound=Shape)
EVENTS_PER_ROUND = 10_000_000
"""A sequence of the matcher's is its round times this, and a number within the round."""
Headers = Sequence[tuple[str, bytes]]


class Unreadable(Exception):
    """Bytes that are not what their type says."""


class _OutEvent(msgspec.Struct, frozen=True):
    """An event as the row of its round keeps it."""

    topic: str
    key: str
    headers: tuple[tuple[str, bytes], ...]
    value: bytes


_events = msgspec.msgpack.Decoder(list[_OutEvent])


def digest(data: bytes) -> bytes:
    """Return 16 bytes that stand for data, to compare without keeping it."""
    return blake2b(data, digest_size=16).digest()


def attributes(headers: Headers) -> Mapping[str, str]:
    """Return a record's CloudEvents attributes, without `ce_`."""
    return {name[3:]: value.decode(errors="replace") for name, value in headers if name.startswith("ce_")}


def events(packed: bytes) -> tuple[Event, ...]:
    """Return the events that the row of a round keeps."""
    found = []
    for each in _events.decode(packed):
        said = attributes(each.headers)
        event = Event(each.topic, each.key, said.get("id", ""), said.get("sequence", ""), each.value)
        found.append(event)
    return tuple(found)


def own(value: bytes) -> Own:
    """Return what a round says of itself."""
    said = _data(RoundDecided, value)
    return Own(
        said.partition,
        said.round,
        said.from_offset,
        said.next_offset,
        unix_ms(said.clock),
        said.engine,
        encode(said.policies),
        encode(said.skipped),
        tuple(skipped.offset for skipped in said.skipped),
        said.counts.records,
        said.counts.docked,
        said.previous_digest,
        said.digest,
    )


def step(given: str, sequence: str, value: bytes) -> Step:
    """Return a step of a docking; raises `Unreadable` where its id is not one that a round gave.

    Docking ids begin with the partition, and sequences with the round.
    """
    said = _data(Docking, value)
    made_in = _made_in(said.docking, given, sequence)
    supply, demand = said.supply, said.demand
    quantity, shipped, delivered, failed = _counts(
        said.unit, said.quantity, said.shipped, said.delivered, said.failed
    )
    return Step(
        given,
        said.docking,
        said.revision,
        said.status,
        (f"{supply.party}/{supply.id}", supply.window),
        (f"{demand.party}/{demand.id}", demand.window),
        quantity,
        shipped,
        delivered,
        failed,
        (supply.accepted, demand.accepted),
        tuple(sorted({supply.party, demand.party})),
        made_in,
        digest(value),
        unix_ms(said.at),
    )


def _made_in(docking: str, given: str, sequence: str) -> tuple[int, int]:
    home, number = docking.partition("-")[0], sequence
    if not (home.isdecimal() and number.isdecimal()):
        raise Unreadable(f"not a step of a docking: its id is {docking}, its sequence {sequence or 'none'}")
    made, index = divmod(int(number), EVENTS_PER_ROUND)
    if event_id(DOCKINGS.name, int(home), made, index) != given:
        raise Unreadable(f"not an event of round {made} of partition {home}: its id is another")
    return int(home), made


def position(value: bytes, kind: str) -> OfferTold | DemandTold | ResourceTold:
    """Return a position of an offer, of a resource or of a demand."""
    if kind == "resource":
        return _resource(_data(ResourcePosition, value))
    return _offer(_data(OfferPosition, value)) if kind == "offer" else _demand(_data(DemandPosition, value))


def statement(partition: int, offset: int, headers: Headers, value: bytes | None) -> Statement | None:
    """Return what a record says of an offer or a demand; None where it speaks of something else."""
    said = attributes(headers)
    market, where = said.get("market", ""), (partition, offset)
    match said.get("type"):
        case "tenon.offer.listed.v1":
            offer = _data(log.OfferListed, value).offer
            key, quantities = f"{offer.party}/{offer.offer}", _quantities(offer.windows, offer.item.unit)
            spans = _spans(offer.windows)
            return Statement(*where, "offer", market, key, offer.revision, quantities, spans, _draw(offer))
        case "tenon.resource.published.v1":
            resource = _data(intake.ResourcePublished, value)
            key = f"{resource.party}/{resource.resource}"
            counts = _quantities(resource.windows, resource.unit)
            grains = {window: counts[window] * GRAINS for window in counts}
            spans, of = _spans(resource.windows), unit(resource.unit).dimension
            published = Statement(*where, "resource", market, key, resource.revision, grains, spans)
            return published._replace(counted=(of.name, of.scale))
        case "tenon.resource.withdrawn.v1":
            over = _data(intake.ResourceWithdrawn, value)
            return Statement(*where, "resource", market, f"{over.party}/{over.resource}", over.revision, None)
        case "tenon.demand.listed.v1":
            demand = _data(log.DemandListed, value).demand
            key, quantities = f"{demand.party}/{demand.demand}", _quantities(demand.windows, demand.item.unit)
            return Statement(*where, "demand", market, key, demand.revision, quantities)
        case "tenon.offer.withdrawn.v1":
            ended = _data(intake.OfferWithdrawn, value)
            return Statement(*where, "offer", market, f"{ended.party}/{ended.offer}", ended.revision, None)
        case "tenon.demand.withdrawn.v1":
            given = _data(intake.DemandWithdrawn, value)
            return Statement(*where, "demand", market, f"{given.party}/{given.demand}", given.revision, None)
    return None


POLICY_TYPE = "tenon.policy.published.v1"
KEPT_CLOSED_S = intake.PolicyPublished(policy="p", revision=1).keep_closed_s
"""How long the matcher keeps what is closed where no policy says otherwise."""


def kept_closed_ms(value: bytes | None) -> int:
    """Return how long a policy lets the matcher keep what is closed; what can't be read says nothing."""
    try:
        return _data(intake.PolicyPublished, value).keep_closed_s * 1000
    except Unreadable:
        return KEPT_CLOSED_S * 1000


_LISTED = {"tenon.offer.listed.v1": "offer", "tenon.demand.listed.v1": "demand"}
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
EVERYWHERE = frozenset(
    {"tenon.site.changed.v1", "tenon.party.changed.v1", "tenon.policy.published.v1", "tenon.clock.ticked.v1"}
)
"""Types of which one event becomes a record in each market or partition that it concerns."""


def content(headers: Mapping[str, str], value: bytes) -> bytes:
    """Return what stands for the statement of a record: the same when its sender repeated it.

    A listing repeated later may carry a newer state of its site; that is not the sender's statement.
    """
    kind = headers.get("type", "")
    if kind in _LISTED:
        with suppress(msgspec.MsgspecError, KeyError, RecursionError, UnicodeDecodeError):
            value = bytes(_members.decode(value)[_LISTED[kind]])
    market = "" if kind in EVERYWHERE else headers.get("market", "")
    return blake2b(f"{kind}\0{market}\0".encode() + value, digest_size=8).digest()


def _offer(said: OfferPosition) -> OfferTold:
    windows = (
        OfferWindow(
            window.id,
            *_counts(said.item.unit, window.quantity, window.consumed, window.free, window.overdrawn),
        )
        for window in said.windows
    )
    return OfferTold(f"{said.party}/{said.offer}", tuple(windows))


def _resource(said: ResourcePosition) -> ResourceTold:
    windows = (
        OfferWindow(
            window.id,
            *(
                int(Fraction(quantity) * unit(said.unit).dimension.scale * GRAINS)
                for quantity in (window.quantity, window.consumed, window.free, window.overdrawn)
            ),
        )
        for window in said.windows
    )
    return ResourceTold(f"{said.party}/{said.resource}", tuple(windows))


def _draw(offer: intake.OfferPublished) -> Draw | None:
    """Return what a count of an offer takes, in base units."""
    draw = offer.resource
    if draw is None:
        return None
    stated = None if draw.unit is None else unit(draw.unit)
    load = Fraction(draw.load_factor) / unit(offer.item.unit).dimension.scale
    if stated is not None:
        load *= stated.factor
    return Draw(f"{offer.party}/{draw.id}", load, stated.dimension.name if stated else None)


def _spans(windows: Sequence[Window]) -> dict[str, tuple[int, int]]:
    return {window.id: (unix_ms(window.from_), unix_ms(window.until)) for window in windows}


def _demand(said: DemandPosition) -> DemandTold:
    windows = []
    for window in said.windows:
        docked = (window.proposed, window.confirmed, window.shipped, window.delivered)
        parts = _counts(said.item.unit, window.asked, window.open, *docked, window.given_up)
        windows.append(DemandWindow(window.id, *parts))
    explained = said.reasons is not None
    return DemandTold(f"{said.party}/{said.demand}", tuple(windows), said.status, explained)


def _counts(unit: str, *quantities: Decimal) -> list[int]:
    return [to_counts(quantity, unit) for quantity in quantities]


def _quantities(windows: Sequence[Window], unit: str) -> dict[str, int]:
    return {window.id: to_counts(window.quantity, unit) for window in windows}


def _data(kind: type[S], value: bytes | None) -> S:
    try:
        return decode_tolerant(kind, value or b"")
    except (NotJson, InvalidData, ValueError) as error:
        raise Unreadable(f"not a {kind.__name__}: {error}") from error
