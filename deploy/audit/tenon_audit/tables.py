"""The tables of the three services as facts, all as of one instant.

SQL of its own against schemas that migrations document; nothing is written. Large tables are read by a
cursor, a page at a time.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

import msgspec

from tenon.db import Connection, Database, Row
from tenon.sharding import Sharding
from tenon_audit.checks.repeated import Name
from tenon_audit.facts import (
    DemandRow,
    DemandWindow,
    DockingRow,
    Endpoint,
    Entity,
    FeedRow,
    Head,
    OfferRow,
    OfferWindow,
    ResourceRow,
    Round,
    Said,
    Undelivered,
    Waiting,
)
from tenon_audit.reading import digest, events

_PAGE = 2_000
_ROUNDS_PAGE = 20
_MS = "(extract(epoch FROM {}) * 1000)::bigint"


@asynccontextmanager
async def snapshot(sharding: Sharding) -> AsyncIterator["Tables"]:
    """Open a read-only transaction of each database, which sees one instant of it.

    Raises `Transient` or `Misconfigured`.
    """
    async with AsyncExitStack() as stack:
        yield Tables(sharding, [await stack.enter_async_context(_instant(url)) for url in sharding.urls])


@asynccontextmanager
async def _instant(url: str) -> AsyncIterator[Connection]:
    async with (
        Database.connect(url, schema="audit", pool_size=1, statement_deadline_ms=None) as database,
        database.transaction() as connection,
    ):
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield connection


class Tables:
    """What the tables say in one snapshot: the matcher's of all databases, the others' of the first."""

    def __init__(self, sharding: Sharding, connections: Sequence[Connection]) -> None:
        self._sharding = sharding
        self._connections = connections
        self._connection = connections[0]
        self._names = count(1)

    async def now_ms(self) -> int:
        """Return the database's time."""
        return int(await self._connection.fetchval(f"SELECT {_MS.format('now()')}"))

    async def heads(self) -> list[Head]:
        """Return the last round of each partition."""
        rows = self._matcher("SELECT partition, round, clock_ms, digest FROM matcher.heads")
        return [Head(*row) async for row in rows]

    async def positions(self, schema: str) -> dict[tuple[str, int], int]:
        """Return the next offset of each (topic, partition) that a service reads."""
        query = f"SELECT topic, partition, next_offset FROM {schema}.positions"  # noqa: S608
        rows = self._matcher(query) if schema == "matcher" else self._rows(query)
        return {(row[0], row[1]): row[2] async for row in rows}

    async def outbox(self, schema: str) -> list[Waiting]:
        """Return what an outbox holds."""
        query = f"""
            SELECT id, topic, convert_from(key, 'UTF8') AS key, headers::text AS headers,
                   published_at IS NOT NULL AS told, parked_why
            FROM {schema}.outbox
            """  # noqa: S608 - the schema is one of ours
        return [_waiting(row) async for row in self._rows(query)]

    async def registry(self) -> list[Said]:
        """Return the statements that ingest's registry has in force."""
        rows = self._rows(
            """
            SELECT 'party', party, revision, sequence FROM ingest.parties
            UNION ALL SELECT 'site', party || '/' || site, revision, 0 FROM ingest.sites
            UNION ALL SELECT 'policy', policy, revision, 0 FROM ingest.policies
            """
        )
        return [Said(*row) async for row in rows]

    async def rounds(
        self, after: dict[int, int] | None = None, *, untold: bool = False
    ) -> AsyncIterator[Round]:
        """Yield what is kept of rounds, in order; `after`: those later than a partition's round."""
        only = "AND published_at IS NULL" if untold else ""
        later = " ".join(
            f"AND NOT (partition = {partition} AND round <= {number})"
            for partition, number in (after or {}).items()
        )
        query = f"""
            SELECT partition, round, first_round, first_offset, from_offset, next_offset, clock_ms, digest,
                   published_at IS NOT NULL, parked_why, {_MS.format("decided_at")}, events
            FROM matcher.rounds WHERE true {only} {later} ORDER BY partition, round
            """  # noqa: S608 - only numbers and constants are put in
        async for row in self._matcher(query, _ROUNDS_PAGE):
            *facts, packed = row
            yield Round(*facts)._replace(events=events(bytes(packed)))

    async def dockings(self) -> list[DockingRow]:
        """Return the matcher's dockings."""
        rows = self._matcher(
            """
            SELECT partition, docking, offer, offer_window, demand, demand_window, status, quantity,
                   consumed, body
            FROM matcher.dockings ORDER BY partition, docking
            """
        )
        return [
            DockingRow(row[0], row[1], row[2:4], row[4:6], row[6], row[7], row[8], digest(bytes(row[9])))
            async for row in rows
        ]

    async def offer_windows(self) -> list[OfferRow]:
        """Return the windows of offers."""
        rows = self._matcher(
            'SELECT partition, key, "window", quantity, consumed, free, overdrawn FROM matcher.offer_windows'
            ' ORDER BY partition, key, "window"'
        )
        return [OfferRow(row[0], row[1], OfferWindow(*tuple(row)[2:])) async for row in rows]

    async def resource_windows(self) -> list[ResourceRow]:
        """Return the windows of resources."""
        rows = self._matcher(
            'SELECT partition, key, "window", quantity, consumed, free, overdrawn'
            ' FROM matcher.resource_windows ORDER BY partition, key, "window"'
        )
        return [
            ResourceRow(row[0], row[1], OfferWindow(row[2], *map(int, tuple(row)[3:]))) async for row in rows
        ]

    async def demand_windows(self) -> list[DemandRow]:
        """Return the windows of demands."""
        rows = self._matcher(
            'SELECT partition, key, "window", asked, open, proposed, confirmed, shipped, delivered, given_up,'
            ' said FROM matcher.demand_windows ORDER BY partition, key, "window"'
        )
        return [DemandRow(row[0], row[1], DemandWindow(*tuple(row)[2:])) async for row in rows]

    async def entities(self) -> list[Entity]:
        """Return offers, resources, demands, sites and policies that the matcher holds."""
        rows = self._matcher(
            """
            SELECT partition, kind, market, key, revision, coalesce(meta ->> 'status', '') AS status,
                   coalesce(meta ->> 'reasons', '') <> '' AS explained
            FROM (
                SELECT partition, kind, market, key, revision, convert_from(meta, 'UTF8')::jsonb AS meta
                FROM matcher.entities WHERE kind IN ('offer', 'resource', 'demand', 'site', 'policy')
            ) AS e ORDER BY partition, kind, key
            """
        )
        return [Entity(*row) async for row in rows]

    async def closed(self) -> dict[Name, int]:
        """Return the last revision of each offer and demand that ended."""
        rows = self._matcher(
            "SELECT partition, kind, key, max(revision) FROM matcher.closed GROUP BY 1, 2, 3"
        )
        return {(row[0], row[1], row[2]): row[3] async for row in rows}

    async def feed(self) -> AsyncIterator[FeedRow]:
        """Yield all feeds, in order of audience and number."""
        query = f"""
            SELECT audience, number, event_id, type, {_MS.format("written_at")}
            FROM notifier.feed ORDER BY audience, number
            """  # noqa: S608 - only constants are put in
        async for row in self._rows(query):
            yield FeedRow(*row)

    async def feed_counters(self) -> dict[str, int]:
        """Return the last number that was given in each feed."""
        rows = await self._connection.fetch("SELECT audience, last FROM notifier.feed_counters")
        return {row[0]: row[1] for row in rows}

    async def shown(self) -> dict[str, tuple[int, str]]:
        """Return revision and status of each docking that the notifier shows."""
        rows = self._rows(
            "SELECT docking, (convert_from(data, 'UTF8')::jsonb ->> 'revision')::bigint, status"
            " FROM notifier.dockings"
        )
        return {row[0]: (row[1], row[2]) async for row in rows}

    async def shown_steps(self) -> dict[tuple[str, int], int]:
        """Return for each step that the notifier keeps, docking and revision, how often it does."""
        rows = self._rows("SELECT docking, revision, count(*) FROM notifier.steps GROUP BY docking, revision")
        return {(row[0], row[1]): row[2] async for row in rows}

    async def endpoints(self) -> list[Endpoint]:
        """Return subscribers by webhook."""
        rows = self._rows(
            """
            SELECT e.id, e.audience, e.status, e.cursor, coalesce(c.last, 0)
            FROM notifier.endpoints e LEFT JOIN notifier.feed_counters c USING (audience) ORDER BY e.id
            """
        )
        return [Endpoint(*row) async for row in rows]

    async def undelivered(self, since_ms: int) -> list[Undelivered]:
        """Return what lies behind an endpoint's cursor, was not taken by it, and is not parked.

        Endpoints with conditions are left out: what they want is known from the events alone.
        Only what was written since then, when attempts of that time are still kept, and from the endpoint's
        first attempt on.
        """
        rows = self._rows(
            f"""
            SELECT e.id, f.number, f.event_id
            FROM notifier.endpoints e
            CROSS JOIN LATERAL (
                SELECT min(number) AS number FROM notifier.attempts WHERE endpoint = e.id
            ) AS first
            JOIN notifier.feed f ON f.audience = e.audience AND f.number BETWEEN first.number AND e.cursor
            WHERE (cardinality(e.types) = 0 OR f.type = ANY(e.types)) AND cardinality(e.conditions) = 0
              AND f.written_at > to_timestamp({since_ms} / 1000.0)
              AND NOT EXISTS (SELECT FROM notifier.parked p WHERE (p.endpoint, p.number) = (e.id, f.number))
              AND NOT EXISTS (
                  SELECT FROM notifier.attempts a
                  WHERE a.endpoint = e.id AND a.number = f.number AND a.taken
              )
            ORDER BY e.id, f.number
            """  # noqa: S608 - only a number is put in
        )
        return [Undelivered(*row) async for row in rows]

    async def _matcher(self, query: str, page: int = _PAGE) -> AsyncIterator[Row]:
        """Yield rows of each partition from the database that holds it; others may have old ones of it."""
        for number, connection in enumerate(self._connections):
            async for row in self._rows(query, page, connection):
                if self._sharding.number_of(row["partition"]) == number:
                    yield row

    async def _rows(
        self, query: str, page: int = _PAGE, connection: Connection | None = None
    ) -> AsyncIterator[Row]:
        held, name = connection or self._connection, f"audit_{next(self._names)}"
        await held.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {query}")
        while found := await held.fetch(f"FETCH {page} FROM {name}"):
            for row in found:
                yield row
        await held.execute(f"CLOSE {name}")


def _waiting(row: Row) -> Waiting:
    headers = dict(msgspec.json.decode(row["headers"], type=list[tuple[str, str]]))
    event = (headers.get("ce_source", ""), headers.get("ce_id", ""))
    key, sequence = row["key"] or "", headers.get("ce_sequence", "")
    return Waiting(row["id"], row["topic"], key, event, sequence, row["told"], row["parked_why"])
