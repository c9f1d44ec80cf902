"""Rounds in periods that are dropped whole, quiet ones merged, and each partition's last round apart."""

from alembic import op

from tenon import lease, periods

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A round that is not told, or was set aside, holds its period.
PERIODS = periods.Periods("rounds", "decided_at", "r.published_at IS NULL")
_TABLES = (
    """
    CREATE TABLE heads (
        partition integer PRIMARY KEY,
        round bigint NOT NULL,
        clock_ms bigint NOT NULL,
        digest text NOT NULL,
        loud_round bigint NOT NULL
    ) WITH (fillfactor = 50)
    """,
    """
    INSERT INTO heads
    SELECT DISTINCT ON (partition) partition, round, clock_ms, digest, round
    FROM rounds ORDER BY partition, round DESC
    """,
    "ALTER TABLE rounds RENAME TO rounds_before",
    "ALTER TABLE rounds_before DROP CONSTRAINT rounds_pkey",
    "DROP INDEX rounds_due",
    """
    CREATE TABLE rounds (
        partition integer NOT NULL,
        round bigint NOT NULL,
        first_round bigint NOT NULL,
        first_offset bigint NOT NULL,
        from_offset bigint NOT NULL,
        next_offset bigint NOT NULL,
        clock_ms bigint NOT NULL,
        digest text NOT NULL,
        events bytea NOT NULL,
        quiet boolean NOT NULL,
        decided_at timestamptz NOT NULL DEFAULT now(),
        published_at timestamptz,
        parked_why text,
        PRIMARY KEY (partition, round, decided_at)
    ) PARTITION BY RANGE (decided_at)
    """,
    "CREATE INDEX rounds_untold ON rounds (partition, round) WHERE published_at IS NULL",
)
_MOVE = (
    """
    INSERT INTO rounds
    SELECT partition, round, round, from_offset, from_offset, next_offset, clock_ms, digest, events, false,
           decided_at, published_at, parked_why
    FROM rounds_before
    """,
    "DROP TABLE rounds_before",
)
_DROP_COMMIT_ROUND = """
    DO $$ DECLARE v_old regprocedure; BEGIN
        SELECT oid::regprocedure INTO STRICT v_old FROM pg_proc
        WHERE proname = 'commit_round' AND pronamespace = current_schema()::regnamespace;
        EXECUTE format('DROP FUNCTION %s', v_old);
    END $$
"""

