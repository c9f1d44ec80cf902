"""The statements of some batches: what is known before, what is written, all in the caller's transaction.

Rows go in as arrays, one statement per table, or by COPY where nothing can be there before them. Which rows,
is decided elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from notifier.domain.batch import Changes, StateKey
from notifier.domain.plan import Entry
from notifier.domain.reading import ORDERED, Received
from notifier.domain.visibility import coarse_position, parties_of
from notifier.known import keys_of
from notifier.statements import Part, all_of
from tenon.contracts.codec import encode
from tenon.contracts.dockings import Docking
from tenon.contracts.parties import PartyState
from tenon.contracts.positions import DemandPosition, OfferPosition, ResourcePosition
from tenon.db import Connection
from tenon.records import TopicPartition


async def write(connection: Connection, where: TopicPartition, changes: Changes) -> None:
    """Write everything that changed; the feed last, because its counters are shared by all partitions.

    `where`: a partition whose position moves in this transaction. Its rows of the totals are nobody else's.
    """
    parts = [
        *_seen(changes.seen),
        *_gone(changes.states),
        *_listed("offer", changes),
        *_listed("demand", changes),
        *_resources(changes),
        *_dockings(changes),
        *_rounds(changes),
        *_rejections(changes.rejections),
        *_totals(where, changes),
    ]
    if parts:
        statement, arguments = all_of(parts)
        await connection.execute(statement, *arguments)
    await _write_parties(connection, changes.parties)
    await write_feed(connection, changes.entries)


async def load_run(connection: Connection, where: TopicPartition) -> int:
    """Return how many unusable records in a row came last."""
    found = await connection.fetchval(
        "SELECT length FROM unusable_runs WHERE topic = $1 AND partition = $2", *where
    )
    return int(found or 0)


async def write_run(connection: Connection, where: TopicPartition, run: int) -> None:
    """Store how many unusable records in a row came last."""
    if run:
        await connection.execute(
            "INSERT INTO unusable_runs VALUES ($1, $2, $3)"
            " ON CONFLICT (topic, partition) DO UPDATE SET length = excluded.length",
            *where,
            run,
        )
    else:
        await connection.execute("DELETE FROM unusable_runs WHERE topic = $1 AND partition = $2", *where)


async def write_feed(connection: Connection, entries: Sequence[Entry]) -> None:
    """Give each entry the next number of its feed, without gaps, and write it.

    The counters' rows are locked in order of the audiences, until the commit: so numbers become
    visible in their order, and two transactions never wait for each other in a circle.
    """
    if not entries:
        return
    amounts: dict[str, int] = {}
    for entry in entries:
        amounts[entry.audience] = amounts.get(entry.audience, 0) + 1
    rows = await connection.fetch(_COUNT, list(amounts), list(amounts.values()))
    following = {row[0]: row[1] - amounts[row[0]] for row in rows}
    # Read under the locks of the counters, so that within a feed times rise with the numbers.
    now = max(row[2] for row in rows)
    numbered = []
    for entry in entries:
        number = following[entry.audience] = following[entry.audience] + 1
        numbered.append((entry.audience, number, entry.event_id, entry.type, entry.subject, entry.body, now))
    await connection.copy_records_to_table("feed", columns=_FEED, records=numbered)


_FEED: Final = ("audience", "number", "event_id", "type", "subject", "body", "written_at")
_COUNT: Final = """
INSERT INTO feed_counters AS f (audience, last)
SELECT u.audience, u.amount FROM unnest($1::text[], $2::bigint[]) AS u (audience, amount)
ORDER BY u.audience COLLATE "C"
ON CONFLICT (audience) DO UPDATE SET last = f.last + excluded.last
RETURNING audience, last, clock_timestamp()
"""
_SEQUENCES: Final = """
INSERT INTO sequences (topic, key, sequence) SELECT $1, * FROM unnest($2::text[], $3::text[])
ON CONFLICT (topic, key) DO UPDATE SET sequence = excluded.sequence, seen_at = now()
"""
_IDS: Final = "INSERT INTO seen_events (event_id) SELECT * FROM unnest($1::text[])"
_UPSERT_LISTED: Final = """
INSERT INTO {table} AS s (party, id, status, scheme, code, latitude, longitude, at, data)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[],
                     $7::smallint[], $8::timestamptz[], $9::bytea[])
ON CONFLICT (party, id) DO UPDATE SET
    status = excluded.status, scheme = excluded.scheme, code = excluded.code, latitude = excluded.latitude,
    longitude = excluded.longitude, at = excluded.at, data = excluded.data
"""
_UPSERT_RESOURCES: Final = """
INSERT INTO resources AS r (party, id, status, scheme, code, at, data)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
                     $7::bytea[])
ON CONFLICT (party, id) DO UPDATE SET
    status = excluded.status, scheme = excluded.scheme, code = excluded.code, at = excluded.at,
    data = excluded.data
