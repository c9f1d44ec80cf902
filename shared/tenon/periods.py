"""Tables in periods: range-partitioned by time, made ahead, dropped whole when they are old.

A service's role may not change tables. So for each table a migration makes three functions
(`Periods.ddl`) that run with the rights of the owner of the schema (SECURITY DEFINER, the search path pinned)
and do one thing each: add periods ahead, drop old ones, remove old rows of the rest. `Keeper`, a loop of the
service, calls them under a lease, so of several replicas one does.

The rest is the default partition: whatever no period was made for goes there, so that nothing ever fails
because maintenance stood still. A period that comes late begins behind the last row of the rest; the rest is
emptied row by row as it ages. A table with a default partition can not be detached from concurrently: adding
and dropping wait for their locks at most `LOCK_TIMEOUT_MS`, then a later turn tries again. The bounds of a
period (epoch seconds) are part of its name, so that periods of another length go on where the last end.

What a row still has to do holds its whole period (`kept`). This module must not know what a row is.
"""

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from tenon import log
from tenon.db import Database
from tenon.errors import Fenced, Transient
from tenon.lease import Lease, Leases
from tenon.metrics import Metrics, counter

LOCK_TIMEOUT_MS = 200
AHEAD = 3
MOST_SPANS = 10
_SWEEP_ROWS = 5_000
_LEASE = "periods"

CHANGED = counter("periods_total", "periods of tables that were made or dropped", "table", "what")
SWEPT = counter("period_rest_rows_total", "old rows removed from the rest of a table in periods", "table")

_logger = log.get("periods")

DDL_V1: tuple[str, ...] = (
    """
    CREATE FUNCTION periods_of(p_table text)
    RETURNS TABLE (name text, from_s bigint, until_s bigint) LANGUAGE sql STABLE AS $$
        SELECT c.relname::text, m[1]::bigint, m[2]::bigint
        FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid
        CROSS JOIN LATERAL regexp_match(c.relname, '_p(\\d+)_(\\d+)$') AS m
        WHERE i.inhparent = to_regclass(format('%I.%I', current_schema(), p_table)) AND m IS NOT NULL
        ORDER BY 2
    $$
    """,
    # A name could be that of any table of the schema; only functions that a migration made pass one.
    """
    CREATE FUNCTION add_periods(p_table text, p_column text, p_period_s bigint, p_ahead integer)
    RETURNS integer LANGUAGE plpgsql AS $$
    DECLARE
        v_now bigint := extract(epoch FROM clock_timestamp())::bigint;
        v_from bigint;
        v_until bigint;
        v_last timestamptz;
        v_name text;
        v_made integer := 0;
    BEGIN
        IF NOT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.' || p_table, 0)) THEN
            RETURN 0;
        END IF;
        SELECT max(until_s) INTO v_from FROM periods_of(p_table);
        v_from := greatest(coalesce(v_from, 0), v_now / p_period_s * p_period_s);
        IF v_from >= v_now + p_ahead * p_period_s THEN
            RETURN 0;
        END IF;
        -- A row on its way into the rest would fail once the period is there: writers wait, readers don't.
        EXECUTE format('LOCK TABLE ONLY %I IN SHARE ROW EXCLUSIVE MODE', p_table);
        -- What is in the rest stays there: a period that comes late begins behind the last row of it.
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', p_table || '_rest');
        EXECUTE format('SELECT max(%I) FROM %I', p_column, p_table || '_rest') INTO v_last;
        v_from := greatest(v_from, coalesce(floor(extract(epoch FROM v_last))::bigint + 1, 0));
        WHILE v_from < v_now + p_ahead * p_period_s LOOP
            v_until := (v_from / p_period_s + 1) * p_period_s;
            v_name := format('%s_p%s_%s', p_table, v_from, v_until);
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING CONSTRAINTS)', v_name, p_table);
            EXECUTE format(
                'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                p_table, v_name, to_timestamp(v_from), to_timestamp(v_until)
            );
            v_made := v_made + 1;
            v_from := v_until;
        END LOOP;
        RETURN v_made;
    END $$
    """,
    """
    CREATE FUNCTION drop_periods(p_table text, p_kept text, p_keep_s bigint)
    RETURNS integer LANGUAGE plpgsql AS $$
    DECLARE
        v_name text;
        v_held boolean;
        v_holds text := 'SELECT EXISTS (SELECT FROM %I AS r WHERE ' || p_kept || ')';
        v_dropped integer := 0;
    BEGIN
        IF NOT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.' || p_table, 0)) THEN
            RETURN 0;
        END IF;
        FOR v_name IN
            SELECT name FROM periods_of(p_table)
            WHERE until_s <= extract(epoch FROM clock_timestamp()) - p_keep_s
        LOOP
            EXECUTE format(v_holds, v_name) INTO v_held;
            CONTINUE WHEN v_held;
            EXECUTE format('LOCK TABLE ONLY %I, %I IN ACCESS EXCLUSIVE MODE', p_table, v_name);
            EXECUTE format(v_holds, v_name) INTO v_held;
            CONTINUE WHEN v_held;
            EXECUTE format('DROP TABLE %I', v_name);
            v_dropped := v_dropped + 1;
        END LOOP;
        RETURN v_dropped;
    END $$
    """,
    """
    CREATE FUNCTION sweep_rest(p_table text, p_column text, p_kept text, p_keep_s bigint, p_rows integer)
    RETURNS integer LANGUAGE plpgsql AS $$
    DECLARE
        v_removed integer;
    BEGIN
        EXECUTE format(
            'DELETE FROM %1$I WHERE ctid IN (SELECT ctid FROM %1$I AS r'
            ' WHERE %2$I < now() - make_interval(secs => $1) AND NOT (' || p_kept || ')'
            ' ORDER BY %2$I LIMIT $2)',
            p_table || '_rest', p_column
        ) USING p_keep_s::float8, p_rows;
        GET DIAGNOSTICS v_removed = ROW_COUNT;
        RETURN v_removed;
    END $$
    """,
)
"""Statements of the first version, for a migration; it is frozen, a change comes as DDL_V2."""

