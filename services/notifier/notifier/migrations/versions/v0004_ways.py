"""Subscriptions by several ways: conditions, order, pace, circuit, two secrets, replays of ranges.

Revision ID: 0004
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE endpoints
        ADD COLUMN way text NOT NULL DEFAULT 'webhook' CHECK (way IN ('webhook', 'kafka', 'mqtt')),
        ADD COLUMN conditions text[] NOT NULL DEFAULT '{}',
        ADD COLUMN strict boolean NOT NULL DEFAULT false,
        ADD COLUMN skip_after integer CHECK (skip_after > 0),
        ADD COLUMN per_second double precision CHECK (per_second > 0),
        ADD COLUMN failing_since timestamptz,
        ADD COLUMN old_secret text,
        ADD COLUMN old_until timestamptz,
        ADD COLUMN handshake boolean NOT NULL DEFAULT false,
        ADD COLUMN principal text,
        DROP COLUMN parked_in_row,
        DROP CONSTRAINT endpoints_status_check,
        ADD CONSTRAINT endpoints_status_check CHECK (status IN ('untested', 'active', 'disabled'))
    """,
    "ALTER TABLE attempts ADD COLUMN taken boolean NOT NULL DEFAULT false",
    "UPDATE attempts SET taken = true WHERE status BETWEEN 200 AND 299",
    """
    CREATE TABLE replays (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        endpoint text NOT NULL REFERENCES endpoints ON DELETE CASCADE,
        next bigint NOT NULL CHECK (next > 0),
        until bigint NOT NULL,
        failed integer NOT NULL DEFAULT 0 CHECK (failed >= 0),
        asked_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX ix_replays_endpoint ON replays (endpoint)",
)


def upgrade() -> None:
    """Add what the ways need; subscriptions that are there go on as before."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """What was asked for can't be said in the form of before."""
    raise NotImplementedError("restore a backup to go back before the ways")
