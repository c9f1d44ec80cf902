"""What is closed for long is forgotten but for its id and revision."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE closed (
        partition integer NOT NULL,
        kind text NOT NULL,
        market text NOT NULL,
        key text NOT NULL,
        revision bigint NOT NULL,
        listed boolean NOT NULL,
        PRIMARY KEY (partition, kind, market, key)
    )
    """,
    """
    INSERT INTO closed
    SELECT partition, substr(kind, 8), market, key, revision, EXISTS (
        SELECT FROM entities AS e
        WHERE e.partition = c.partition AND e.kind = substr(c.kind, 8) AND e.market = c.market
            AND e.key = c.key
    )
    FROM entities AS c WHERE kind IN ('closed-offer', 'closed-demand')
    """,
    "DELETE FROM entities WHERE kind IN ('closed-offer', 'closed-demand')",
    """
    CREATE FUNCTION close_and_forget(
        p_partition integer,
        c_kind text[], c_market text[], c_key text[], c_revision bigint[], c_listed boolean[],
        f_kind text[], f_market text[], f_key text[],
        k_docking text[]
    ) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO closed (partition, kind, market, key, revision, listed)
        SELECT p_partition, r.* FROM unnest(c_kind, c_market, c_key, c_revision, c_listed) AS r
        ON CONFLICT (partition, kind, market, key) DO UPDATE
            SET revision = excluded.revision, listed = excluded.listed;
        DELETE FROM dockings AS d USING unnest(k_docking) AS r (docking)
        WHERE d.partition = p_partition AND d.docking = r.docking;
        DELETE FROM entities AS e USING unnest(f_kind, f_market, f_key) AS r (kind, market, key)
        WHERE e.partition = p_partition AND e.kind = r.kind AND e.market = r.market AND e.key = r.key;
        DELETE FROM offer_windows AS w USING unnest(f_kind, f_key) AS r (kind, key)
        WHERE w.partition = p_partition AND r.kind = 'offer' AND w.key = r.key;
        DELETE FROM demand_windows AS w USING unnest(f_kind, f_key) AS r (kind, key)
        WHERE w.partition = p_partition AND r.kind = 'demand' AND w.key = r.key;
    END $$
    """,
)


def upgrade() -> None:
    """Part the ids that ended from what is in force."""
    for statement in _STATEMENTS:
        op.execute(statement)
