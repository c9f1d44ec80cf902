"""A connection to Kafka that is torn off, under the event loop that services run on.

Deterministic: the write happens between the reset and the news of it.
"""

import asyncio

import pytest
import uvloop
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from tenon.kafka import KafkaSettings
from tenon.kafka._driver import connection_options


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