_OWNED = """
    DO $do$
    DECLARE
        v_made regprocedure;
    BEGIN
        FOREACH v_made IN ARRAY ARRAY[
            '{table}_add_periods(bigint, integer)'::regprocedure,
            '{table}_drop_periods(bigint)'::regprocedure,
            '{table}_sweep_rest(bigint, integer)'::regprocedure
        ] LOOP
            EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', v_made, current_schema());
        END LOOP;
    END $do$
"""


@dataclass(frozen=True, slots=True)
class Periods:
    """A table in periods: the column (timestamptz) that they go by, and which rows hold theirs.

    `kept` is SQL over a row `r`; it becomes part of a migration, so it must not change once released.
    """

    table: str
    column: str
    kept: str = "false"

    def ddl(self) -> tuple[str, ...]:
        """Return the statements that give the (partitioned) table its rest and its three functions."""
        table, column, kept = self.table, self.column, self.kept.replace("'", "''")
        owned = f"LANGUAGE sql SECURITY DEFINER SET lock_timeout = '{LOCK_TIMEOUT_MS}ms'"
        return (
            f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT",
            f"CREATE FUNCTION {table}_add_periods(p_period_s bigint, p_ahead integer) RETURNS integer {owned}"
            f" AS $$ SELECT add_periods('{table}', '{column}', p_period_s, p_ahead) $$",
            f"CREATE FUNCTION {table}_drop_periods(p_keep_s bigint) RETURNS integer {owned}"
            f" AS $$ SELECT drop_periods('{table}', '{kept}', p_keep_s) $$",
            f"CREATE FUNCTION {table}_sweep_rest(p_keep_s bigint, p_rows integer) RETURNS integer {owned}"
            f" AS $$ SELECT sweep_rest('{table}', '{column}', '{kept}', p_keep_s, p_rows) $$",
            _OWNED.format(table=table),
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """How long a table's rows are kept, in hours; a period goes when all of it is older."""

    table: str
    hours: float

    @property
    def seconds(self) -> int:
        """The same in seconds, at least one."""
        return max(1, math.ceil(self.hours * 3600))


def span_s(kept: Kept, period_s: int) -> int:
    """Return how long a table's periods are: the shortest wanted, or so that about `MOST_SPANS` are kept.

    Each period is one more place to look in.
    """
    return max(1, math.ceil(kept.seconds / MOST_SPANS / period_s)) * period_s


class Keeper:
    """Makes and drops the periods of a service's tables, now and then, on one replica at a time."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        metrics: Metrics,
        tables: Sequence[Kept],
        *,
        period_s: int,
        interval_ms: int,
    ) -> None:
        self._database = database
        self._leases = leases
        self._metrics = metrics
        self._tables = tables
        self._period_s = period_s
        self._interval_s = interval_ms / 1000

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. What can't be done now is done a turn later."""
        while not stop.is_set():
            await self._turn()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._interval_s)

    async def _turn(self) -> None:
        lease = None
        try:
            lease = await self._leases.acquire(_LEASE)
            if lease is not None:
                await self.keep(lease)
                await self._leases.release(lease)
        except (Transient, Fenced) as error:
            _logger.warning("periods not kept", error=str(error))

    async def keep(self, lease: Lease | None = None) -> None:
        """Do all that is due for every table; a table that is busy does not hold up the next."""
        for kept in self._tables:
            if lease is not None:
                await self._leases.renew(lease)
            try:
                await self._keep(kept)
            except Transient as error:
                _logger.warning("a table in periods is busy", table=kept.table, error=str(error))

    async def _keep(self, kept: Kept) -> None:
        made = await self._call(f"{kept.table}_add_periods", span_s(kept, self._period_s), AHEAD)
        self._metrics.add(CHANGED, made, table=kept.table, what="made")
        dropped = await self._call(f"{kept.table}_drop_periods", kept.seconds)
        self._metrics.add(CHANGED, dropped, table=kept.table, what="dropped")
        swept = _SWEEP_ROWS
        while swept == _SWEEP_ROWS:
            swept = await self._call(f"{kept.table}_sweep_rest", kept.seconds, _SWEEP_ROWS)
            self._metrics.add(SWEPT, swept, table=kept.table)

    async def _call(self, function: str, *arguments: int) -> int:
        places = ", ".join(f"${number}" for number in range(1, len(arguments) + 1))
        return int(await self._database.fetchval(f"SELECT {function}({places})", *arguments) or 0)
