"""What stands in the topics can't be used, or the topics themselves are not as they should be.

What is deterministic: what is written, by the seed, and that nobody stops for it, or says what to do. What is
not: between which records it stands. Strange records among dockings and rounds are what the audit is there to
find, each of them. A type of a newer Tenon in the log stops the matcher on purpose, and is not written here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from random import Random

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tenon import positions
from tenon.contracts import topics
from tenon.contracts.cloudevents import CloudEvent, event_id, to_kafka
from tenon.db import Database
from tenon.kafka import OutRecord, Producer, Start, end_offsets, ensure_topics, read
from tenon.kafka import _driver as driver
from tenon.records import TopicPartition
from tenon_audit.finding import record as place
from tenon_audit.finding import row
from tenon_audit.reading import EVENTS_PER_ROUND
from tests.chaos.judge import Under
from tests.chaos.lasting import lasting
from tests.chaos.line import Line
from tests.chaos.story import PARTITIONS
from tests.support.waiting import until

_TEN_MB = 10_000_000
_ROOMY = 12_000_000
_STRANGE_KEYS = (None, b"", b"\xff", b"poison")
_POISONED = (topics.MARKET, topics.POSITIONS, topics.ALERTS, topics.REJECTED, topics.PARTIES)
_EXPECTED_TYPE = {
    topics.MARKET.name: "tenon.offer.listed.v1",
    topics.POSITIONS.name: "tenon.offer.position.v1",
    topics.ALERTS.name: "tenon.alert.unmet.v1",
    topics.REJECTED.name: "tenon.event.rejected.v1",
    topics.PARTIES.name: "tenon.party.state.v1",
    topics.DOCKINGS.name: "tenon.docking.proposed.v1",
    topics.ROUNDS.name: "tenon.round.decided.v1",
}


def poison(topic: str, partition: int) -> list[OutRecord]:
    """Every kind of record that can't be used, for one partition; compacted topics take none without key."""
    keyless = None if not topics.BY_NAME[topic].compacted else b""

    def said(value: bytes, event_type: str = _EXPECTED_TYPE[topic]) -> OutRecord:
        event = CloudEvent("poison", "test", event_type, b"", extensions={"market": "own:x", "sequence": "1"})
        return OutRecord(topic, b"poison", value, to_kafka(event), partition)

    return [
        OutRecord(topic, keyless, None, (), partition),
        OutRecord(topic, keyless, b"{", (), partition),
        OutRecord(topic, b"\xff", b"\xff\xfe", [("ce_id", b"\xff")], partition),
        said(b'{"offer":'),
        said(b'{"offer":' + b"[" * 3_000),
        said(b"{}"),
        said(b"[1e999]"),
        said(b"{}", "com.example.offer.listed.v1"),
    ]


@pytest.mark.short
async def test_poison_of_every_kind_is_set_aside_and_stops_nobody(
    under: Under, line: Line, chance: Random
) -> None:
    async with under("poison in every topic that parties do not write", replay=True) as trial, lasting(line):
        await trial.flowing()
        for topic in chance.sample(_POISONED, len(_POISONED)):
            bad = poison(topic.name, chance.randrange(PARTITIONS))
            chance.shuffle(bad)
            await _write(line, bad)
            await trial.flowing(5)
        newer = CloudEvent("newer", "test", "tenon.offer.position.v9", b"{}", extensions={"sequence": "1"})
        await _write(line, [OutRecord(topics.POSITIONS.name, b"a/offer/b", b"{}", to_kafka(newer), 0)])
        await trial.flowing()


