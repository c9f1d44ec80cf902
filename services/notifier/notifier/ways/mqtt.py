"""MQTT, for the shop floor: one broker of the operator's, on which each party has topics of its own.

One connection for all subscriptions, made when it is first needed and anew after it broke. An event counts as
taken when the broker has confirmed it (QoS 1).
"""

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from pathlib import Path

import aiomqtt
from yarl import URL

from notifier.domain.classify import Attempt
from notifier.domain.ways import Message, mqtt_publication
from notifier.ways import TAKEN, Report, Target
from tenon.clock import Clock
from tenon.tls import client_context

_PORTS = {"mqtt": 1883, "mqtts": 8883}


class Mqtt:
    """Publishes on the broker."""

    together = False

    def __init__(self, url: str, *, prefix: str, ca_file: Path | None, timeout_ms: int, clock: Clock) -> None:
        self._url = URL(url)
        self._tls: ssl.SSLContext | None = None
        if self._url.scheme == "mqtts":
            self._tls = client_context(ca_file, None, None)
        self._prefix = prefix
        self._timeout_s = timeout_ms / 1000
        self._clock = clock
        self._client: aiomqtt.Client | None = None
        self._connecting = asyncio.Lock()

    async def send(self, target: Target, messages: Sequence[Message]) -> AsyncGenerator[Report, None]:
        """Publish one event after the other."""
        for message in messages:
            at_ms, started = self._clock.now_ms(), time.perf_counter()
            attempt = await self._attempt(target, message)
            yield Report(attempt, at_ms, round((time.perf_counter() - started) * 1000))

    async def stop(self) -> None:
        """Say good-bye to the broker."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(aiomqtt.MqttError):
                await client.__aexit__(None, None, None)

    async def _attempt(self, target: Target, message: Message) -> Attempt:
        topic, payload, retain = mqtt_publication(self._prefix, target.audience, message)
        try:
            client = await self._connected()
            await client.publish(topic, payload, qos=1, retain=retain, timeout=self._timeout_s)
        except (aiomqtt.MqttError, OSError, ValueError) as error:
            await self.stop()
            return Attempt(None, f"the broker did not take it: {error}")
        return Attempt(TAKEN)

    async def _connected(self) -> aiomqtt.Client:
        async with self._connecting:
            if self._client is None:
                made = aiomqtt.Client(
                    self._url.host or "",
                    self._url.port or _PORTS[self._url.scheme],
                    username=self._url.user,
                    password=self._url.password,
                    tls_context=self._tls,
                    timeout=self._timeout_s,
                )
                await made.__aenter__()
                self._client = made
            return self._client
