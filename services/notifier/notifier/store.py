"""The statements of some batches: what is known before, what is written, all in the caller's transaction.

Rows go in as arrays, one statement per table, or by COPY where nothing can be there before them. Which rows,
is decided elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from notifier.domain.batch import Changes, StateKey, state_key
from notifier.domain.plan import Entry
from notifier.domain.reading import ORDERED, Received, Tombstone
from notifier.domain.visibility import coarse_position, parties_of
from tenon.contracts.codec import decode_tolerant, encode
from tenon.contracts.dockings import Docking
from tenon.contracts.parties import PartyState
from tenon.contracts.positions import DemandPosition, OfferPosition
from tenon.contracts.topics import ROUNDS
from tenon.contracts.values import Shape
from tenon.db import Connection
from tenon.records import TopicPartition

Items = Sequence[Received | Tombstone]
_KINDS: Final[Mapping[str, type[Shape]]] = {
    "docking": Docking,
    "offer": OfferPosition,
    "demand": DemandPosition,
}


async def load_seen(connection: Connection, items: Mapping[str, Items]) -> dict[str, dict[str, str]]:
    """Return for each topic the highest sequence of each order, or which event ids came before."""
    return {topic: await _seen(connection, topic, each) for topic, each in items.items()}


async def _seen(connection: Connection, topic: str, items: Items) -> dict[str, str]:
    if topic in ORDERED:
        rows = await connection.fetch(
            "SELECT key, sequence FROM sequences WHERE topic = $1 AND key = ANY($2::text[])",
            topic,
            list({item.ordered_by for item in items}),
        )
        return {row[0]: row[1] for row in rows}
    if topic == ROUNDS.name:
        return {}
    ids = [item.id for item in items if isinstance(item, Received)]
    rows = await connection.fetch("SELECT event_id FROM seen_events WHERE event_id = ANY($1::text[])", ids)
    return {row[0]: "" for row in rows}


async def load_states(connection: Connection, items: Items) -> dict[StateKey, Shape]:
    """Return the stored states that items replace."""
    wanted: dict[str, list[str]] = {}
    for kind, key in {found for item in items if (found := state_key(item)) is not None}:
        wanted.setdefault(kind, []).append(key)
    states: dict[StateKey, Shape] = {}
    for kind, keys in wanted.items():
        for row in await connection.fetch(_SELECT_STATES[kind], *_arguments(kind, keys)):
            states[kind, row[0]] = decode_tolerant(_KINDS[kind], row[1])
    return states


async def load_names(connection: Connection, items: Items) -> dict[str, str]:
    """Return the names of the parties that items concern, as far as they are known."""
    wanted = {
        party
        for item in items
        if isinstance(item, Received) and isinstance(item.data, Docking)
        for party in parties_of(item.data)
    }
    if not wanted:
        return {}
    rows = await connection.fetch(
        "SELECT party, name FROM parties WHERE party = ANY($1::text[])", list(wanted)
    )
    return {row[0]: row[1] for row in rows}


async def write(connection: Connection, where: TopicPartition, changes: Changes) -> None:
    """Write everything that changed; the feed last, because its counters are shared by all partitions.

    `where`: a partition whose position moves in this transaction. Its rows of the totals are nobody else's.
    """
    for topic, seen in changes.seen.items():
        await _write_seen(connection, topic, seen)
    await _write_parties(connection, changes.parties)
    await _write_listed(connection, "offers", changes.states)
    await _write_listed(connection, "demands", changes.states)
    await _write_dockings(connection, changes)
    await _write_rounds(connection, changes)
    await _write_rejections(connection, changes.rejections)
    await _write_totals(connection, where, changes)
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
_LISTED_STATES: Final = """
SELECT party || '/' || id, data FROM {table}
WHERE (party, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""
_SELECT_STATES: Final = {
    "docking": "SELECT docking, data FROM dockings WHERE docking = ANY($1::text[])",
    "offer": _LISTED_STATES.format(table="offers"),
    "demand": _LISTED_STATES.format(table="demands"),
}
_UPSERT_LISTED: Final = """
INSERT INTO {table} AS s (party, id, status, scheme, code, latitude, longitude, at, data)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[],
                     $7::smallint[], $8::timestamptz[], $9::bytea[])
ON CONFLICT (party, id) DO UPDATE SET
    status = excluded.status, scheme = excluded.scheme, code = excluded.code, latitude = excluded.latitude,
    longitude = excluded.longitude, at = excluded.at, data = excluded.data
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
_UPSERT_TOTALS: Final = """
INSERT INTO totals AS t (topic, partition, unit, name, count, quantity)
SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::bigint[], $6::numeric[])
ON CONFLICT (topic, partition, unit, name)
DO UPDATE SET count = t.count + excluded.count, quantity = t.quantity + excluded.quantity
"""


def _arguments(kind: str, keys: list[str]) -> tuple[list[str], ...]:
    if kind == "docking":
        return (keys,)
    pairs = [key.split("/", 1) for key in keys]
    return [party for party, _ in pairs], [name for _, name in pairs]


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


async def _write_seen(connection: Connection, topic: str, seen: Mapping[str, str]) -> None:
    if not seen:
        return
    if topic in ORDERED:
        await connection.execute(
            "INSERT INTO sequences (topic, key, sequence)"
            " SELECT $1, * FROM unnest($2::text[], $3::text[])"
            " ON CONFLICT (topic, key) DO UPDATE SET sequence = excluded.sequence, seen_at = now()",
            topic,
            list(seen),
            list(seen.values()),
        )
    else:
        await connection.execute(
            "INSERT INTO seen_events (event_id) SELECT * FROM unnest($1::text[])", list(seen)
        )


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


async def _write_listed(connection: Connection, table: str, states: Mapping[StateKey, Shape | None]) -> None:
    kind = table.removesuffix("s")
    rows = [_listed_row(state) for (of, _), state in states.items() if of == kind and _is_position(state)]
    gone = [key for (of, key), state in states.items() if of == kind and state is None]
    if rows:
        await connection.execute(_UPSERT_LISTED.format(table=table), *_columns(rows))
    if gone:
        await connection.execute(_DELETE_LISTED.format(table=table), *_arguments(kind, gone))


def _is_position(state: Shape | None) -> bool:
    return isinstance(state, OfferPosition | DemandPosition)


def _listed_row(state: Any) -> tuple[Any, ...]:
    """The row of an offer or a demand; both have these fields."""
    name = state.offer if isinstance(state, OfferPosition) else state.demand
    of = state.item.class_
    coarse = coarse_position(state.position)
    place = (coarse["latitude"], coarse["longitude"])
    return (state.party, name, state.status, of.scheme, of.code.lower(), *place, state.at, encode(state))


async def _write_dockings(connection: Connection, changes: Changes) -> None:
    latest = [state for state in changes.states.values() if isinstance(state, Docking)]
    if not latest:
        return
    await connection.execute(_UPSERT_DOCKINGS, *_columns([_docking_row(docking) for docking in latest]))
    steps = [(step.docking, step.revision, encode(step)) for step in changes.steps]
    await connection.copy_records_to_table("steps", columns=("docking", "revision", "data"), records=steps)


def _docking_row(docking: Docking) -> tuple[Any, ...]:
    sides = (docking.supply.party, docking.supply.id, docking.demand.party, docking.demand.id)
    of = (docking.class_.scheme, docking.class_.code.lower())
    return (docking.docking, docking.status, *of, *sides, docking.proposed_at, docking.at, encode(docking))


async def _write_rounds(connection: Connection, changes: Changes) -> None:
    rows = [(decided.partition, decided.round, encode(decided)) for decided in changes.rounds.values()]
    if rows:
        await connection.execute(
            "INSERT INTO partitions AS p (partition, round, data)"
            " SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bytea[])"
            " ON CONFLICT (partition) DO UPDATE SET round = excluded.round, data = excluded.data"
            " WHERE p.round < excluded.round",
            *_columns(rows),
        )


async def _write_rejections(connection: Connection, rejections: Iterable[Received]) -> None:
    rows = [
        (each.id, next(iter(parties_of(each.data)), ""), each.type, encode(each.data)) for each in rejections
    ]
    if rows:
        await connection.execute(
            "INSERT INTO rejections (event_id, party, type, data)"
            " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[])",
            *_columns(rows),
        )


async def _write_totals(connection: Connection, where: TopicPartition, changes: Changes) -> None:
    rows = [(unit, name, count, quantity) for (unit, name), (count, quantity) in changes.totals.items()]
    if rows:
        await connection.execute(_UPSERT_TOTALS, *where, *_columns(rows))
