"""What the checks are given: plain rows and records, as they were read. No behaviour, no input or output.

Quantities are counts of the item's unit (`tenon.contracts.units`); a window is named by its offer's or
demand's `party/id` and its own id.
"""

from fractions import Fraction
from typing import NamedTuple

GRAINS = 1_000_000
"""Resources are kept in millionths of counts."""
WindowKey = tuple[str, str]


class Event(NamedTuple):
    """An event that a round tells, as the round's row keeps it."""

    topic: str
    key: str
    id: str
    sequence: str
    value: bytes


class Round(NamedTuple):
    """A row of matcher.rounds; older ones are dropped. Times in epoch ms.

    It stands for the quiet rounds before it, from `first_round` at `first_offset`, as well. `told`: all of
    its events are on Kafka, as the row says.
    """

    partition: int
    round: int
    first_round: int
    first_offset: int
    from_offset: int
    next_offset: int
    clock_ms: int
    digest: str
    told: bool
    parked_why: str | None
    decided_ms: int = 0
    events: tuple[Event, ...] = ()


class Head(NamedTuple):
    """A row of matcher.heads: a partition's last round."""

    partition: int
    round: int
    clock_ms: int
    digest: str


class Own(NamedTuple):
    """A round as it tells itself on tenon.rounds.v1; `policies` and `skipped` as the digest covers them."""

    partition: int
    round: int
    from_offset: int
    next_offset: int
    clock_ms: int
    engine: str
    policies: bytes
    skipped: bytes
    skipped_offsets: tuple[int, ...]
    records: int
    docked: int
    previous_digest: str
    digest: str


class Step(NamedTuple):
    """A step of a docking. `made_in`: partition and round that told it; `body`: digest of its data.

    `at_ms`: when it happened, by the matcher's clock. `place`: where it stands on tenon.dockings.v1 first,
    and when it was written there; None where it is not there yet.
    """

    id: str
    docking: str
    revision: int
    status: str
    offer: WindowKey
    demand: WindowKey
    quantity: int
    shipped: int
    delivered: int
    failed: int
    accepted: tuple[bool, bool]
    parties: tuple[str, ...]
    made_in: tuple[int, int]
    body: bytes
    at_ms: int
    place: tuple[int, int, int] | None = None


class OfferWindow(NamedTuple):
    """A window of an offer, as a position tells it or a row holds it."""

    id: str
    quantity: int
    consumed: int
    free: int
    overdrawn: int


class DemandWindow(NamedTuple):
    """A window of a demand, as a position tells it or a row holds it. `said`: a row's alone, else None."""

    id: str
    asked: int
    open: int
    proposed: int
    confirmed: int
    shipped: int
    delivered: int
    given_up: int
    said: int | None = None


class OfferTold(NamedTuple):
    """A position of an offer."""

    key: str
    windows: tuple[OfferWindow, ...]


class ResourceTold(NamedTuple):
    """A position of a resource, in grains: millionths of counts."""

    key: str
    windows: tuple[OfferWindow, ...]


class DemandTold(NamedTuple):
    """A position of a demand. `status` and whether it says why something is open."""

    key: str
    windows: tuple[DemandWindow, ...]
    status: str
    explained: bool


class OfferRow(NamedTuple):
    """A row of matcher.offer_windows."""

    partition: int
    key: str
    window: OfferWindow


class ResourceRow(NamedTuple):
    """A row of matcher.resource_windows, in grains."""

    partition: int
    key: str
    window: OfferWindow


class DemandRow(NamedTuple):
    """A row of matcher.demand_windows."""

    partition: int
    key: str
    window: DemandWindow


class DockingRow(NamedTuple):
    """A row of matcher.dockings. `body`: digest of the state it keeps; `consumed` as the row says."""

    partition: int
    docking: str
    offer: WindowKey
    demand: WindowKey
    status: str
    quantity: int
    consumed: int
    body: bytes


class Entity(NamedTuple):
    """A row of matcher.entities. `explained`: it holds reasons."""

    partition: int
    kind: str
    market: str
    key: str
    revision: int
    status: str
    explained: bool


class Waiting(NamedTuple):
    """A row of an outbox that is not on Kafka yet, or is (`told`). `parked_why`: it was set aside."""

    id: int
    topic: str
    key: str
    event: tuple[str, str]
    sequence: str
    told: bool
    parked_why: str | None


class Said(NamedTuple):
    """A statement of the registry in force: `kind` party, site or policy; `told` counts a party's states."""

    kind: str
    key: str
    revision: int
    told: int = 0


class Draw(NamedTuple):
    """What an offer draws on. A count of it takes `load` base units: of `dimension`, where that is said."""

    resource: str
    load: Fraction
    dimension: str | None


class Statement(NamedTuple):
    """A listing or a withdrawal in the log. `quantities` None: withdrawn; of a resource they are in grains.

    `spans`: from when to when each window lies. `counted`: in what dimension a resource
    is counted, and in how many parts of the base unit.
    """

    partition: int
    offset: int
    kind: str
    market: str
    key: str
    revision: int
    quantities: dict[str, int] | None
    spans: dict[str, tuple[int, int]] = {}
    draw: Draw | None = None
    counted: tuple[str, int] = ("", 1)


class FeedRow(NamedTuple):
    """An entry of a feed."""

    audience: str
    number: int
    event_id: str
    type: str
    written_ms: int


class Endpoint(NamedTuple):
    """A subscriber by webhook and how far it has got. `last`: the end of its feed."""

    id: str
    audience: str
    status: str
    cursor: int
    last: int


class Undelivered(NamedTuple):
    """An event behind an endpoint's cursor that was neither taken by it nor parked."""

    endpoint: str
    number: int
    event_id: str


class JournalLine(NamedTuple):
    """What the sender of an event wrote down of one try: the answer's status, 0 where there was none.

    `kind`, `key` and `revision` say what a statement of the registry (party, site, policy) was about: where
    no market needs it, nothing on Kafka carries its id.
    """

    id: str
    source: str
    answer: int
    kind: str = ""
    key: str = ""
    revision: int = 0