"""
_DELETE_LISTED: Final = """
DELETE FROM {table} WHERE (party, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""
_UPSERT_DOCKINGS: Final = """
INSERT INTO dockings AS d
    (docking, status, scheme, code, supply_party, offer, demand_party, demand, proposed_at, at, data)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                     $8::text[], $9::timestamptz[], $10::timestamptz[], $11::bytea[])
ON CONFLICT (docking) DO UPDATE SET status = excluded.status, at = excluded.at, data = excluded.data
"""
_STEPS: Final = """
INSERT INTO steps (docking, revision, data) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[])
"""
_ROUNDS: Final = """
INSERT INTO partitions AS p (partition, round, data)
SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bytea[])
ON CONFLICT (partition) DO UPDATE SET round = excluded.round, data = excluded.data
WHERE p.round < excluded.round
"""
_REJECTIONS: Final = """
INSERT INTO rejections (event_id, party, type, data)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
"""
_UPSERT_TOTALS: Final = """
INSERT INTO totals AS t (topic, partition, unit, name, count, quantity)
SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::bigint[], $6::numeric[])
ON CONFLICT (topic, partition, unit, name)
DO UPDATE SET count = t.count + excluded.count, quantity = t.quantity + excluded.quantity
"""


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _seen(seen: Mapping[str, Mapping[str, str]]) -> Iterator[Part]:
    for topic, each in seen.items():
        if each and topic in ORDERED:
            yield _SEQUENCES, (topic, list(each), list(each.values()))
        elif each:
            yield _IDS, (list(each),)


def _gone(states: Mapping[StateKey, object]) -> Iterator[Part]:
    for kind in ("offer", "demand", "resource"):
        gone = [key for (of, key), state in states.items() if of == kind and state is None]
        if gone:
            yield _DELETE_LISTED.format(table=f"{kind}s"), keys_of(kind, gone)


def _listed(kind: str, changes: Changes) -> Iterator[Part]:
    rows = [
        _listed_row(state, changes.json[kind, key])
        for (of, key), state in changes.states.items()
        if of == kind and isinstance(state, OfferPosition | DemandPosition)
    ]
    if rows:
        yield _UPSERT_LISTED.format(table=f"{kind}s"), _columns(rows)


def _listed_row(state: OfferPosition | DemandPosition, json: bytes) -> tuple[Any, ...]:
    name = state.offer if isinstance(state, OfferPosition) else state.demand
    of = state.item.class_
    coarse = coarse_position(state.position)
    place = (coarse["latitude"], coarse["longitude"])
    return (state.party, name, state.status, of.scheme, of.code.lower(), *place, state.at, json)


def _resources(changes: Changes) -> Iterator[Part]:
    rows = [
        _resource_row(state, changes.json[key])
        for key, state in changes.states.items()
        if isinstance(state, ResourcePosition)
    ]
    if rows:
        yield _UPSERT_RESOURCES, _columns(rows)


def _resource_row(state: ResourcePosition, json: bytes) -> tuple[Any, ...]:
    of = state.class_
    return (state.party, state.resource, state.status, of.scheme, of.code.lower(), state.at, json)


def _dockings(changes: Changes) -> Iterator[Part]:
    rows = [
        _docking_row(state, changes.json[key])
        for key, state in changes.states.items()
        if isinstance(state, Docking)
    ]
    if rows:
        yield _UPSERT_DOCKINGS, _columns(rows)
        yield _STEPS, _columns([(*step, json) for step, json in changes.steps.items()])


def _docking_row(docking: Docking, json: bytes) -> tuple[Any, ...]:
    sides = (docking.supply.party, docking.supply.id, docking.demand.party, docking.demand.id)
    of = (docking.class_.scheme, docking.class_.code.lower())
    return (docking.docking, docking.status, *of, *sides, docking.proposed_at, docking.at, json)


def _rounds(changes: Changes) -> Iterator[Part]:
    rows = [(decided.partition, decided.round, encode(decided)) for decided in changes.rounds.values()]
    if rows:
        yield _ROUNDS, _columns(rows)


def _rejections(rejections: Sequence[Received]) -> Iterator[Part]:
    rows = [(each.id, next(iter(parties_of(each.data)), ""), each.type, each.json) for each in rejections]
    if rows:
        yield _REJECTIONS, _columns(rows)


def _totals(where: TopicPartition, changes: Changes) -> Iterator[Part]:
    rows = [(unit, name, count, quantity) for (unit, name), (count, quantity) in changes.totals.items()]
    if rows:
        yield _UPSERT_TOTALS, (*where, *_columns(rows))


async def _write_parties(connection: Connection, parties: Mapping[str, PartyState | None]) -> None:
    if not parties:
        return
    present = [state for state in parties.values() if state is not None]
    gone = [party for party, state in parties.items() if state is None]
    await connection.execute("DELETE FROM keys WHERE party = ANY($1::text[])", list(parties))
    await connection.execute("DELETE FROM parties WHERE party = ANY($1::text[])", gone)
    await connection.execute(
        "INSERT INTO parties (party, name) SELECT * FROM unnest($1::text[], $2::text[])"
        " ON CONFLICT (party) DO UPDATE SET name = excluded.name",
        [state.party for state in present],
        [state.name for state in present],
    )
    hashes = {key.sha256: (key.sha256, key.key, state.party) for state in present for key in state.keys}
    if hashes:
        await connection.execute(
            "INSERT INTO keys (sha256, key, party) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])"
            " ON CONFLICT (sha256) DO UPDATE SET key = excluded.key, party = excluded.party",
            *_columns(list(hashes.values())),
        )