async def test_strange_records_among_results_stop_nobody_and_are_found(
    under: Under, line: Line, chance: Random
) -> None:
    async with under("poison among dockings and rounds", replay=True) as trial:
        await trial.flowing()
        async with lasting(line):
            for topic in (topics.DOCKINGS, topics.ROUNDS):
                partition = chance.randrange(PARTITIONS)
                start = (await end_offsets(line.kafka, topic.name))[partition]
                bad = poison(topic.name, partition)
                await _write(line, bad)
                strange = await _strange(line, topic.name, partition, start)
                assert len(strange) == len(bad)
                trial.planted |= strange
                await trial.flowing(5)
        await line.restart("matcher-1")  # Whoever takes a partition asks first which round was told last.
        await trial.flowing()


async def test_a_record_of_ten_megabytes_is_set_aside(under: Under, line: Line, chance: Random) -> None:
    log = topics.MARKET
    async with under("a record of 10 MB in the log") as trial, lasting(line):
        await trial.flowing()
        before = await _rejected(line)
        async with _configured(line, log, "max.message.bytes", _ROOMY, log.max_message_bytes):
            await _write_large(line, log.name, chance.randrange(PARTITIONS))

        async def said() -> bool:
            return await _rejected(line) > before

        await until(said, "somebody says that it can't be used", 90)
        await trial.flowing()


async def test_dead_letters_that_can_not_be_written_wait(under: Under, line: Line, chance: Random) -> None:
    letters = topics.REJECTED
    bad = poison(topics.MARKET.name, chance.randrange(PARTITIONS))
    async with under("tenon.rejected takes nothing") as trial, lasting(line):
        await trial.flowing()
        before = await _rejected(line)
        async with _configured(line, letters, "max.message.bytes", 100, letters.max_message_bytes):
            await _write(line, bad)
            await until(lambda: _waits(line), "a round waits to be told")

        async def told() -> bool:
            return await _rejected(line) >= before + len(bad)

        await until(told, "every dead letter is there")
        await trial.flowing()


async def test_a_topic_made_anew_stops_its_reader_with_the_command_to_run(under: Under, line: Line) -> None:
    notifiers = [line.replica(f"notifier-{number}") for number in (1, 2)]
    matchers = [line.replica(f"matcher-{number}") for number in (1, 2)]
    async with under("tenon.alerts is deleted and made anew") as trial:
        read_in = await until(lambda: _read_in(line), "the notifier has read alerts")
        await asyncio.gather(*(one.kill() for one in [*notifiers, *matchers]))
        trial.planted |= await _told_in(line, topics.ALERTS.name)
        await _make_anew(line)
        for one in matchers:
            line.start(one.process.name)
        line.start("notifier-1")
        assert await notifiers[0].process.wait_exit(90) == 1
        log = (line.stack.plan.data_dir / "log" / "notifier-1.log").read_text()
        assert f"python -m notifier positions set {topics.ALERTS.name}/" in log
        await _put(line, dict.fromkeys(read_in, 0))
        for one in notifiers:
            line.start(one.process.name)
        await trial.flowing()


async def test_a_position_beyond_its_topic_stops_its_reader_with_the_command_to_run(
    under: Under, line: Line
) -> None:
    notifiers = [line.replica(f"notifier-{number}") for number in (1, 2)]
    async with under("the notifier's position lies beyond the end of tenon.alerts") as trial:
        read_in = await until(lambda: _read_in(line), "the notifier has read alerts")
        await asyncio.gather(*(one.kill() for one in notifiers))
        (where, offset), *_ = read_in.items()
        await _put(line, {where: offset + _TEN_MB})
        line.start("notifier-1")
        assert await notifiers[0].process.wait_exit(90) == 1
        log = (line.stack.plan.data_dir / "log" / "notifier-1.log").read_text()
        assert f"python -m notifier positions set {where} " in log
        await _put(line, {where: offset})
        for one in notifiers:
            line.start(one.process.name)
        await trial.flowing()


async def _strange(line: Line, topic: str, partition: int, start: int) -> set[str]:
    """The places of what nobody of ours wrote, from an offset on."""
    return {
        place(topic, partition, record.offset)
        async for record in read(line.kafka, topic, partitions=[partition], start=Start("offset", start))
        if record.key in _STRANGE_KEYS
    }