# Everything that a round changes, in one statement: advancing the position comes first and raises when the
# partition belongs to somebody else by now, so that nothing below it happens.
_COMMIT_ROUND = """
    CREATE FUNCTION commit_round(
        p_topic text, p_partition integer, p_expected_offset bigint, p_expected_epoch bigint,
        p_round bigint, p_from_offset bigint, p_next_offset bigint, p_clock_ms bigint, p_digest text,
        p_events bytea, p_quiet boolean,
        e_kind text[], e_market text[], e_key text[], e_revision bigint[], e_body bytea[], e_meta bytea[],
        o_key text[], o_window text[], o_from bigint[], o_until bigint[], o_quantity bigint[],
        o_consumed bigint[], o_free bigint[], o_overdrawn bigint[],
        d_key text[], d_window text[], d_from bigint[], d_until bigint[], d_said bigint[], d_asked bigint[],
        d_open bigint[], d_proposed bigint[], d_confirmed bigint[], d_shipped bigint[], d_delivered bigint[],
        d_given_up bigint[],
        k_docking text[], k_market text[], k_offer text[], k_offer_window text[], k_demand text[],
        k_demand_window text[], k_status text[], k_quantity bigint[], k_consumed bigint[], k_body bytea[],
        x_key text[], x_window text[]
    ) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        v_loud bigint;
        v_first_round bigint;
        v_first_offset bigint;
    BEGIN
        PERFORM advance_position(p_topic, p_partition, p_expected_offset, p_expected_epoch, p_next_offset);
        INSERT INTO heads AS h (partition, round, clock_ms, digest, loud_round)
        VALUES (p_partition, p_round, p_clock_ms, p_digest, CASE WHEN p_quiet THEN 0 ELSE p_round END)
        ON CONFLICT (partition) DO UPDATE
            SET round = excluded.round, clock_ms = excluded.clock_ms, digest = excluded.digest,
                loud_round = CASE WHEN p_quiet THEN h.loud_round ELSE excluded.round END
        RETURNING loud_round INTO v_loud;
        IF p_quiet THEN
            -- The quiet rounds right before this one that were told go on as this one.
            WITH before AS (
                DELETE FROM rounds AS r
                WHERE r.partition = p_partition AND r.round > v_loud AND r.quiet
                    AND r.published_at IS NOT NULL
                    AND NOT EXISTS (
                        SELECT FROM rounds AS d
                        WHERE d.partition = p_partition AND d.published_at IS NULL AND d.round > r.round
                    )
                RETURNING r.first_round, r.first_offset
            )
            SELECT min(first_round), min(first_offset) INTO v_first_round, v_first_offset FROM before;
        END IF;
        INSERT INTO rounds (
            partition, round, first_round, first_offset, from_offset, next_offset, clock_ms, digest, events,
            quiet
        )
        VALUES (
            p_partition, p_round, coalesce(v_first_round, p_round), coalesce(v_first_offset, p_from_offset),
            p_from_offset, p_next_offset, p_clock_ms, p_digest, p_events, p_quiet
        );
        -- Where only what Tenon adds has changed, the statement itself stays as it is.
        INSERT INTO entities (partition, kind, market, key, revision, body, meta)
        SELECT p_partition, kind, market, key, revision, body, meta
        FROM unnest(e_kind, e_market, e_key, e_revision, e_body, e_meta)
            AS r (kind, market, key, revision, body, meta)
        WHERE body IS NOT NULL
        ON CONFLICT (partition, kind, market, key) DO UPDATE
            SET revision = excluded.revision, body = excluded.body, meta = excluded.meta;
        UPDATE entities AS e SET meta = r.meta
        FROM unnest(e_kind, e_market, e_key, e_body, e_meta) AS r (kind, market, key, body, meta)
        WHERE r.body IS NULL AND e.partition = p_partition
            AND e.kind = r.kind AND e.market = r.market AND e.key = r.key;
        INSERT INTO offer_windows
        SELECT p_partition, r.*
        FROM unnest(o_key, o_window, o_from, o_until, o_quantity, o_consumed, o_free, o_overdrawn) AS r
        ON CONFLICT (partition, key, "window") DO UPDATE
            SET from_ms = excluded.from_ms, until_ms = excluded.until_ms, quantity = excluded.quantity,
                consumed = excluded.consumed, free = excluded.free, overdrawn = excluded.overdrawn;
        INSERT INTO demand_windows
        SELECT p_partition, r.*
        FROM unnest(d_key, d_window, d_from, d_until, d_said, d_asked, d_open, d_proposed, d_confirmed,
                    d_shipped, d_delivered, d_given_up) AS r
        ON CONFLICT (partition, key, "window") DO UPDATE
            SET from_ms = excluded.from_ms, until_ms = excluded.until_ms, said = excluded.said,
                asked = excluded.asked, open = excluded.open, proposed = excluded.proposed,
                confirmed = excluded.confirmed, shipped = excluded.shipped, delivered = excluded.delivered,
                given_up = excluded.given_up;
        INSERT INTO dockings
        SELECT p_partition, r.*
        FROM unnest(k_docking, k_market, k_offer, k_offer_window, k_demand, k_demand_window, k_status,
                    k_quantity, k_consumed, k_body) AS r
        ON CONFLICT (partition, docking) DO UPDATE
            SET status = excluded.status, consumed = excluded.consumed, body = excluded.body;
        DELETE FROM offer_windows AS w USING unnest(x_key, x_window) AS r (key, "window")
        WHERE w.partition = p_partition AND r.key = 'o:' || w.key AND r."window" = w."window";
        DELETE FROM demand_windows AS w USING unnest(x_key, x_window) AS r (key, "window")
        WHERE w.partition = p_partition AND r.key = 'd:' || w.key AND r."window" = w."window";
    END $$
"""


def upgrade() -> None:
    """Move the rounds over, those to be told with them."""
    tables = (*lease.DDL_V1, *periods.DDL_V1, *_TABLES, *PERIODS.ddl(), *_MOVE)
    for statement in (*tables, _DROP_COMMIT_ROUND, _COMMIT_ROUND):
        op.execute(statement)
