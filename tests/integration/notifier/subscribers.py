"""A subscriber by each way, all with one interface, so that one suite tries them all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiomqtt
import msgspec
from amqtt.broker import Broker

from tenon.contracts.cloudevents import from_kafka
from tenon.contracts.topics import party_topic
from tenon.kafka import KafkaSettings, read
from tenon_local import ports
from tests.integration.notifier.receiver import receiving

PINGED = "tenon.endpoint.pinged.v1"


@dataclass
class Subscriber:
    """What is asked for, and what came: CloudEvents without trials, in order of arrival."""

    asked: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    look: Callable[[], Any] | None = None

    async def got(self, number: int) -> list[dict[str, Any]]:
        """Wait for so many events, and return all."""
        async with asyncio.timeout(30):
            while len(self.events) < number:
                if self.look is not None:
                    self.events = await self.look()
                await asyncio.sleep(0.05)
        return self.events


@asynccontextmanager
async def by_webhook(kafka: KafkaSettings) -> AsyncIterator[Subscriber]:
    """A server that takes everything."""
    async with receiving() as receiver:
        yield Subscriber({"url": receiver.url}, events=receiver.got)


@asynccontextmanager
async def by_kafka(kafka: KafkaSettings) -> AsyncIterator[Subscriber]:
    """A reader of the party's topic."""

    async def look() -> list[dict[str, Any]]:
        found = []
        async for record in read(kafka, party_topic("mill").name):
            event = from_kafka(record.headers, record.value)
            if event.type != PINGED:
                data = msgspec.json.decode(event.data)
                found.append({**event.attributes(), "data": data})
        return found

    yield Subscriber({"way": "kafka"}, look=look)


@asynccontextmanager
async def by_mqtt(kafka: KafkaSettings) -> AsyncIterator[Subscriber]:
    """A client of an embedded broker."""
    async with broker() as port:
        subscriber = Subscriber({"way": "mqtt"}, {"mqtt_url": f"mqtt://127.0.0.1:{port}"})
        async with aiomqtt.Client("127.0.0.1", port) as client:
            await client.subscribe("tenon/mill/#", qos=1)
            following = asyncio.create_task(_follow(client, subscriber.events))
            yield subscriber
            following.cancel()


async def _follow(client: aiomqtt.Client, events: list[dict[str, Any]]) -> None:
    with suppress(aiomqtt.MqttError):
        async for message in client.messages:
            event = msgspec.json.decode(bytes(message.payload))
            if event["type"] != PINGED:
                events.append(event)


@asynccontextmanager
async def broker() -> AsyncIterator[int]:
    """Run a broker of MQTT on a free port."""
    port = ports.claim(0, "the broker", "")
    running = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await running.start()
    try:
        yield port
    finally:
        await running.shutdown()


WAYS: dict[str, Callable[[KafkaSettings], AbstractAsyncContextManager[Subscriber]]] = {
    "webhook": by_webhook,
    "kafka": by_kafka,
    "mqtt": by_mqtt,
}
