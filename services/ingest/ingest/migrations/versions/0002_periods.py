"""The outbox in periods that are dropped whole."""

from alembic import op

from tenon import outbox, periods

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the outbox over; what it holds stays."""
    for statement in (*periods.DDL_V1, *outbox.DDL_V2):
        op.execute(statement)
