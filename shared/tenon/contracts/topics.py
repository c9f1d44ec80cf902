"""Every topic: what it is keyed by, how long it is kept, how large a record may be.

The partitions of `tenon.market.v1` never change: a market lives in one partition for good.
"""

import re
from dataclasses import dataclass, replace

_DAY_MS = 86_400_000
MAX_RECORD_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Topic:
    """A Kafka topic. `retention_ms` None: kept for ever; `partitions` None: as many as the markets have.

    `writers` and `readers` are services, `tenon` the command line of an administrator; the auditor reads all.
    """

    name: str
    key: str
    meaning: str
    partitions: int | None = None
    compacted: bool = False
    retention_ms: int | None = None
    max_message_bytes: int = MAX_RECORD_BYTES
    writers: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()


MARKET = Topic(
    "tenon.market.v1",
    "market",
    "everything the matcher acts on: the log",
    writers=("ingest", "tenon"),
    readers=("matcher", "tenon"),
)
DOCKINGS = Topic(
    "tenon.dockings.v1",
    "party/demand",
    "each step of each docking",
    writers=("matcher",),
    readers=("notifier",),
)
POSITIONS = Topic(
    "tenon.positions.v1",
    "party/kind/id",
    "the current state of an offer, a resource or a demand, and why it is open",
    compacted=True,
    writers=("matcher",),
    readers=("notifier",),
)
ALERTS = Topic(
    "tenon.alerts.v1",
    "market",
    "unmet demands, overdrawn offers, overloaded resources",
    retention_ms=60 * _DAY_MS,
    writers=("matcher",),
    readers=("notifier",),
)
ROUNDS = Topic(
    "tenon.rounds.v1",
    "partition",
    "what each round read and decided: the proof",
    writers=("matcher",),
    readers=("matcher", "notifier", "tenon"),
)
REJECTED = Topic(
    "tenon.rejected.v1",
    "source topic/partition",
    "what could not be used, with reason and origin",
    writers=("matcher", "notifier"),
    readers=("notifier", "tenon"),
)
PARTIES = Topic(
    "tenon.parties.v1",
    "party",
    "public facts of parties and the hashes of their keys",
    compacted=True,
    writers=("ingest",),
    readers=("notifier", "tenon"),
)
LAYOUT = Topic(
    "tenon.layout.v1",
    "name",
    "the market table that the log was written with",
    partitions=1,
    compacted=True,
    writers=("tenon",),
    readers=("ingest", "matcher", "notifier"),
)
TELEMETRY = Topic(
    "tenon.telemetry.v1",
    "asset",
    "normalised observations of machines and stock; nothing writes it yet",
    retention_ms=7 * _DAY_MS,
)

PARTY = Topic(
    "tenon.party.ID.v1",
    "subject",
    "what the party ID may see, in the order of its feed; made when it subscribes by Kafka",
    partitions=1,
    retention_ms=30 * _DAY_MS,
    writers=("notifier",),
)
"""The pattern of the parties' topics; each is made by `party_topic`."""

TOPICS: tuple[Topic, ...] = (
    MARKET,
    TELEMETRY,
    DOCKINGS,
    POSITIONS,
    ALERTS,
    ROUNDS,
    REJECTED,
    PARTIES,
    LAYOUT,
)
BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}


def party_topic(party: str) -> Topic:
    """Return the topic of one party.

    Kafka's names have no colon and take `.` and `_` for the same: these are written as `_` and their code.
    """
    escaped = re.sub("[._:]", lambda found: f"_{ord(found[0]):02x}", party)
    return replace(PARTY, name=PARTY.name.replace("ID", escaped))
