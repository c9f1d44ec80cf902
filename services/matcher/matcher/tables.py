"""The schema of the matcher: the state of each partition, and the rounds that led to it.

Written by `commit_rounds`, `store_resources` and `close_and_forget` alone (see `migrations`), in one
transaction per turn; `positions` and `leases` are the library's. `closed` is what is left of the ids that
ended, `heads` each partition's last round. `rounds` is what was decided, in periods: kept until it is told,
and for a while. A row of it is a round, or the last of a run of quiet ones (nothing changed but the position)
that began with `first_round` at `first_offset`. The CHECKs are the last line of defence for guarantees 3 and
4, never the mechanism. Of resources quantities are in grains, millionths of counts, and consumed is what the
windows of offers that draw on them take: rows of it are for that CHECK and for the audit, nobody loads them.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    func,
)

metadata = MetaData()

entities = Table(
    "entities",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("meta", LargeBinary, nullable=False),
)

offer_windows = Table(
    "offer_windows",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("window", Text, primary_key=True),
    Column("from_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("consumed", BigInteger, nullable=False),
    Column("free", BigInteger, nullable=False),
    Column("overdrawn", BigInteger, nullable=False),
    CheckConstraint(
        "quantity >= 0 AND consumed >= 0 AND free >= 0 AND overdrawn >= 0 AND least(free, overdrawn) = 0"
        " AND quantity + overdrawn = free + consumed",
        name="offer_windows_add_up",
    ),
)

demand_windows = Table(
    "demand_windows",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("window", Text, primary_key=True),
    Column("from_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("said", BigInteger, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Column("open", BigInteger, nullable=False),
    Column("proposed", BigInteger, nullable=False),
    Column("confirmed", BigInteger, nullable=False),
    Column("shipped", BigInteger, nullable=False),
    Column("delivered", BigInteger, nullable=False),
    Column("given_up", BigInteger, nullable=False),
    CheckConstraint(
        "least(open, proposed, confirmed, shipped, delivered, given_up) >= 0"
        " AND asked = open + proposed + confirmed + shipped + delivered + given_up",
        name="demand_windows_add_up",
    ),
)

resource_windows = Table(
    "resource_windows",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("window", Text, primary_key=True),
    Column("from_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("quantity", Numeric, nullable=False),
    Column("consumed", Numeric, nullable=False),
    Column("free", Numeric, nullable=False),
    Column("overdrawn", Numeric, nullable=False),
    CheckConstraint(
        "quantity >= 0 AND consumed >= 0 AND free >= 0 AND overdrawn >= 0 AND least(free, overdrawn) = 0"
        " AND quantity + overdrawn = free + consumed",
        name="resource_windows_add_up",
    ),
)

dockings = Table(
    "dockings",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("docking", Text, primary_key=True),
    Column("market", Text, nullable=False),
    Column("offer", Text, nullable=False),
    Column("offer_window", Text, nullable=False),
    Column("demand", Text, nullable=False),
    Column("demand_window", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("consumed", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    CheckConstraint("quantity > 0 AND consumed BETWEEN 0 AND quantity", name="dockings_within_quantity"),
)

closed = Table(
    "closed",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("listed", Boolean, nullable=False),
)

heads = Table(
    "heads",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("round", BigInteger, nullable=False),
    Column("clock_ms", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("loud_round", BigInteger, nullable=False),
)

rounds = Table(
    "rounds",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("round", BigInteger, primary_key=True),
    Column("first_round", BigInteger, nullable=False),
    Column("first_offset", BigInteger, nullable=False),
    Column("from_offset", BigInteger, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("clock_ms", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("events", LargeBinary, nullable=False),
    Column("quiet", Boolean, nullable=False),
    Column("decided_at", DateTime(timezone=True), primary_key=True, server_default=func.now()),
    Column("published_at", DateTime(timezone=True)),
    Column("parked_why", Text),
)
