"""A batch of records of one partition becomes states and feed entries, in one fenced transaction.

Read, decide, write: what is decided is the domain's. Streams are woken after the commit; a wake-up that is
lost only costs them their poll interval.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from notifier import metrics, store
from notifier.domain.batch import (
    Changes,
    Sorted,
    TooManyUnusable,
    decide,
    sort_out,
    without_echoes,
    without_moved,
)
from notifier.domain.pseudonym import Naming
from notifier.domain.reading import Refused
from tenon import log, outbox
from tenon.clock import Clock
from tenon.contracts import topics
from tenon.contracts.cloudevents import CloudEvent, to_kafka
from tenon.contracts.codec import encode, encode_text, instant
from tenon.contracts.rejections import MAX_KEPT_BYTES, REJECTED_TYPE, EventRejected, Origin, source_key
from tenon.db import Connection, Database
from tenon.errors import Misconfigured
from tenon.failpoints import failpoint
from tenon.metrics import Metrics
from tenon.positions import Position, Positions
from tenon.records import OutRecord, Record, TopicPartition

SOURCE = "/tenon/notifier"
CONSUMED = (
    topics.DOCKINGS.name,
    topics.POSITIONS.name,
    topics.ALERTS.name,
    topics.REJECTED.name,
    topics.ROUNDS.name,
    topics.PARTIES.name,
)


@dataclass(slots=True)
class _Held:
    position: Position
    run: int


class FeedHandler:
    """Handles the partitions of all topics that the notifier reads."""

    def __init__(
        self,
        database: Database,
        positions: Positions,
        *,
        pseudonym_key: bytes,
        most_unusable: int,
        wake: Callable[[], None],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._positions = positions
        self._pseudonym_key = pseudonym_key
        self._most_unusable = most_unusable
        self._wake = wake
        self._clock = clock
        self._metrics = metrics
        self._held: dict[TopicPartition, _Held] = {}

    async def open(self, partition: TopicPartition) -> int:
        """Take the partition, unless it is still held as it is stored."""
        held = self._held.get(partition)
        if held is None or not await self._positions.held(partition, held.position):
            position = await self._positions.take(partition)
            await failpoint("notifier.during_load")
            async with self._database.acquire() as connection:
                held = _Held(position, await store.load_run(connection, partition))
            self._held[partition] = held
        return held.position.next_offset

    def wake_at_ms(self, partition: TopicPartition) -> int | None:
        """Return None: nothing happens without records."""
        return None

    async def close(self, partition: TopicPartition) -> None:
        """Forget the partition."""
        self._held.pop(partition, None)

    async def handle(self, partition: TopicPartition, records: Sequence[Record]) -> None:
        """Store what records say; returns when that is committed."""
        if not records:
            return
        held = self._held[partition]
        with log.work("batch", partition=str(partition), records=len(records)) as line:
            found = self._sort_out(partition, records, held.run)
            async with self._database.transaction() as tx:
                position = await self._positions.advance(tx, partition, held.position, records[-1].offset + 1)
                found, changes = await self._write(tx, partition, records, found)
                if found.run != held.run:
                    await store.write_run(tx, partition, found.run)
                await failpoint("notifier.before_commit")
            held.position, held.run = position, found.run
            await failpoint("notifier.after_commit")
            line.update(taken=changes.taken, entries=len(changes.entries), refused=len(found.refused))
        if changes.entries:
            self._wake()
        self._count(partition.topic, records, found, changes)

    def _sort_out(self, where: TopicPartition, records: Sequence[Record], run: int) -> Sorted:
        try:
            return sort_out(where.topic, records, run, self._most_unusable)
        except TooManyUnusable as error:
            raise Misconfigured(
                f"{where}: {error}. Nothing of this batch is stored. Deploy a notifier that reads these"
                " records, or raise TENON_MAX_UNUSABLE_IN_ROW to set them aside in tenon.rejected.v1"
            ) from error

    async def _write(
        self, tx: Connection, where: TopicPartition, records: Sequence[Record], found: Sorted
    ) -> tuple[Sorted, Changes]:
        before = await store.load_states(tx, found.items)
        found = without_moved(found, before)
        seen = await store.load_seen(tx, where.topic, found.items)
        items, newly_seen = without_echoes(where.topic, found.items, seen)
        naming = Naming(self._pseudonym_key, await store.load_names(tx, items))
        changes = decide(items, before, naming)
        changes.sequences = newly_seen
        await failpoint("notifier.after_step")
        if found.refused:
            await outbox.append(tx, [self._rejection(records[index], why) for index, why in found.refused])
        await store.write(tx, where, changes)
        return found, changes

    def _rejection(self, record: Record, why: Refused) -> OutRecord:
        """What goes to tenon.rejected: the same id however often the record is read."""
        now = instant(self._clock.now_ms())
        event = CloudEvent(
            id=str(uuid5(NAMESPACE_URL, f"{SOURCE}/{record.topic}/{record.partition}/{record.offset}")),
            source=SOURCE,
            type=REJECTED_TYPE,
            data=encode(rejected(record, why, now)),
            time=encode_text(now).strip('"'),
        )
        key = source_key(record.topic, record.partition).encode()
        return OutRecord(topics.REJECTED.name, key, event.data, to_kafka(event))

    def _count(self, topic: str, records: Sequence[Record], found: Sorted, changes: Changes) -> None:
        self._metrics.add(metrics.EVENTS, changes.taken, topic=topic)
        self._metrics.add(metrics.ECHOES, len(found.items) - changes.taken, topic=topic)
        self._metrics.add(metrics.ENTRIES, len(changes.entries))
        for _, why in found.refused:
            self._metrics.add(metrics.UNUSABLE, topic=topic, code=why.code)
        waited = max(0, self._clock.now_ms() - records[0].timestamp_ms) / 1000
        self._metrics.observe(metrics.WAIT_SECONDS, waited)


def rejected(record: Record, why: Refused, now: datetime) -> EventRejected:
    """Return the report on a record that can't be used, with a copy of it."""
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    value = record.value or b""
    origin = Origin(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=None if record.key is None else record.key.decode(errors="replace"),
        event_id=headers.get("ce_id"),
        event_type=headers.get("ce_type"),
        party=why.party or headers.get("ce_party"),
    )
    return EventRejected(
        service="notifier",
        code=why.code,
        detail=why.detail[:1000],
        origin=origin,
        at=now.astimezone(UTC),
        headers=headers,
        data_base64=base64.b64encode(value[:MAX_KEPT_BYTES]).decode(),
        truncated=len(value) > MAX_KEPT_BYTES,
    )
