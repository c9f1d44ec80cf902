"""What is known before some batches are decided: states, names, what was seen, in one query.

Only what these batches need is asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from notifier.domain.batch import StateKey, state_key
from notifier.domain.reading import ORDERED, Received, Tombstone
from notifier.domain.visibility import parties_of
from notifier.statements import Part, union
from tenon.contracts.codec import decode_tolerant
from tenon.contracts.dockings import Docking
from tenon.contracts.positions import DemandPosition, OfferPosition, ResourcePosition
from tenon.contracts.topics import DOCKINGS, ROUNDS
from tenon.contracts.values import Shape
from tenon.db import Connection

Items = Sequence[Received | Tombstone]
_KINDS: Final[Mapping[str, type[Shape]]] = {
    "docking": Docking,
    "offer": OfferPosition,
    "demand": DemandPosition,
    "resource": ResourcePosition,
}
_LISTED: Final = """
SELECT '{kind}', party || '/' || id, NULL::text, data FROM {kind}s
WHERE (party, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""
_STATES: Final = {
    "docking": "SELECT 'docking', docking, NULL::text, data FROM dockings WHERE docking = ANY($1::text[])",
    "offer": _LISTED.format(kind="offer"),
    "demand": _LISTED.format(kind="demand"),
    "resource": _LISTED.format(kind="resource"),
}
_NAMES: Final = "SELECT 'name', party, name, NULL::bytea FROM parties WHERE party = ANY($1::text[])"
_ORDERS: Final = (
    "SELECT topic, key, sequence::text, NULL::bytea FROM sequences WHERE topic = $1 AND key = ANY($2::text[])"
)
_IDS: Final = "SELECT $1::text, event_id, '', NULL::bytea FROM seen_events WHERE event_id = ANY($2::text[])"


@dataclass(slots=True)
class Known:
    """States by their keys, names of parties, and per topic the highest sequences or the ids seen before."""

    states: dict[StateKey, Shape] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    seen: dict[str, dict[str, str]] = field(default_factory=dict)


async def load(connection: Connection, items: Mapping[str, Items]) -> Known:
    """Return what the database knows of the items of each topic."""
    ids: dict[str, str] = {}  # An id is one event's, in whatever topic.
    known = Known(seen={topic: {} if topic in ORDERED else ids for topic in items})
    parts = [*_states(items), *_names(items), *_seen(items)]
    if not parts:
        return known
    query, arguments = union(parts)
    for what, key, text, data in await connection.fetch(query, *arguments):
        if what in _KINDS:
            known.states[what, key] = decode_tolerant(_KINDS[what], data)
        elif what == "name":
            known.names[key] = text
        else:
            known.seen[what][key] = text
    return known


def keys_of(kind: str, keys: Sequence[str]) -> tuple[Sequence[str], ...]:
    """Return the columns that find states of a kind: dockings by their id, others by party and id."""
    if kind == "docking":
        return (keys,)
    pairs = [key.split("/", 1) for key in keys]
    return [party for party, _ in pairs], [name for _, name in pairs]


def _states(items: Mapping[str, Items]) -> Iterator[Part]:
    found = {state_key(item) for each in items.values() for item in each}
    for kind, query in _STATES.items():
        if keys := [key[1] for key in found if key is not None and key[0] == kind]:
            yield query, keys_of(kind, keys)


def _names(items: Mapping[str, Items]) -> Iterator[Part]:
    wanted = {
        party
        for item in items.get(DOCKINGS.name, ())
        if isinstance(item, Received)
        for party in parties_of(item.data)
    }
    if wanted:
        yield _NAMES, (list(wanted),)


def _seen(items: Mapping[str, Items]) -> Iterator[Part]:
    for topic, each in items.items():
        if not each or topic == ROUNDS.name:
            continue
        if topic in ORDERED:
            yield _ORDERS, (topic, list({item.ordered_by for item in each}))
        else:
            yield _IDS, (topic, [item.id for item in each if isinstance(item, Received)])