async def _write(line: Line, records: list[OutRecord]) -> None:
    producer = Producer(line.kafka)
    await producer.start()
    try:
        receipts = await producer.send_and_wait(records, deadline_ms=30_000)
    finally:
        await producer.stop()
    assert {receipt.state for receipt in receipts} == {"written"}, receipts


async def _write_large(line: Line, topic: str, partition: int) -> None:
    """Past our own producer, which knows what a topic takes."""
    producer = driver.new_producer(line.kafka, batch_bytes=_ROOMY)
    await producer.start()
    try:
        batch = producer.create_batch()
        batch.append(timestamp=None, key=b"large", value=b"x" * _TEN_MB, headers=[])
        await (await producer.send_batch(batch, line.kafka.prefix + topic, partition=partition))
    finally:
        await driver.end_producer(producer, clean=True)


@asynccontextmanager
async def _configured(
    line: Line, topic: topics.Topic, name: str, value: int, usual: int
) -> AsyncIterator[None]:
    """Set a topic's configuration for the block."""

    async def put(to: int) -> None:
        admin = driver.new_admin(line.kafka)
        await admin.start()
        try:
            resource = ConfigResource(
                ConfigResourceType.TOPIC, line.kafka.prefix + topic.name, configs={name: str(to)}
            )
            await admin.alter_configs([resource])
        finally:
            await admin.close()

    await put(value)
    try:
        yield
    finally:
        await put(usual)


async def _rejected(line: Line) -> int:
    ids = {dict(record.headers).get("ce_id") async for record in read(line.kafka, topics.REJECTED.name)}
    return len(ids)


async def _waits(line: Line) -> bool:
    waiting = "SELECT count(*) FROM matcher.rounds WHERE published_at IS NULL AND parked_why IS NULL"
    return int(await line.stack.postgres.psql(waiting)) > 0


async def _read_in(line: Line) -> dict[TopicPartition, int]:
    """Where the notifier stands in each partition of tenon.alerts in which it has read anything."""
    async with _notifiers_own(line) as database:
        every = [each for each in await positions.stored(database) if each.next_offset]
    return {each.partition: each.next_offset for each in every if each.partition.topic == topics.ALERTS.name}


async def _told_in(line: Line, topic: str) -> set[str]:
    """The places of events that count as told and stand in a topic: what the audit misses without it."""
    marked = await line.stack.postgres.psql(
        "SELECT partition, round FROM matcher.rounds WHERE published_at IS NOT NULL"
    )
    told = {
        (int(partition), int(number)) for partition, number in (each.split("|") for each in marked.split())
    }
    places = set()
    async for record in read(line.kafka, topic):
        said = dict(record.headers)
        number, index = divmod(int(said.get("ce_sequence", b"0")), EVENTS_PER_ROUND)
        for partition in range(PARTITIONS):
            is_its = event_id(topic, partition, number, index).encode() == said.get("ce_id")
            if is_its and (partition, number) in told:
                places.add(f"{topic}, {row('matcher.rounds', partition, number)}")
    return places


async def _put(line: Line, offsets: Mapping[TopicPartition, int]) -> None:
    """Do what the command does."""
    async with _notifiers_own(line) as database:
        for where, offset in offsets.items():
            await positions.put(database, where, offset)


def _notifiers_own(line: Line) -> AbstractAsyncContextManager[Database]:
    return Database.connect(line.stack.postgres.url("notifier"), schema="notifier")


async def _make_anew(line: Line) -> None:
    admin = driver.new_admin(line.kafka)
    await admin.start()
    try:
        await admin.delete_topics([line.kafka.prefix + topics.ALERTS.name])
    finally:
        await admin.close()

    async def made() -> bool:
        return topics.ALERTS.name in await ensure_topics(line.kafka, [topics.ALERTS], partitions=PARTITIONS)

    await until(made, "the topic is gone and made anew")
