"""Ingest's part of `tenon restore`: what the registry accepted after its backup, taken back from Kafka.

Parties and the hashes of their keys are on tenon.parties, policies and the sites that markets were told of
in the log. What is nowhere on Kafka is lost, see docs/restore.md. What the outbox still holds as not told is
told again under its old ids; behind it every party that came back is told once more as it is, so that the
compacted topic ends with the newest.
"""

from collections.abc import Collection, Iterable
from contextlib import aclosing
from datetime import datetime

from ingest import store
from ingest.domain.registry import Changes
from ingest.domain.restoring import Known, missing
from tenon.contracts.topics import MARKET, PARTIES
from tenon.db import Connection, Database
from tenon.kafka import KafkaSettings, Start, read, read_layout
from tenon.restoring import Job, alone

_CLOCKS_APART_MS = 3_600_000
_LABEL = "restored from its hash"
_CHANGED = """
SELECT max(at) FROM (
    SELECT max(changed_at) AS at FROM parties UNION ALL SELECT max(changed_at) FROM sites
    UNION ALL SELECT max(changed_at) FROM policies
) AS changes
"""
_TELL_AGAIN = (
    "UPDATE catenax_listed SET digest = '' WHERE open",
    "UPDATE mtconnect_machines SET windows = '[]'",
)
"""Others may have been told since the backup: with what is heard next each is told as it is."""
_ADD_KEYS = """
INSERT INTO api_keys (key, party, sha256, label)
SELECT *, $4 FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT (key) DO NOTHING
"""
_END_KEYS = """
UPDATE api_keys SET revoked_at = now()
WHERE party = ANY($1::text[]) AND revoked_at IS NULL AND NOT key = ANY($2::text[])
"""


async def restore(job: Job) -> int:
    """Take back what is on Kafka and return how much that was, or with `job.check` would be."""
    await read_layout(job.kafka)
    async with Database.connect(job.database_url, schema="ingest") as database:
        if not job.check:
            await alone(database)
        known = await _known(job.kafka, await database.fetchval(_CHANGED))
        async with database.transaction() as connection:
            present = await store.load(connection, list(known.statements()))
            changes = missing(known, present)
            told = {
                (party, site, market)
                for party, site, market in known.told
                if market not in present.markets.get((party, site), ())
                and ((party, site) in present.sites or (party, site) in changes.sites)
            }
            if not job.check:
                await _save(connection, changes, told)
    found = len(changes.parties) + len(changes.sites) + len(changes.policies) + len(told)
    job.tell(
        f"{len(changes.parties)} parties with their keys, {len(changes.sites)} sites,"
        f" {len(changes.policies)} policies, {len(told)} markets that know a site"
    )
    return found


async def _known(kafka: KafkaSettings, changed_at: datetime | None) -> Known:
    """Read all parties, and of the log what was written since the registry's last change."""
    known = Known()
    async with aclosing(read(kafka, PARTIES.name)) as parties:
        async for record in parties:
            known.note_party(record)
    start = Start() if changed_at is None else Start("time", _since_ms(changed_at))
    async with aclosing(read(kafka, MARKET.name, start=start)) as log:
        async for record in log:
            known.note_entry(record)
    return known


def _since_ms(changed_at: datetime) -> int:
    """Return a time before anything that followed was written, though clocks differ."""
    return max(0, int(changed_at.timestamp() * 1000) - _CLOCKS_APART_MS)


async def _save(connection: Connection, changes: Changes, told: Iterable[tuple[str, str, str]]) -> None:
    await store.save(connection, changes)
    await store.note_markets(connection, told)
    await _save_keys(connection, changes)
    for statement in _TELL_AGAIN:
        await connection.execute(statement)


async def _save_keys(connection: Connection, changes: Changes) -> None:
    """Put the keys in force as they were told; a label that was lost says that it was."""
    rows = [(key.key, name, key.sha256) for name, entry in changes.parties.items() for key in entry.keys]
    parties: Collection[str] = list(changes.parties)
    await connection.execute(_END_KEYS, parties, [key for key, _, _ in rows])
    await connection.execute(
        _ADD_KEYS, [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows], _LABEL
    )
