"""Rounds of several partitions are stored by one statement."""

from alembic import op

from tenon import positions

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_DROP_COMMIT_ROUND = """
    DO $$ DECLARE v_old regprocedure; BEGIN
        SELECT oid::regprocedure INTO STRICT v_old FROM pg_proc
        WHERE proname = 'commit_round' AND pronamespace = current_schema()::regnamespace;
        EXECUTE format('DROP FUNCTION %s', v_old);
    END $$
"""

# Everything that rounds of some partitions change, each row with its partition. Advancing the positions comes
# first and raises when a partition belongs to somebody else by now, so that nothing below it happens. What
# most rounds do not have is asked for first: an empty join may still read the table that it would change.
_COMMIT_ROUNDS = """
    CREATE FUNCTION commit_rounds(
        p_topic text, p_partition integer[], p_expected_offset bigint[], p_expected_epoch bigint[],
        p_round bigint[], p_from_offset bigint[], p_next_offset bigint[], p_clock_ms bigint[],
        p_digest text[], p_events bytea[], p_quiet boolean[],
        e_partition integer[], e_kind text[], e_market text[], e_key text[], e_revision bigint[],
        e_body bytea[], e_meta bytea[],
        o_partition integer[], o_key text[], o_window text[], o_from bigint[], o_until bigint[],
        o_quantity bigint[], o_consumed bigint[], o_free bigint[], o_overdrawn bigint[],
        d_partition integer[], d_key text[], d_window text[], d_from bigint[], d_until bigint[],
        d_said bigint[], d_asked bigint[], d_open bigint[], d_proposed bigint[], d_confirmed bigint[],
        d_shipped bigint[], d_delivered bigint[], d_given_up bigint[],
        k_partition integer[], k_docking text[], k_market text[], k_offer text[], k_offer_window text[],
        k_demand text[], k_demand_window text[], k_status text[], k_quantity bigint[], k_consumed bigint[],
        k_body bytea[],
        x_partition integer[], x_key text[], x_window text[]
    ) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM advance_positions(
            array_fill(p_topic, ARRAY[cardinality(p_partition)]),
            p_partition, p_expected_offset, p_expected_epoch, p_next_offset
        );
        INSERT INTO heads AS h (partition, round, clock_ms, digest, loud_round)
        SELECT partition, round, clock_ms, digest, CASE WHEN quiet THEN 0 ELSE round END
        FROM unnest(p_partition, p_round, p_clock_ms, p_digest, p_quiet)
            AS r (partition, round, clock_ms, digest, quiet)
        ON CONFLICT (partition) DO UPDATE
            SET round = excluded.round, clock_ms = excluded.clock_ms, digest = excluded.digest,
                loud_round = CASE WHEN excluded.loud_round = 0 THEN h.loud_round ELSE excluded.loud_round END;
        IF true = ANY (p_quiet) THEN
            -- The quiet rounds right before a quiet one that were told go on as this one.
            WITH decided AS (
                SELECT * FROM unnest(p_partition, p_round, p_from_offset, p_next_offset, p_clock_ms,
                                     p_digest, p_events, p_quiet)
                    AS r (partition, round, from_offset, next_offset, clock_ms, digest, events, quiet)
            ),
            before AS (
                DELETE FROM rounds AS r USING decided AS n JOIN heads AS h USING (partition)
                WHERE n.quiet AND r.partition = n.partition AND r.round > h.loud_round AND r.quiet
                    AND r.published_at IS NOT NULL
                    AND NOT EXISTS (
                        SELECT FROM rounds AS d
                        WHERE d.partition = r.partition AND d.published_at IS NULL AND d.round > r.round
                    )
                RETURNING r.partition, r.first_round, r.first_offset
            ),
            merged AS (
                SELECT partition, min(first_round) AS round, min(first_offset) AS from_offset
                FROM before GROUP BY partition
            )
            INSERT INTO rounds (
                partition, round, first_round, first_offset, from_offset, next_offset, clock_ms, digest,
                events, quiet
            )
            SELECT n.partition, n.round, coalesce(m.round, n.round), coalesce(m.from_offset, n.from_offset),
                   n.from_offset, n.next_offset, n.clock_ms, n.digest, n.events, n.quiet
            FROM decided AS n LEFT JOIN merged AS m USING (partition);
        ELSE
            INSERT INTO rounds (
                partition, round, first_round, first_offset, from_offset, next_offset, clock_ms, digest,
                events, quiet
            )
            SELECT partition, round, round, from_offset, from_offset, next_offset, clock_ms, digest, events,
                   false
            FROM unnest(p_partition, p_round, p_from_offset, p_next_offset, p_clock_ms, p_digest, p_events)
                AS r (partition, round, from_offset, next_offset, clock_ms, digest, events);
        END IF;
        INSERT INTO entities (partition, kind, market, key, revision, body, meta)
        SELECT *
        FROM unnest(e_partition, e_kind, e_market, e_key, e_revision, e_body, e_meta)
            AS r (partition, kind, market, key, revision, body, meta)
        WHERE body IS NOT NULL
        ON CONFLICT (partition, kind, market, key) DO UPDATE
            SET revision = excluded.revision, body = excluded.body, meta = excluded.meta;
        IF array_position(e_body, NULL) IS NOT NULL THEN
            -- Where only what Tenon adds has changed, the statement itself stays as it is.
            UPDATE entities AS e SET meta = r.meta
            FROM unnest(e_partition, e_kind, e_market, e_key, e_body, e_meta)
                AS r (partition, kind, market, key, body, meta)
            WHERE r.body IS NULL AND e.partition = r.partition
                AND e.kind = r.kind AND e.market = r.market AND e.key = r.key;
        END IF;
        INSERT INTO offer_windows
        SELECT * FROM unnest(o_partition, o_key, o_window, o_from, o_until, o_quantity, o_consumed, o_free,
                             o_overdrawn)
        ON CONFLICT (partition, key, "window") DO UPDATE
            SET from_ms = excluded.from_ms, until_ms = excluded.until_ms, quantity = excluded.quantity,
                consumed = excluded.consumed, free = excluded.free, overdrawn = excluded.overdrawn;
        INSERT INTO demand_windows
        SELECT * FROM unnest(d_partition, d_key, d_window, d_from, d_until, d_said, d_asked, d_open,
                             d_proposed, d_confirmed, d_shipped, d_delivered, d_given_up)
        ON CONFLICT (partition, key, "window") DO UPDATE
            SET from_ms = excluded.from_ms, until_ms = excluded.until_ms, said = excluded.said,
                asked = excluded.asked, open = excluded.open, proposed = excluded.proposed,
                confirmed = excluded.confirmed, shipped = excluded.shipped, delivered = excluded.delivered,
                given_up = excluded.given_up;
        INSERT INTO dockings
        SELECT * FROM unnest(k_partition, k_docking, k_market, k_offer, k_offer_window, k_demand,
                             k_demand_window, k_status, k_quantity, k_consumed, k_body)
        ON CONFLICT (partition, docking) DO UPDATE
            SET status = excluded.status, consumed = excluded.consumed, body = excluded.body;
        IF cardinality(x_key) > 0 THEN
            DELETE FROM offer_windows AS w
            USING unnest(x_partition, x_key, x_window) AS r (partition, key, "window")
            WHERE w.partition = r.partition AND r.key = 'o:' || w.key AND r."window" = w."window";
            DELETE FROM demand_windows AS w
            USING unnest(x_partition, x_key, x_window) AS r (partition, key, "window")
            WHERE w.partition = r.partition AND r.key = 'd:' || w.key AND r."window" = w."window";
        END IF;
    END $$
"""


def upgrade() -> None:
    """Put the new function into the place of the one for a single round."""
    for statement in (*positions.DDL_V2, _DROP_COMMIT_ROUND, _COMMIT_ROUNDS):
        op.execute(statement)
