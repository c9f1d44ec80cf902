"""Who gets what of an event: the entries that it puts into feeds.

An entry is an event as one audience sees it, a CloudEvent in its JSON form without the number that
the feed gives it later.
"""

from typing import Final, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from notifier.domain.audiences import ADMINISTRATOR, WALL, is_party
from notifier.domain.pseudonym import Naming
from notifier.domain.reading import Received
from notifier.domain.sight import Sight
from notifier.domain.visibility import parties_of
from notifier.domain.ways import Message
from tenon.contracts.alerts import Unmet
from tenon.contracts.codec import encode, encode_text, instant
from tenon.contracts.dockings import Docking
from tenon.contracts.endpoints import EndpointDisabled, EndpointPinged, Way
from tenon.contracts.parties import PartyState
from tenon.contracts.positions import DemandPosition, OfferPosition, ResourcePosition
from tenon.contracts.rounds import RoundDecided
from tenon.contracts.values import Shape

SOURCE: Final = "/tenon/notifier"
# Not events of any feed: keys are nobody's business, rounds are shown per partition.
SILENT: Final = frozenset({PartyState, RoundDecided})
ON_WALL: Final = frozenset({Docking, Unmet})


class Entry(NamedTuple):
    """An event in one feed. `subject` is what it is about: deliveries are ordered per subject."""

    audience: str
    event_id: str
    type: str
    subject: str
    at: str
    body: bytes


def entries(received: Received, naming: Naming) -> list[Entry]:
    """Return the entries of an event, one for each audience that sees any of it."""
    viewers = audiences(received.data)
    if not viewers:
        return []
    event_id, event_type, time = received.id, received.type, received.time
    about = subject_of(received.data)
    sight = Sight(received.data, received.json, naming)
    named, unnamed = _envelope(received, about), _envelope(received, "")
    return [
        Entry(
            viewer,
            event_id,
            event_type,
            about,
            time,
            b'{"data":%b,%b' % (shown, unnamed if viewer == WALL and "/" in about else named),
        )
        for viewer in viewers
        if (shown := sight.seen_by(viewer)) is not None
    ]


def audiences(event: Shape) -> tuple[str, ...]:
    """Return whom an event is for: the parties on both sides, the administrator, the wall."""
    kind = type(event)
    if kind in SILENT:
        return ()
    return (
        (*parties_of(event), ADMINISTRATOR, WALL) if kind in ON_WALL else (*parties_of(event), ADMINISTRATOR)
    )


def subject_of(event: Shape) -> str:
    """Return what an event is about: a docking, or an offer, resource or demand as kind/id."""
    match event:
        case Docking():
            return event.docking
        case OfferPosition():
            return f"offer/{event.offer}"
        case ResourcePosition():
            return f"resource/{event.resource}"
        case DemandPosition():
            return f"demand/{event.demand}"
        case EndpointDisabled() | EndpointPinged():
            return f"subscription/{event.subscription}"
        case _:
            return ""


def told_disabled(
    subscription: str, audience: str, way: Way, cause: str, cursor: int, at_ms: int
) -> list[Entry]:
    """Return what the owner of a subscription is told when it is served no more: why, and behind what."""
    event = EndpointDisabled(
        subscription=subscription,
        party=audience if is_party(audience) else None,
        way=way,
        cause=cause,
        cursor=cursor,
        at=instant(at_ms),
    )
    return entries(_own("tenon.endpoint.disabled.v1", subscription, event), Naming(b""))


def ping(subscription: str, way: Way, at_ms: int) -> Message:
    """Return the trial of a subscription, which has no number of a feed."""
    event = EndpointPinged(subscription=subscription, way=way, at=instant(at_ms))
    received = _own("tenon.endpoint.pinged.v1", subscription, event)
    about = subject_of(event)
    body = b'{"data":%b,%b' % (received.json, _envelope(received, about))
    return Message(0, received.id, received.type, about, numbered(body, 0))


def _own(name: str, subscription: str, event: EndpointDisabled | EndpointPinged) -> Received:
    """Return an event of the notifier's own, as if it had been received."""
    time = encode_text(event.at).strip('"')
    event_id = str(uuid5(NAMESPACE_URL, f"{SOURCE}/{subscription}/{name}/{time}"))
    return Received(event_id, SOURCE, name, time, "", "", event, encode(event))


def numbered(body: bytes, number: int) -> bytes:
    """Return an entry's body with its number in the feed as CloudEvents attribute `sequence`."""
    return b'{"sequence":"%020d",' % number + body[1:]


def _envelope(received: Received, about: str) -> bytes:
    """Return all of an entry's body that comes behind its data."""
    envelope = {
        "specversion": "1.0",
        "id": received.id,
        "source": received.source,
        "type": received.type,
        "time": received.time,
        "datacontenttype": "application/json",
    }
    if about:
        envelope["subject"] = about
    return encode(envelope)[1:]
