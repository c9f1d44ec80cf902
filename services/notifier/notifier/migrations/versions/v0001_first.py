"""The first schema: feeds, states, subscribers.

Revision ID: 0001
"""

from alembic import op

from tenon import lease, outbox, positions

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STATES = """
CREATE TABLE {name} (
    party text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    status text NOT NULL,
    scheme text NOT NULL,
    code text COLLATE "C" NOT NULL,
    latitude smallint NOT NULL,
    longitude smallint NOT NULL,
    at timestamptz NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (party, id)
) WITH (fillfactor = 80)
"""

STATEMENTS = (
    *positions.DDL_V1,
    *lease.DDL_V1,
    *outbox.DDL_V1,
    """
    CREATE TABLE sequences (
        topic text NOT NULL,
        key text COLLATE "C" NOT NULL,
        sequence varchar(20) COLLATE "C" NOT NULL,
        PRIMARY KEY (topic, key)
    ) WITH (fillfactor = 80)
    """,
    """
    CREATE TABLE seen_events (
        event_id text COLLATE "C" PRIMARY KEY,
        seen_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX seen_events_seen_at ON seen_events USING brin (seen_at)",
    """
    CREATE TABLE unusable_runs (
        topic text NOT NULL,
        partition integer NOT NULL,
        length integer NOT NULL CHECK (length > 0),
        PRIMARY KEY (topic, partition)
    )
    """,
    "CREATE TABLE parties (party text PRIMARY KEY, name text NOT NULL)",
    'CREATE TABLE keys (sha256 text COLLATE "C" PRIMARY KEY, key text NOT NULL, party text NOT NULL)',
    "CREATE INDEX ix_keys_party ON keys (party)",
    _STATES.format(name="offers"),
    _STATES.format(name="demands"),
    """
    CREATE TABLE dockings (
        docking text COLLATE "C" PRIMARY KEY,
        status text NOT NULL,
        scheme text NOT NULL,
        code text COLLATE "C" NOT NULL,
        supply_party text COLLATE "C" NOT NULL,
        offer text COLLATE "C" NOT NULL,
        demand_party text COLLATE "C" NOT NULL,
        demand text COLLATE "C" NOT NULL,
        proposed_at timestamptz NOT NULL,
        at timestamptz NOT NULL,
        data bytea NOT NULL
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX dockings_newest ON dockings (proposed_at, docking)",
    "CREATE INDEX dockings_supply ON dockings (supply_party, proposed_at, docking)",
    "CREATE INDEX dockings_demand ON dockings (demand_party, proposed_at, docking)",
    "CREATE INDEX dockings_offer ON dockings (supply_party, offer, proposed_at)",
    "CREATE INDEX dockings_of_demand ON dockings (demand_party, demand, proposed_at)",
    """
    CREATE TABLE steps (
        docking text COLLATE "C" NOT NULL,
        revision bigint NOT NULL,
        data bytea NOT NULL,
        PRIMARY KEY (docking, revision)
    )
    """,
    """
    CREATE TABLE partitions (
        partition integer PRIMARY KEY,
        round bigint NOT NULL,
        data bytea NOT NULL
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE rejections (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event_id text COLLATE "C" NOT NULL UNIQUE,
        party text COLLATE "C" NOT NULL,
        type text NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now(),
        data bytea NOT NULL
    )
    """,
    "CREATE INDEX rejections_party ON rejections (party, id)",
    """
    CREATE TABLE totals (
        topic text NOT NULL,
        partition integer NOT NULL,
        unit text NOT NULL,
        name text NOT NULL,
        count bigint NOT NULL,
        quantity numeric NOT NULL,
        PRIMARY KEY (topic, partition, unit, name)
    ) WITH (fillfactor = 50)
    """,
    "CREATE TABLE secrets (name text PRIMARY KEY, value bytea NOT NULL)",
    """
    CREATE TABLE feed_counters (
        audience text COLLATE "C" PRIMARY KEY,
        last bigint NOT NULL CHECK (last > 0)
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE feed (
        audience text COLLATE "C" NOT NULL,
        number bigint NOT NULL,
        event_id text NOT NULL,
        type text NOT NULL,
        subject text NOT NULL,
        written_at timestamptz NOT NULL DEFAULT now(),
        body bytea NOT NULL,
        PRIMARY KEY (audience, number)
    )
    """,
    "CREATE INDEX feed_written_at ON feed USING brin (written_at)",
    """
    CREATE TABLE endpoints (
        id text PRIMARY KEY,
        audience text COLLATE "C" NOT NULL,
        url text NOT NULL,
        types text[] NOT NULL,
        description text NOT NULL,
        secret text NOT NULL,
        status text NOT NULL CHECK (status IN ('active', 'disabled')),
        why text NOT NULL DEFAULT '',
        cursor bigint NOT NULL CHECK (cursor >= 0),
        failed integer NOT NULL DEFAULT 0 CHECK (failed >= 0),
        parked_in_row integer NOT NULL DEFAULT 0 CHECK (parked_in_row >= 0),
        next_at timestamptz NOT NULL DEFAULT now(),
        created_at timestamptz NOT NULL DEFAULT now()
    ) WITH (fillfactor = 50)
    """,
    "CREATE INDEX ix_endpoints_audience ON endpoints (audience)",
    """
    CREATE TABLE attempts (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        endpoint text NOT NULL REFERENCES endpoints ON DELETE CASCADE,
        number bigint NOT NULL,
        event_id text NOT NULL,
        type text NOT NULL,
        at timestamptz NOT NULL,
        status integer,
        latency_ms integer NOT NULL,
        detail text NOT NULL,
        response text NOT NULL
    )
    """,
    "CREATE INDEX attempts_endpoint ON attempts (endpoint, id)",
    "CREATE INDEX attempts_at ON attempts USING brin (at)",
    """
    CREATE TABLE parked (
        endpoint text NOT NULL REFERENCES endpoints ON DELETE CASCADE,
        number bigint NOT NULL,
        event_id text NOT NULL,
        type text NOT NULL,
        subject text NOT NULL,
        why text NOT NULL,
        parked_at timestamptz NOT NULL DEFAULT now(),
        replay boolean NOT NULL DEFAULT false,
        body bytea NOT NULL,
        PRIMARY KEY (endpoint, number)
    )
    """,
    "CREATE INDEX parked_subject ON parked (endpoint, subject)",
    "CREATE INDEX parked_replay ON parked (endpoint, number) WHERE replay",
)


def upgrade() -> None:
    """Create everything."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is nothing before the first version: an operator drops the schema instead."""
    raise NotImplementedError("drop the schema to go back before the first version")
