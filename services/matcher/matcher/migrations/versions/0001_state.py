"""The state of the partitions, their rounds, and the one statement that writes them."""

from alembic import op

from tenon import positions

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    """
    CREATE TABLE entities (
        partition integer NOT NULL,
        kind text NOT NULL,
        market text NOT NULL,
        key text NOT NULL,
        revision bigint NOT NULL,
        body bytea NOT NULL,
        meta bytea NOT NULL,
        PRIMARY KEY (partition, kind, market, key)
    ) WITH (fillfactor = 80)
    """,
    """
    CREATE TABLE offer_windows (
        partition integer NOT NULL,
        key text NOT NULL,
        "window" text NOT NULL,
        from_ms bigint NOT NULL,
        until_ms bigint NOT NULL,
        quantity bigint NOT NULL,
        consumed bigint NOT NULL,
        free bigint NOT NULL,
        overdrawn bigint NOT NULL,
        PRIMARY KEY (partition, key, "window"),
        CONSTRAINT offer_windows_add_up CHECK (
            quantity >= 0 AND consumed >= 0 AND free >= 0 AND overdrawn >= 0 AND least(free, overdrawn) = 0
            AND quantity + overdrawn = free + consumed
        )
    ) WITH (fillfactor = 80)
    """,
    """
    CREATE TABLE demand_windows (
        partition integer NOT NULL,
        key text NOT NULL,
        "window" text NOT NULL,
        from_ms bigint NOT NULL,
        until_ms bigint NOT NULL,
        said bigint NOT NULL,
        asked bigint NOT NULL,
        open bigint NOT NULL,
        proposed bigint NOT NULL,
        confirmed bigint NOT NULL,
        shipped bigint NOT NULL,
        delivered bigint NOT NULL,
        given_up bigint NOT NULL,
        PRIMARY KEY (partition, key, "window"),
        CONSTRAINT demand_windows_add_up CHECK (
            least(open, proposed, confirmed, shipped, delivered, given_up) >= 0
            AND asked = open + proposed + confirmed + shipped + delivered + given_up
        )
    ) WITH (fillfactor = 80)
    """,
    """
    CREATE TABLE dockings (
        partition integer NOT NULL,
        docking text NOT NULL,
        market text NOT NULL,
        offer text NOT NULL,
        offer_window text NOT NULL,
        demand text NOT NULL,
        demand_window text NOT NULL,
        status text NOT NULL,
        quantity bigint NOT NULL,
        consumed bigint NOT NULL,
        body bytea NOT NULL,
        PRIMARY KEY (partition, docking),
        CONSTRAINT dockings_within_quantity CHECK (quantity > 0 AND consumed BETWEEN 0 AND quantity)
    ) WITH (fillfactor = 80)
    """,
    """
    CREATE TABLE rounds (
        partition integer NOT NULL,
        round bigint NOT NULL,
        from_offset bigint NOT NULL,
        next_offset bigint NOT NULL,
        clock_ms bigint NOT NULL,
        digest text NOT NULL,
        events bytea NOT NULL,
        decided_at timestamptz NOT NULL DEFAULT now(),
        published_at timestamptz,
        parked_why text,
        PRIMARY KEY (partition, round)
    )
    """,
    "CREATE INDEX rounds_due ON rounds (partition, round) WHERE published_at IS NULL AND parked_why IS NULL",
)

# Everything that a round changes, in one statement: advancing the position comes first and raises when the
# partition belongs to somebody else by now, so that nothing below it happens.
_COMMIT_ROUND = """
    CREATE FUNCTION commit_round(
        p_topic text, p_partition integer, p_expected_offset bigint, p_expected_epoch bigint,
        p_round bigint, p_from_offset bigint, p_next_offset bigint, p_clock_ms bigint, p_digest text,
        p_events bytea,
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
    BEGIN
        PERFORM advance_position(p_topic, p_partition, p_expected_offset, p_expected_epoch, p_next_offset);
        INSERT INTO rounds (partition, round, from_offset, next_offset, clock_ms, digest, events)
        VALUES (p_partition, p_round, p_from_offset, p_next_offset, p_clock_ms, p_digest, p_events);
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
    """Create everything."""
    for statement in (*positions.DDL_V1, *_TABLES, _COMMIT_ROUND):
        op.execute(statement)
