"""The positions of several partitions move in one transaction.

Revision ID: 0003
"""

from alembic import op

from tenon import positions

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the function that moves them; what is there stays as it is."""
    for statement in positions.DDL_V2:
        op.execute(statement)


def downgrade() -> None:
    """Take the function away."""
    op.execute("DROP FUNCTION advance_positions")
