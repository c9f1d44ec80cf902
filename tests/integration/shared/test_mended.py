"""Clients of Kafka find their way back: from a connection that is torn off, from brokers that are gone.

Deterministic: the write happens between the reset and the news of it, under the event loop of services; what
the client knows of the cluster is what a cluster of which one broker was left has told it.
"""

import asyncio

import pytest
import uvloop
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.structs import BrokerMetadata

from tenon.kafka import KafkaSettings
from tenon.kafka._driver import connection_options, end_consumer, new_consumer


def test_a_write_into_a_connection_that_was_just_torn_fails_as_the_connection_does(
    kafka: KafkaSettings,
) -> None:
    with (
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        pytest.raises(KafkaConnectionError),
    ):
        runner.run(_write_into_what_was_torn(kafka))


async def _write_into_what_was_torn(kafka: KafkaSettings) -> None:
    host, _, port = kafka.bootstrap.partition(":")
    connection = await create_conn(host, int(port), **connection_options(kafka))
    loop, written = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    def write() -> None:
        try:
            connection.send(MetadataRequest([])).close()
        except Exception as error:
            written.set_exception(error)
        else:
            written.set_result(None)

    connection._writer.transport.abort()
    loop.call_soon(write)
    await written


async def test_a_client_of_which_the_last_known_broker_is_gone_begins_anew(kafka: KafkaSettings) -> None:
    consumer = new_consumer(kafka)
    await consumer.start()
    try:
        client = consumer._client
        (present,) = client.cluster.brokers()
        client.cluster._brokers = {9: BrokerMetadata(9, "127.0.0.1", 1, None)}
        assert await client.force_metadata_update()
        assert client.cluster.brokers() == {present}
    finally:
        await end_consumer(consumer)
