"""Batches of records of some partitions become states and feed entries, in one fenced transaction.

Read, decide, write: what is decided is the domain's. All partitions that have records share what a
transaction costs: its fence, its statements, the locks of the feeds' counters, its commit. Streams are woken
after the commit; a wake-up that is lost only costs them their poll interval.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from notifier import metrics, store
from notifier.domain.batch import (
    Changes,
    Sorted,
    TooManyUnusable,
    by_topic,
    decide,
    sort_out,
    without_echoes,
    without_moved,
)
from notifier.domain.plan import SOURCE
from notifier.domain.pseudonym import Naming
from notifier.domain.reading import Refused
from notifier.known import load
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


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of records: what they changed, which can't be used, how many news and echoes per topic."""

    changes: Changes
    refused: Sequence[tuple[Record, Refused]]
    taken: Mapping[str, int]
    echoes: Mapping[str, int]


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
        if records:
            await self.handle_jointly({partition: records})

    async def handle_jointly(self, batches: Mapping[TopicPartition, Sequence[Record]]) -> None:
        """Store what records of several partitions say, all or nothing; returns when that is committed."""
        held = {where: self._held[where] for where in batches}
        number = sum(len(records) for records in batches.values())
        with log.work("batch", partitions=len(batches), records=number) as line:
            read = {where: self._sort_out(where, batches[where], held[where].run) for where in batches}
            async with self._database.transaction() as tx:
                positions = await self._positions.advance_all(
                    tx, {where: (held[where].position, batches[where][-1].offset + 1) for where in batches}
                )
                outcome = await self._write(tx, read)
                for where, sorted_out in read.items():
                    if sorted_out.run != held[where].run:
                        await store.write_run(tx, where, sorted_out.run)
                await failpoint("notifier.before_commit")
            for where, sorted_out in read.items():
                held[where].position, held[where].run = positions[where], sorted_out.run
            await failpoint("notifier.after_commit")
            changes = outcome.changes
            line.update(taken=changes.taken, entries=len(changes.entries), refused=len(outcome.refused))
        if changes.entries:
            self._wake()
        self._count(batches, outcome)

    def _sort_out(self, where: TopicPartition, records: Sequence[Record], run: int) -> Sorted[Record]:
        try:
            return sort_out(where.topic, records, run, self._most_unusable)
        except TooManyUnusable as error:
            raise Misconfigured(
                f"{where}: {error}. Nothing of this batch is stored. Deploy a notifier that reads these"
                " records, or raise TENON_MAX_UNUSABLE_IN_ROW to set them aside in tenon.rejected.v1"
            ) from error

    async def _write(self, tx: Connection, read: Mapping[TopicPartition, Sorted[Record]]) -> _Outcome:
        found = by_topic(read)
        known = await load(tx, {topic: each.items for topic, each in found.items()})
        found = {topic: without_moved(each, known.states) for topic, each in found.items()}
        news, seen = {}, {}
        for topic, each in found.items():
            news[topic], seen[topic] = without_echoes(topic, each.items, known.seen[topic])
            known.seen[topic].update(seen[topic])
        items = [item for fresh in news.values() for item in fresh]
        changes = decide(items, known.states, Naming(self._pseudonym_key, known.names))
        changes.seen = seen
        await failpoint("notifier.after_step")
        refused = [pair for each in found.values() for pair in each.refused]
        if refused:
            await outbox.append(tx, [self._rejection(record, why) for record, why in refused])
        await store.write(tx, min(read), changes)
        echoes = {topic: len(each.items) - len(news[topic]) for topic, each in found.items()}
        return _Outcome(changes, refused, {topic: len(fresh) for topic, fresh in news.items()}, echoes)

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

    def _count(self, batches: Mapping[TopicPartition, Sequence[Record]], outcome: _Outcome) -> None:
        for topic, taken in outcome.taken.items():
            self._metrics.add(metrics.EVENTS, taken, topic=topic)
            self._metrics.add(metrics.ECHOES, outcome.echoes[topic], topic=topic)
        self._metrics.add(metrics.ENTRIES, len(outcome.changes.entries))
        for record, why in outcome.refused:
            self._metrics.add(metrics.UNUSABLE, topic=record.topic, code=why.code)
        now_ms = self._clock.now_ms()
        for records in batches.values():
            self._metrics.observe(metrics.WAIT_SECONDS, max(0, now_ms - records[0].timestamp_ms) / 1000)


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
