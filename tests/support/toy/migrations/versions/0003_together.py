"""Several positions in one transaction."""

from alembic import op

from tenon import positions

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for statement in positions.DDL_V2:
        op.execute(statement)
