"""The tables of the notifier's schema, for queries; migrations say how they came to be.

`data` columns hold a message of the contracts as JSON bytes: the columns beside it are what is looked for.
What grows with time is in periods, and its time is part of the key. Shared tables (positions, leases, outbox)
belong to the library.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
)

metadata = MetaData()
_WHEN = DateTime(timezone=True)

sequences = Table(
    "sequences",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("key", Text(collation="C"), primary_key=True),
    Column("sequence", String(20, collation="C"), nullable=False),
    Column("seen_at", _WHEN, nullable=False, index=True),
    comment="The highest sequence seen of each key: what is not above it is an echo.",
)
seen_events = Table(
    "seen_events",
    metadata,
    Column("event_id", Text(collation="C"), primary_key=True),
    Column("seen_at", _WHEN, primary_key=True),
    comment="Ids of events whose keys have no order.",
)
unusable_runs = Table(
    "unusable_runs",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("length", Integer, nullable=False),
    comment="How many records in a row could not be used.",
)
parties = Table(
    "parties",
    metadata,
    Column("party", Text, primary_key=True),
    Column("name", Text, nullable=False),
)
keys = Table(
    "keys",
    metadata,
    Column("sha256", Text(collation="C"), primary_key=True),
    Column("key", Text, nullable=False),
    Column("party", Text, nullable=False, index=True),
    comment="Hashes of the API keys in force.",
)


def _listed(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("party", Text(collation="C"), primary_key=True),
        Column("id", Text(collation="C"), primary_key=True),
        Column("status", Text, nullable=False),
        Column("scheme", Text, nullable=False),
        Column("code", Text(collation="C"), nullable=False),
        Column("latitude", SmallInteger, nullable=False),
        Column("longitude", SmallInteger, nullable=False),
        Column("at", _WHEN, nullable=False),
        Column("data", LargeBinary, nullable=False),
    )


offers = _listed("offers")
demands = _listed("demands")
resources = Table(
    "resources",
    metadata,
    Column("party", Text(collation="C"), primary_key=True),
    Column("id", Text(collation="C"), primary_key=True),
    Column("status", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("code", Text(collation="C"), nullable=False),
    Column("at", _WHEN, nullable=False),
    Column("data", LargeBinary, nullable=False),
    comment="What offers of a party share.",
)
dockings = Table(
    "dockings",
    metadata,
    Column("docking", Text(collation="C"), primary_key=True),
    Column("status", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("code", Text(collation="C"), nullable=False),
    Column("supply_party", Text(collation="C"), nullable=False),
    Column("offer", Text(collation="C"), nullable=False),
    Column("demand_party", Text(collation="C"), nullable=False),
    Column("demand", Text(collation="C"), nullable=False),
    Column("proposed_at", _WHEN, nullable=False),
    Column("at", _WHEN, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
steps = Table(
    "steps",
    metadata,
    Column("docking", Text(collation="C"), primary_key=True),
    Column("revision", BigInteger, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("taken_at", _WHEN, primary_key=True),
    comment="Each step of each docking.",
)
partitions = Table(
    "partitions",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("round", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    comment="The last round of each partition of the log.",
)
rejections = Table(
    "rejections",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("event_id", Text(collation="C"), nullable=False),
    Column("party", Text(collation="C"), nullable=False),
    Column("type", Text, nullable=False),
    Column("received_at", _WHEN, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
totals = Table(
    "totals",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("unit", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("quantity", Numeric, nullable=False),
    comment="Sums, each in rows of a partition whose position moved with it; the total is the sum over rows.",
)
secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
feed_counters = Table(
    "feed_counters",
    metadata,
    Column("audience", Text(collation="C"), primary_key=True),
    Column("last", BigInteger, nullable=False),
    comment="The last number given in each feed; its row is locked until the numbers are committed.",
)
feed = Table(
    "feed",
    metadata,
    Column("audience", Text(collation="C"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("written_at", _WHEN, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
endpoints = Table(
    "endpoints",
    metadata,
    Column("id", Text, primary_key=True),
    Column("audience", Text(collation="C"), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("types", ARRAY(Text), nullable=False),
    Column("description", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("cursor", BigInteger, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("next_at", _WHEN, nullable=False),
    Column("created_at", _WHEN, nullable=False),
    Column("way", Text, nullable=False),
    Column("conditions", ARRAY(Text), nullable=False),
    Column("strict", Boolean, nullable=False),
    Column("skip_after", Integer),
    Column("per_second", Double),
    Column("failing_since", _WHEN),
    Column("old_secret", Text),
    Column("old_until", _WHEN),
    Column("handshake", Boolean, nullable=False),
    Column("principal", Text),
    comment="Subscribers. The queue of an endpoint is the feed behind its cursor. Secrets are sealed.",
)
attempts = Table(
    "attempts",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("endpoint", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("at", _WHEN, primary_key=True),
    Column("status", Integer),
    Column("latency_ms", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Column("response", Text, nullable=False),
    Column("taken", Boolean, nullable=False),
)
replays = Table(
    "replays",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("endpoint", Text, nullable=False, index=True),
    Column("next", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("asked_at", _WHEN, nullable=False),
    comment="Ranges of the feed that an endpoint gets once more, one after the other.",
)
parked = Table(
    "parked",
    metadata,
    Column("endpoint", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("parked_at", _WHEN, nullable=False),
    Column("replay", Boolean, nullable=False),
    Column("body", LargeBinary, nullable=False),
    comment="Events that an endpoint would not take; `replay`: to be sent once more.",
)
