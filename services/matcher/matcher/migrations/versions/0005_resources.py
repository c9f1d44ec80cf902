"""What offers draw on resources."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # In millionths of counts, which may exceed 64 bits where more is confirmed than a resource still holds.
    """
    CREATE TABLE resource_windows (
        partition integer NOT NULL,
        key text NOT NULL,
        "window" text NOT NULL,
        from_ms bigint NOT NULL,
        until_ms bigint NOT NULL,
        quantity numeric NOT NULL,
        consumed numeric NOT NULL,
        free numeric NOT NULL,
        overdrawn numeric NOT NULL,
        PRIMARY KEY (partition, key, "window"),
        CONSTRAINT resource_windows_add_up CHECK (
            quantity >= 0 AND consumed >= 0 AND free >= 0 AND overdrawn >= 0 AND least(free, overdrawn) = 0
            AND quantity + overdrawn = free + consumed
        )
    ) WITH (fillfactor = 80)
    """,
    # All windows of each resource that is given, in place of those before; of those in `f_key` none are left.
    """
    CREATE FUNCTION store_resources(
        p_partition integer, f_key text[],
        r_key text[], r_window text[], r_from bigint[], r_until bigint[],
        r_quantity numeric[], r_consumed numeric[], r_free numeric[], r_overdrawn numeric[]
    ) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM resource_windows AS w
        WHERE w.partition = p_partition AND w.key = ANY (f_key || r_key);
        INSERT INTO resource_windows
        SELECT p_partition, r.*
        FROM unnest(r_key, r_window, r_from, r_until, r_quantity, r_consumed, r_free, r_overdrawn) AS r;
    END $$
    """,
)


def upgrade() -> None:
    """Add the table and what writes it."""
    for statement in _STATEMENTS:
        op.execute(statement)
