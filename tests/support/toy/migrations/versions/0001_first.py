"""The shared tables, and one of its own."""

from alembic import op

from tenon import lease, outbox, positions

revision = "0001"
down_revision = None


def upgrade() -> None:
    for statement in (*positions.DDL_V1, *lease.DDL_V1, *outbox.DDL_V1):
        op.execute(statement)
    op.execute("CREATE TABLE effects (id bigserial PRIMARY KEY, value bigint NOT NULL)")
    op.execute("SELECT pg_sleep(0.2)")
