"""The outbox in periods."""

from alembic import op

from tenon import outbox, periods

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for statement in (*periods.DDL_V1, *outbox.DDL_V2):
        op.execute(statement)
