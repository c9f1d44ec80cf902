"""What a batch of records changes: the pure middle of the handler.

`sort_out` reads the records of a partition, `by_topic` joins those of several, `decide` turns what is new in
them into rows and feed entries. Which rows exist already is given to it; how they are stored is not its
business.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from notifier.domain import plan
from notifier.domain.fresh import fresh
from notifier.domain.pseudonym import Naming
from notifier.domain.reading import ORDERED, Received, Refused, Tombstone, read
from notifier.domain.totals import Totals, add_change, nonzero
from tenon.contracts.dockings import Docking
from tenon.contracts.parties import PartyState
from tenon.contracts.positions import DemandPosition, OfferPosition, ResourcePosition
from tenon.contracts.rejections import AnswerRefused, EventRejected, EventSuperseded
from tenon.contracts.rounds import RoundDecided
from tenon.contracts.topics import ROUNDS
from tenon.contracts.values import Shape
from tenon.records import TopicPartition

StateKey = tuple[str, str]
"""(kind, key): `docking` and its id, `offer` or `demand` and party/id."""


_POSITION = (OfferPosition, DemandPosition, ResourcePosition)


class RawRecord(Protocol):
    """What is needed of a record."""

    @property
    def key(self) -> bytes | None:
        """Its key."""

    @property
    def value(self) -> bytes | None:
        """Its value; None for a tombstone."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Its headers."""


R = TypeVar("R", bound=RawRecord)


class TooManyUnusable(Exception):
    """So many records in a row could not be used that it must be us, not them."""


@dataclass(frozen=True, slots=True)
class Sorted(Generic[R]):
    """Records with what they say, or with why they can't be used; how many of these came last in a row."""

    read: list[tuple[R, Received | Tombstone]]
    refused: list[tuple[R, Refused]]
    run: int = 0

    @property
    def items(self) -> list[Received | Tombstone]:
        """What could be read."""
        return [item for _, item in self.read]


@dataclass(slots=True)
class Changes:
    """Everything that a batch changes."""

    seen: dict[str, dict[str, str]] = field(default_factory=dict)
    states: dict[StateKey, Shape | None] = field(default_factory=dict)
    json: dict[StateKey, bytes] = field(default_factory=dict)
    steps: dict[tuple[str, int], bytes] = field(default_factory=dict)
    parties: dict[str, PartyState | None] = field(default_factory=dict)
    rounds: dict[int, RoundDecided] = field(default_factory=dict)
    rejections: list[Received] = field(default_factory=list)
    totals: Totals = field(default_factory=dict)
    entries: list[plan.Entry] = field(default_factory=list)
    taken: int = 0


def sort_out(topic: str, records: Iterable[R], run: int, most_in_row: int) -> Sorted[R]:
    """Read records; raise `TooManyUnusable` when `most_in_row` of them in a row can't be used.

    `run` is how many unusable ones came right before.
    """
    good: list[tuple[R, Received | Tombstone]] = []
    refused: list[tuple[R, Refused]] = []
    for record in records:
        item = read(topic, record.key, record.headers, record.value)
        if isinstance(item, Refused):
            run += 1
            refused.append((record, item))
            if run >= most_in_row:
                raise TooManyUnusable(
                    f"{run} records in a row, the last because of {item.code}: {item.detail}"
                )
        else:
            run = 0
            good.append((record, item))
    return Sorted(good, refused, run)


def by_topic(read: Mapping[TopicPartition, Sorted[R]]) -> dict[str, Sorted[R]]:
    """Return what was read of each topic, one partition after the other."""
    found: dict[str, Sorted[R]] = {}
    for where, part in read.items():
        whole = found.setdefault(where.topic, Sorted([], []))
        whole.read.extend(part.read)
        whole.refused.extend(part.refused)
    return found


