"""The present state of each resource, for its party to read.

Revision ID: 0005
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_RESOURCES = """
    CREATE TABLE resources (
        party text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        status text NOT NULL,
        scheme text NOT NULL,
        code text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL,
        data bytea NOT NULL,
        PRIMARY KEY (party, id)
    )
"""


def upgrade() -> None:
    """Add the table; what resources there are is told when they change."""
    op.execute(_RESOURCES)
    op.execute("COMMENT ON TABLE resources IS 'What offers of a party share.'")


def downgrade() -> None:
    """Take it away."""
    op.execute("DROP TABLE resources")
