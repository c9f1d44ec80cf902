"""Each principal may do on Kafka what the table says and nothing else: every topic and operation is tried."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from notifier.ways.kafka import PartyRights
from tenon.contracts.rights import PRINCIPALS, Right, rights
from tenon.contracts.topics import LAYOUT, MARKET, ROUNDS, TOPICS, party_topic
from tenon.errors import Misconfigured, Transient
from tenon.kafka import (
    KafkaSecurity,
    KafkaSettings,
    OutRecord,
    Producer,
    ensure_rights,
    ensure_topics,
    ensure_users,
    read,
)
from tenon.kafka.consumer import Consumer
from tenon.records import TopicPartition
from tenon_local.kafka import EmbeddedKafka
from tests.support.stack import fresh_prefix, running_kafka
from tests.support.streams import Keeper, new_loop, producing
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(180)
GROUPS = sorted({right.name for right in rights() if right.kind == "group"})


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedKafka]:
    """A broker that asks everybody to sign in."""
    with running_kafka(secure=True) as running:
        yield running


@pytest.fixture(scope="module")
def admin(server: EmbeddedKafka) -> KafkaSettings:
    """Its administrator, who has made the topics, written to each, and given the rights."""

    async def prepare() -> None:
        await ensure_topics(kafka, TOPICS, partitions=1)
        async with producing(kafka) as producer:
            for topic in TOPICS:
                await written(producer, topic.name)
        await ensure_rights(kafka)

    kafka = replace(server.settings_for(), prefix=fresh_prefix(), request_timeout_ms=5_000)
    asyncio.run(prepare())
    return kafka


def known_as(server: EmbeddedKafka, admin: KafkaSettings, principal: str) -> KafkaSettings:
    return replace(admin, security=server.settings_for(principal).security)


async def written(producer: Producer, topic: str) -> None:
    record = OutRecord(topic, b"k", b"1", partition=0)
    (receipt,) = await producer.send_and_wait([record], deadline_ms=10_000)
    if receipt.error is not None:
        raise receipt.error
    assert receipt.state == "written"


async def may_write(kafka: KafkaSettings, topic: str) -> bool:
    try:
        async with producing(kafka) as producer:
            await written(producer, topic)
    except Misconfigured:
        return False
    return True


async def may_read(kafka: KafkaSettings, topic: str) -> bool:
    try:
        found = [record async for record in read(kafka, topic)]
    except Misconfigured:
        return False
    assert found
    return True


async def may_join(kafka: KafkaSettings, group: str) -> bool:
    """Whether a member of this group gets the partition of a topic that everybody may read."""
    assigned = asyncio.Event()
    member = Consumer(
        kafka, [LAYOUT.name], group, on_assigned=lambda _: assigned.set(), on_revoked=lambda: None
    )
    try:
        await member.start()
        while not assigned.is_set():
            await member.wait([TopicPartition(LAYOUT.name, 0)], timeout_ms=100, max_records=1)
    except Misconfigured:
        return False
    except Transient:
        return True  # it was let in, and has no position yet
    finally:
        await member.stop()
    return True


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_a_principal_may_do_what_the_table_says_and_nothing_else(
    server: EmbeddedKafka, admin: KafkaSettings, principal: str
) -> None:
    kafka = known_as(server, admin, principal)
    allowed = set()
    for topic in TOPICS:
        if await may_write(kafka, topic.name):
            allowed.add(Right(principal, "topic", topic.name, "write"))
        if await may_read(kafka, topic.name):
            allowed.add(Right(principal, "topic", topic.name, "read"))
    for group in GROUPS:
        if await may_join(kafka, group):
            allowed.add(Right(principal, "group", group, "read"))
    assert allowed == {right for right in rights() if right.principal == principal}


def test_the_table_gives_nobody_more_than_its_work_needs() -> None:
    writers = {right.name: right.principal for right in rights() if right.operation == "write"}
    assert writers[MARKET.name] == "ingest"
    assert LAYOUT.name not in writers, "the market table is an administrator's"
    assert not [right for right in rights() if right.principal == "auditor" and right.operation == "write"]
    assert {right.principal for right in rights() if right.kind == "group"} == {"matcher", "notifier"}


async def test_a_topic_under_another_prefix_is_somebody_elses(
    server: EmbeddedKafka, admin: KafkaSettings
) -> None:
    other = replace(admin, prefix=fresh_prefix())
    await ensure_topics(other, [MARKET], partitions=1)
    kafka = replace(known_as(server, admin, "ingest"), prefix=other.prefix)
    assert not await may_write(kafka, MARKET.name)


async def test_a_service_makes_no_topic_and_gives_no_right(
    server: EmbeddedKafka, admin: KafkaSettings
) -> None:
    kafka = replace(known_as(server, admin, "ingest"), prefix=fresh_prefix())
    with pytest.raises(Misconfigured, match="TopicAuthorizationFailed"):
        await ensure_topics(kafka, [MARKET], partitions=1)
    with pytest.raises(Misconfigured, match="does not let TENON_KAFKA_USERNAME give rights"):
        await ensure_rights(known_as(server, admin, "ingest"))


async def test_a_partys_topic_is_written_by_the_notifier_and_read_by_its_integrator_alone(
    server: EmbeddedKafka, admin: KafkaSettings
) -> None:
    """The auditor stands for an integrator: it has no right to this topic but what is given here."""
    topic, reader, other = party_topic("mill:1").name, known_as(server, admin, "auditor"), "matcher"
    rights_of = PartyRights(admin, "notifier", 1)
    await rights_of.open("mill:1", "auditor")
    assert await may_write(known_as(server, admin, "notifier"), topic)
    assert await may_read(reader, topic)
    assert await may_join(reader, topic)
    assert not await may_write(reader, topic)
    assert not await may_read(known_as(server, admin, other), topic)
    await rights_of.close("mill:1", "auditor")

    async def may_no_longer() -> bool:
        return not await may_read(reader, topic)

    await until(may_no_longer, "the right is gone")
    refused = PartyRights(known_as(server, admin, "notifier"), "notifier", 1)
    with pytest.raises(Misconfigured):
        await refused.open("clinic", "auditor")


async def test_a_wrong_password_is_told_with_what_to_do(admin: KafkaSettings) -> None:
    for security in (
        replace(admin.security, password="wrong"),
        replace(admin.security, username="nobody"),
    ):
        with pytest.raises(Misconfigured, match=r"does not let \w+ in: .* TENON_KAFKA_PASSWORD$") as told:
            await Producer(replace(admin, security=security)).start()
        assert str(admin.security.password) not in str(told.value)


async def test_who_does_not_sign_in_is_told_to(admin: KafkaSettings) -> None:
    with pytest.raises(Transient, match=r"ends the connection: .* set TENON_KAFKA_SECURITY"):
        await Producer(replace(admin, security=KafkaSecurity())).start()


async def test_a_mechanism_that_the_listener_does_not_take_is_told(admin: KafkaSettings) -> None:
    security = replace(admin.security, mechanism="SCRAM-SHA-256")
    with pytest.raises(Misconfigured, match="TENON_KAFKA_MECHANISM"):
        await Producer(replace(admin, security=security)).start()


async def test_a_producer_that_is_refused_gives_up_and_says_so(
    server: EmbeddedKafka, admin: KafkaSettings
) -> None:
    async with producing(known_as(server, admin, "matcher")) as producer:
        watching = asyncio.create_task(producer.watch(asyncio.Event()))
        await written(producer, ROUNDS.name)
        assert producer.problem() is None
        with pytest.raises(Misconfigured, match=r"access rules refuse .*tenon\.market\.v1"):
            await written(producer, MARKET.name)
        with pytest.raises(Misconfigured, match="access rules refuse"):
            await asyncio.wait_for(watching, 5)
        assert "access rules refuse" in str(producer.problem())
        with pytest.raises(Misconfigured):
            await producer.send([OutRecord(ROUNDS.name, b"k", b"1", partition=0)])


async def test_a_producer_whose_password_changed_gives_up_when_it_has_to_sign_in_again(
    server: EmbeddedKafka, admin: KafkaSettings
) -> None:
    assert server.access is not None
    ports = ",".join(f"127.0.0.1:{node.controller_port}" for node in server.nodes)
    controllers = server.access.controllers(ports)
    kafka = known_as(server, admin, "ingest")
    async with producing(kafka) as producer:
        await written(producer, MARKET.name)
        await ensure_users(controllers, {"ingest": "rotated"})
        try:
            async with asyncio.timeout(10):
                while not await is_refused(kafka):
                    pass
            driver = producer._driver
            driver._sender.sender_task.cancel()  # type: ignore[union-attr]
            with pytest.raises(Misconfigured, match="TENON_KAFKA_PASSWORD"):
                await asyncio.wait_for(producer.watch(asyncio.Event()), 10)
        finally:
            await ensure_users(controllers, server.access.passwords)


async def is_refused(kafka: KafkaSettings) -> bool:
    try:
        async with producing(kafka):
            return False
    except Misconfigured:
        return True


async def test_a_loop_that_may_not_read_its_topic_or_join_its_group_ends(
    server: EmbeddedKafka, admin: KafkaSettings
) -> None:
    for principal, topic in (("ingest", MARKET.name), ("auditor", MARKET.name)):
        loop = new_loop(known_as(server, admin, principal), topic, Keeper())
        with pytest.raises(Misconfigured, match="access rules refuse"):
            await asyncio.wait_for(loop.run(asyncio.Event()), 20)