def without_moved(found: Sorted[R], before: Mapping[StateKey, Shape]) -> Sorted[R]:
    """Set aside the positions of ids that are known in another market.

    A matcher refuses a listing that would move an id, as far as it can know: markets of other partitions are
    another matcher's. Here both are seen. The market that came first keeps the id; its owner is told. That
    another market has forgotten what it held under the id says nothing of it, to nobody.
    """
    homes = {key: state.market for key, state in before.items() if isinstance(state, _POSITION)}
    kept: list[tuple[R, Received | Tombstone]] = []
    moved: list[tuple[R, Refused]] = []
    for record, item in found.read:
        key, data = state_key(item), item.data if isinstance(item, Received) else None
        if isinstance(item, Tombstone) and key and item.market not in ("", homes.get(key, item.market)):
            continue  # Forgotten where it was refused; where it is at home, it stays.
        if isinstance(data, _POSITION) and key and homes.setdefault(key, data.market) != data.market:
            detail = f"it is in market {homes[key]}: withdraw it there and publish it under a new id"
            moved.append((record, Refused("market_moved", detail, data.party)))
        elif not (isinstance(item, Tombstone) and _is_of_another(item, key, homes)):
            kept.append((record, item))
    return Sorted(kept, [*found.refused, *moved], found.run)


def _is_of_another(gone: Tombstone, key: StateKey | None, homes: Mapping[StateKey, str]) -> bool:
    """True when another market than the one that holds the id says that it is gone."""
    home = homes.get(key) if key else None
    return bool(gone.market and home) and home != gone.market


def state_key(item: Received | Tombstone) -> StateKey | None:
    """Return which stored state an item replaces; None when it replaces none."""
    if isinstance(item, Tombstone):
        party, _, rest = item.key.partition("/")
        kind, _, name = rest.partition("/")
        return (kind, f"{party}/{name}") if kind in ("offer", "demand", "resource") else None
    match item.data:
        case Docking():
            return "docking", item.data.docking
        case OfferPosition():
            return "offer", f"{item.data.party}/{item.data.offer}"
        case ResourcePosition():
            return "resource", f"{item.data.party}/{item.data.resource}"
        case DemandPosition():
            return "demand", f"{item.data.party}/{item.data.demand}"
        case _:
            return None


def without_echoes(
    topic: str, items: Sequence[Received | Tombstone], seen: Mapping[str, str]
) -> tuple[list[Received | Tombstone], dict[str, str]]:
    """Return the items that say something new, and what is then seen.

    `seen` holds the highest sequence per key, or the ids seen before where keys have no order. Of rounds
    the highest number wins where they are stored.
    """
    if topic in ORDERED:
        return fresh(items, seen)
    if topic == ROUNDS.name:
        return list(items), {}
    known = dict(seen)
    taken: list[Received | Tombstone] = []
    for item in items:
        if isinstance(item, Received) and item.id not in known:
            known[item.id] = ""
            taken.append(item)
    return taken, {event_id: "" for event_id in known if event_id not in seen}


def decide(
    items: Iterable[Received | Tombstone], before: Mapping[StateKey, Shape], naming: Naming
) -> Changes:
    """Return what items (echoes left out) change, given the states that are stored now."""
    changes = Changes()
    for item in items:
        changes.taken += 1
        if isinstance(item, Received):
            changes.entries += plan.entries(item, naming)
        _keep(changes, item)
    for key, after in changes.states.items():
        add_change(changes.totals, before.get(key), after)
    changes.totals = nonzero(changes.totals)
    return changes


def _keep(changes: Changes, item: Received | Tombstone) -> None:
    key = state_key(item)
    if isinstance(item, Tombstone):
        if key is not None:
            changes.states[key] = None
        else:
            changes.parties[item.key] = None
        return
    if key is not None:
        changes.states[key] = item.data
        changes.json[key] = item.json
    match item.data:
        case Docking():
            changes.steps[item.data.docking, item.data.revision] = item.json
        case PartyState():
            changes.parties[item.data.party] = item.data
        case RoundDecided():
            _keep_round(changes, item.data)
        case EventRejected() | EventSuperseded() | AnswerRefused():
            changes.rejections.append(item)
        case _:
            pass


def _keep_round(changes: Changes, decided: RoundDecided) -> None:
    known = changes.rounds.get(decided.partition)
    if known is None or known.round < decided.round:
        changes.rounds[decided.partition] = decided
