"""All ways together, made of what the service was told: the only place that builds them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from notifier.settings import NotifierSettings
from notifier.ways import Ways
from notifier.ways.kafka import PartyRights, PartyTopics
from notifier.ways.mqtt import Mqtt
from notifier.ways.webhook import Webhooks
from tenon import guard
from tenon.clock import Clock
from tenon.contracts import endpoints
from tenon.kafka import KafkaSecurity, KafkaSettings

_LOOK_UPS: Final = 16
"""Threads for whoever subscribes, so that names that hang there hold up no call."""
Handshake = Callable[[str], Awaitable[tuple[str | None, float | None]]]
LookUp = Callable[[str], Awaitable[None]]


async def _nothing(_: str) -> None:
    """Find nothing wrong."""


async def _allowed(_: str) -> tuple[str | None, float | None]:
    return None, None


@dataclass(frozen=True, slots=True)
class Outside:
    """What subscriptions need of the outside; as it stands: nothing is connected.

    `look_up` raises `BadUrl` for an address that has no host, or one that is not public.
    """

    ways: Ways = field(default_factory=dict)
    handshake: Handshake = _allowed
    look_up: LookUp = _nothing
    rights: PartyRights | None = None


@asynccontextmanager
async def outside(settings: NotifierSettings, clock: Clock) -> AsyncIterator[Outside]:
    """Lend the ways that the settings allow; webhooks and Kafka always, MQTT where a broker is named."""
    resolver = guard.Resolver(
        threads=2 * settings.webhook_concurrency, allow_private=settings.webhook_allow_private
    )
    kafka = KafkaSettings.of(settings)
    topics = PartyTopics(kafka, clock)
    mqtt = _mqtt(settings, clock)
    async with guard.session(
        resolver,
        allow_private=settings.webhook_allow_private,
        timeout_ms=settings.webhook_timeout_ms,
        connections=settings.webhook_concurrency,
        ca_file=settings.webhook_ca_file,
    ) as session:
        webhooks = Webhooks(session, response_bytes=settings.webhook_response_bytes, clock=clock)
        ways: dict[endpoints.Way, Webhooks | PartyTopics | Mqtt] = {"webhook": webhooks, "kafka": topics}
        if mqtt is not None:
            ways["mqtt"] = mqtt

        async def handshake(url: str) -> tuple[str | None, float | None]:
            return await webhooks.handshake(url, settings.webhook_origin)

        asking = guard.Resolver(threads=_LOOK_UPS, allow_private=settings.webhook_allow_private)

        async def look_up(url: str) -> None:
            await guard.check_host(asking, url)

        rights = PartyRights(
            _admin(kafka, settings), settings.kafka_username, settings.party_topic_replication
        )
        try:
            yield Outside(ways, handshake, look_up, rights)
        finally:
            await asking.close()
            await topics.stop()
            if mqtt is not None:
                await mqtt.stop()


def _mqtt(settings: NotifierSettings, clock: Clock) -> Mqtt | None:
    if settings.mqtt_url is None:
        return None
    return Mqtt(
        settings.mqtt_url.get_secret_value(),
        prefix=settings.mqtt_prefix,
        ca_file=settings.mqtt_ca_file,
        timeout_ms=settings.webhook_timeout_ms,
        clock=clock,
    )


def _admin(kafka: KafkaSettings, settings: NotifierSettings) -> KafkaSettings:
    """Return how the administrator of the parties' topics signs in."""
    if settings.kafka_admin_username is None:
        return kafka
    password = settings.kafka_admin_password
    security: KafkaSecurity = replace(
        kafka.security,
        username=settings.kafka_admin_username,
        password=None if password is None else password.get_secret_value(),
    )
    return replace(kafka, security=security)


UNCONNECTED: Final = Outside()
