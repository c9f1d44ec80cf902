"""The notifier's part of `tenon restore`: numbers of feeds that were given once mean nothing else later.

A restored notifier reads again what it has forgotten, and writes the same events into the same feeds; in
which order those of several partitions get their numbers is not the same again. A client that goes on behind
a number of before could miss what is now below it. So each feed is moved, with the cursors of its endpoints,
to numbers above all that can have been given. A client that comes back with an old one is told so (410),
begins anew with what is kept, and knows by the ids what it has. Endpoints get again what their cursor of the
backup has not passed.
"""

from notifier.domain.audiences import ADMINISTRATOR, WALL
from notifier.handler import CONSUMED
from tenon import positions
from tenon.contracts.topics import PARTIES
from tenon.db import Connection, Database
from tenon.kafka import KafkaSettings, end_offsets, read_compacted, read_layout
from tenon.positions import Positions
from tenon.records import TopicPartition
from tenon.restoring import Job, alone

SCHEMA = "notifier"
# An event may be for the same party on both sides.
_ENTRIES_PER_RECORD = 2
_LOCK = "SELECT count(*) FROM (SELECT FROM feed_counters ORDER BY audience FOR UPDATE) AS held"
_MOVE = (
    "UPDATE feed AS f SET number = f.number + c.last + $1 FROM feed_counters AS c"
    " WHERE c.audience = f.audience",
    "UPDATE parked AS p SET number = p.number + c.last + $1 FROM endpoints AS e, feed_counters AS c"
    " WHERE e.id = p.endpoint AND c.audience = e.audience",
    "UPDATE attempts AS a SET number = a.number + c.last + $1 FROM endpoints AS e, feed_counters AS c"
    " WHERE e.id = a.endpoint AND c.audience = e.audience",
    "UPDATE replays AS r SET next = r.next + c.last + $1, until = r.until + c.last + $1"
    " FROM endpoints AS e, feed_counters AS c WHERE e.id = r.endpoint AND c.audience = e.audience",
    "UPDATE endpoints AS e SET cursor = e.cursor + c.last + $1 FROM feed_counters AS c"
    " WHERE c.audience = e.audience",
    "UPDATE feed_counters SET last = 2 * last + $1",
)
_BEGIN = "INSERT INTO feed_counters SELECT unnest($1::text[]), $2 ON CONFLICT DO NOTHING"


async def restore(job: Job) -> int:
    """Move the feeds where there is anything to read again; return how many records that is."""
    layout = await read_layout(job.kafka)
    async with Database.connect(job.database_url, schema=SCHEMA) as database:
        if not job.check:
            await alone(database)
        ends = await _ends(job.kafka)
        unread = await _unread(database, ends)
        if not unread:
            job.tell("every record was handled; feeds keep their numbers")
            return 0
        job.tell(f"up to {unread} records are read again; each feed begins at numbers not given before")
        if not job.check:
            owner = Positions(database, owner="tenon restore", log_id=layout.log_id)
            for where in ends:
                await owner.take(where)
            parties = [key.decode() for key in await read_compacted(job.kafka, PARTIES.name)]
            async with database.transaction() as connection:
                await _move(connection, unread * _ENTRIES_PER_RECORD + 1, parties)
    return unread


async def _ends(kafka: KafkaSettings) -> dict[TopicPartition, int]:
    return {
        TopicPartition(topic, partition): end
        for topic in CONSUMED
        for partition, end in (await end_offsets(kafka, topic)).items()
    }


async def _unread(database: Database, ends: dict[TopicPartition, int]) -> int:
    """Return how many records may have been handled that the database knows nothing of."""
    stored = {each.partition: each.next_offset for each in await positions.stored(database)}
    return sum(max(0, end - stored.get(where, 0)) for where, end in ends.items())


async def _move(connection: Connection, beyond: int, parties: list[str]) -> None:
    """Move each feed beyond its last number, and `beyond` further; one that is not there yet begins there."""
    await connection.fetchval(_LOCK)
    for statement in _MOVE:
        await connection.execute(statement, beyond)
    await connection.execute(_BEGIN, [WALL, ADMINISTRATOR, *parties], beyond)
