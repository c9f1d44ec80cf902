"""What grows with time in periods that are dropped whole.

A unique key of such a table has to hold the time, so it keeps nothing out that comes twice. That is done
before anything is written, by `sequences` and `seen_events`, in the transaction that moves the position.

Revision ID: 0002
"""

from alembic import op

from tenon import outbox, periods

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A feed is never cut where an active endpoint has not been yet: what is slow is late, not lost.
_UNREAD = (
    "EXISTS (SELECT FROM endpoints AS e"
    " WHERE e.audience = r.audience AND e.status = 'active' AND e.cursor < r.number)"
)
_FEED = periods.Periods("feed", "written_at", _UNREAD)
_SEEN = periods.Periods("seen_events", "seen_at")
_REJECTIONS = periods.Periods("rejections", "received_at")
_ATTEMPTS = periods.Periods("attempts", "at")
_STEPS = periods.Periods("steps", "taken_at")

_STATEMENTS = (
    *periods.DDL_V1,
    *outbox.DDL_V2,
    "ALTER TABLE feed RENAME TO feed_before",
    "ALTER TABLE feed_before DROP CONSTRAINT feed_pkey",
    "DROP INDEX feed_written_at",
    """
    CREATE TABLE feed (
        audience text COLLATE "C" NOT NULL,
        number bigint NOT NULL,
        event_id text NOT NULL,
        type text NOT NULL,
        subject text NOT NULL,
        written_at timestamptz NOT NULL DEFAULT now(),
        body bytea NOT NULL,
        PRIMARY KEY (audience, number, written_at)
    ) PARTITION BY RANGE (written_at)
    """,
    *_FEED.ddl(),
    "INSERT INTO feed SELECT * FROM feed_before",
    "DROP TABLE feed_before",
    "ALTER TABLE seen_events RENAME TO seen_events_before",
    "ALTER TABLE seen_events_before DROP CONSTRAINT seen_events_pkey",
    "DROP INDEX seen_events_seen_at",
    """
    CREATE TABLE seen_events (
        event_id text COLLATE "C" NOT NULL,
        seen_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (event_id, seen_at)
    ) PARTITION BY RANGE (seen_at)
    """,
    *_SEEN.ddl(),
    "INSERT INTO seen_events SELECT * FROM seen_events_before",
    "DROP TABLE seen_events_before",
    "ALTER TABLE rejections RENAME TO rejections_before",
    "ALTER TABLE rejections_before DROP CONSTRAINT rejections_pkey, DROP CONSTRAINT rejections_event_id_key",
    "DROP INDEX rejections_party",
    "CREATE SEQUENCE rejections_ids",
    """
    CREATE TABLE rejections (
        id bigint NOT NULL DEFAULT nextval('rejections_ids'),
        event_id text COLLATE "C" NOT NULL,
        party text COLLATE "C" NOT NULL,
        type text NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now(),
        data bytea NOT NULL,
        PRIMARY KEY (id, received_at)
    ) PARTITION BY RANGE (received_at)
    """,
    "ALTER SEQUENCE rejections_ids OWNED BY rejections.id",
    "CREATE INDEX rejections_party ON rejections (party, id)",
    *_REJECTIONS.ddl(),
    "INSERT INTO rejections SELECT id, event_id, party, type, received_at, data FROM rejections_before",
    "SELECT setval('rejections_ids', (SELECT coalesce(max(id), 0) + 1 FROM rejections), false)",
    "DROP TABLE rejections_before",
    "ALTER TABLE attempts RENAME TO attempts_before",
    "ALTER TABLE attempts_before DROP CONSTRAINT attempts_pkey",
    "DROP INDEX attempts_endpoint, attempts_at",
    "CREATE SEQUENCE attempts_ids",
    # No foreign key: dropping a period would lock the endpoints. Attempts of one that is gone age as all do.
    """
    CREATE TABLE attempts (
        id bigint NOT NULL DEFAULT nextval('attempts_ids'),
        endpoint text NOT NULL,
        number bigint NOT NULL,
        event_id text NOT NULL,
        type text NOT NULL,
        at timestamptz NOT NULL,
        status integer,
        latency_ms integer NOT NULL,
        detail text NOT NULL,
        response text NOT NULL,
        PRIMARY KEY (id, at)
    ) PARTITION BY RANGE (at)
    """,
    "ALTER SEQUENCE attempts_ids OWNED BY attempts.id",
    "CREATE INDEX attempts_endpoint ON attempts (endpoint, id)",
    *_ATTEMPTS.ddl(),
    """
    INSERT INTO attempts
    SELECT id, endpoint, number, event_id, type, at, status, latency_ms, detail, response FROM attempts_before
    """,
    "SELECT setval('attempts_ids', (SELECT coalesce(max(id), 0) + 1 FROM attempts), false)",
    "DROP TABLE attempts_before",
    "ALTER TABLE steps RENAME TO steps_before",
    "ALTER TABLE steps_before DROP CONSTRAINT steps_pkey",
    """
    CREATE TABLE steps (
        docking text COLLATE "C" NOT NULL,
        revision bigint NOT NULL,
        data bytea NOT NULL,
        taken_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (docking, revision, taken_at)
    ) PARTITION BY RANGE (taken_at)
    """,
    *_STEPS.ddl(),
    "INSERT INTO steps (docking, revision, data) SELECT docking, revision, data FROM steps_before",
    "DROP TABLE steps_before",
    "ALTER TABLE sequences ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now()",
    "CREATE INDEX sequences_seen_at ON sequences (seen_at)",
)


def upgrade() -> None:
    """Move what the tables hold over."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """What was dropped can't be brought back."""
    raise NotImplementedError("restore a backup to go back before periods")
