"""Machines that are followed by their MTConnect agents, how they have run, and what was told of each."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # `version` changes with what the party says; whoever asked the agent before stores nothing after.
    """
    CREATE TABLE mtconnect_machines (
        party text NOT NULL,
        machine text NOT NULL,
        version bigint NOT NULL DEFAULT 1,
        resource text NOT NULL,
        data jsonb NOT NULL,
        running jsonb,
        windows jsonb NOT NULL DEFAULT '[]',
        revision bigint,
        told_at timestamptz,
        problem text,
        failures integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (party, machine),
        CONSTRAINT mtconnect_machines_resource UNIQUE (party, resource),
        CONSTRAINT mtconnect_machines_party FOREIGN KEY (party) REFERENCES parties (party)
    ) WITH (fillfactor = 70)
    """,
    "CREATE INDEX mtconnect_machines_due ON mtconnect_machines (due_at)",
)


def upgrade() -> None:
    """Create everything."""
    for statement in _STATEMENTS:
        op.execute(statement)
