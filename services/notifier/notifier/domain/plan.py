"""Who gets what of an event: the entries that it puts into feeds.

An entry is an event as one audience sees it, a CloudEvent in its JSON form without the number that
the feed gives it later.
"""

from dataclasses import dataclass
from typing import Final

from notifier.domain.audiences import ADMINISTRATOR, WALL
from notifier.domain.pseudonym import Naming
from notifier.domain.reading import Received
from notifier.domain.visibility import parties_of, visible
from tenon.contracts.alerts import Unmet
from tenon.contracts.codec import encode
from tenon.contracts.dockings import Docking
from tenon.contracts.parties import PartyState
from tenon.contracts.positions import DemandPosition, OfferPosition
from tenon.contracts.rounds import RoundDecided
from tenon.contracts.values import Shape

# Not events of any feed: keys are nobody's business, rounds are shown per partition.
SILENT: Final = frozenset({PartyState, RoundDecided})
ON_WALL: Final = frozenset({Docking, Unmet})


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in one feed. `subject` is what it is about: deliveries are ordered per subject."""

    audience: str
    event_id: str
    type: str
    subject: str
    at: str
    body: bytes


def entries(received: Received, naming: Naming) -> list[Entry]:
    """Return the entries of an event, one for each audience that sees any of it."""
    about = subject_of(received.data)
    planned = []
    for audience in audiences(received.data):
        shown = visible(received.data, audience, naming)
        if shown is not None:
            planned.append(_entry(received, audience, about, shown))
    return planned


def audiences(event: Shape) -> tuple[str, ...]:
    """Return whom an event is for: the parties on both sides, the administrator, the wall."""
    kind = type(event)
    if kind in SILENT:
        return ()
    return (
        (*parties_of(event), ADMINISTRATOR, WALL) if kind in ON_WALL else (*parties_of(event), ADMINISTRATOR)
    )


def subject_of(event: Shape) -> str:
    """Return what an event is about: a docking, or an offer or demand as kind/id."""
    match event:
        case Docking():
            return event.docking
        case OfferPosition():
            return f"offer/{event.offer}"
        case DemandPosition():
            return f"demand/{event.demand}"
        case _:
            return ""


def numbered(body: bytes, number: int) -> bytes:
    """Return an entry's body with its number in the feed as CloudEvents attribute `sequence`."""
    return b'{"sequence":"%020d",' % number + body[1:]


def _entry(received: Received, audience: str, about: str, shown: dict[str, object]) -> Entry:
    envelope: dict[str, object] = {
        "specversion": "1.0",
        "id": received.id,
        "source": received.source,
        "type": received.type,
        "time": received.time,
        "datacontenttype": "application/json",
    }
    if about and not (audience == WALL and "/" in about):
        envelope["subject"] = about
    envelope["data"] = shown
    return Entry(audience, received.id, received.type, about, received.time, encode(envelope))
