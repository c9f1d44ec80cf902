"""`bind`: builds everything that the notifier is made of. The only place that connects."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from notifier import vault
from notifier.bell import Bell
from notifier.delivery import backlog as deliveries
from notifier.delivery.dispatch import Dispatch
from notifier.delivery.endpoints import Endpoints
from notifier.delivery.queue import Desk
from notifier.delivery.rows import Policy
from notifier.delivery.subscribers import Subscribers
from notifier.feed import Feed
from notifier.handler import CONSUMED, FeedHandler
from notifier.http.app import application
from notifier.live import Hub
from notifier.retention import Retention, keeper_of
from notifier.settings import NotifierSettings
from notifier.vault import Vault
from notifier.ways.outside import Outside, outside
from tenon import backlog, outbox
from tenon.app import Loop, Service
from tenon.clock import WallClock
from tenon.contracts.rights import NOTIFIER_GROUP
from tenon.db import Database
from tenon.kafka import KafkaSettings, Layout, Producer, read_layout
from tenon.lease import Leases
from tenon.metrics import Metrics
from tenon.outbox import Entry, OutboxSource, kafka_effect
from tenon.positions import Positions
from tenon.relay import Relay, RelaySettings
from tenon.retry import retrying
from tenon.stream import ConsumerLoop, StreamSettings

_KEY_BYTES: Final = 32


@asynccontextmanager
async def bind(settings: NotifierSettings) -> AsyncIterator[Service]:
    """Build the service; raises `Misconfigured` when the log or the schema is not the one it should be."""
    kafka = KafkaSettings.of(settings)
    patience_ms = settings.retry_deadline_ms
    layout = await retrying("read the layout", partial(read_layout, kafka), deadline_ms=patience_ms)
    producer = Producer(kafka)
    await retrying("connect to Kafka", producer.start, deadline_ms=patience_ms)
    measured = Metrics()
    try:
        async with (
            Database.connect(
                settings.database_url, schema="notifier", pool_size=settings.database_pool_size
            ) as database,
            outside(settings, WallClock()) as connected,
        ):
            secret = Secret(await pseudonym_key(database), await vault.opened(database, settings.vault_keys))
            yield _Parts(settings, layout, database, producer, connected, secret, measured).service()
    finally:
        await producer.stop(deadline_ms=settings.stop_deadline_ms // 2)


async def pseudonym_key(database: Database) -> bytes:
    """Return the key of pseudonyms; the first process of all makes it."""
    await database.execute(
        "INSERT INTO secrets (name, value) VALUES ('pseudonyms', $1) ON CONFLICT (name) DO NOTHING",
        secrets.token_bytes(_KEY_BYTES),
    )
    return bytes(await database.fetchval("SELECT value FROM secrets WHERE name = 'pseudonyms'"))


@dataclass(frozen=True, slots=True)
class Secret:
    """The key of pseudonyms, and what seals the secrets of subscribers."""

    pseudonyms: bytes
    vault: Vault


class _Parts:
    """The loops of the service, made of what is connected."""

    def __init__(
        self,
        settings: NotifierSettings,
        layout: Layout,
        database: Database,
        producer: Producer,
        connected: Outside,
        secret: Secret,
        measured: Metrics,
    ) -> None:
        leases = Leases(database, owner=settings.instance)
        self._database = database
        self._producer = producer
        self._measured = measured
        self._bell = Bell(database)
        self._hub = Hub.of(settings, Feed(database), self._bell, measured)
        subscribers = Subscribers(
            Endpoints(database, most=settings.subscriptions_per_party),
            connected,
            secret.vault,
            WallClock(),
            overlap_h=settings.webhook_secret_overlap_h,
        )
        self._http = application(settings, database, self._hub, self._bell, secret.pseudonyms, subscribers)
        self._outbox = OutboxSource(database, leases)
        self._relay: Relay[Entry] = Relay(
            "outbox",
            self._outbox,
            kafka_effect(producer),
            metrics=measured,
            settings=RelaySettings("notifier", retry_deadline_ms=settings.retry_deadline_ms),
        )
        self._consumer = _consumer(settings, layout, database, secret.pseudonyms, self._bell, measured)
        endpoint_leases = Leases(database, owner=settings.instance, ttl_ms=settings.webhook_lease_ms)
        desk = Desk(
            database,
            connected.ways,
            Policy(settings.retry_schedule_ms, round(settings.webhook_circuit_h * 3_600_000)),
            open_secret=secret.vault.open,
            wake=self._bell.ring,
            clock=WallClock(),
            metrics=measured,
        )
        self._dispatch = Dispatch(desk, endpoint_leases, self._bell, settings)
        self._retention = Retention.of(settings, database, leases, measured)
        self._keeper = keeper_of(settings, database, leases, measured)

    def service(self) -> Service:
        """Return what the process runs."""
        loops: dict[str, Loop] = {
            "consumer": self._consumer.run,
            "outbox": self._relay_outbox,
            "producer": self._producer.watch,
            "bell": self._bell.run,
            "streams": self._hub.run,
            "webhooks": self._dispatch.run,
            "backlog": partial(backlog.watch, self._counts(), self._measured),
            "retention": self._retention.run,
            "periods": self._keeper.run,
        }
        return Service("notifier", self._http, loops, self._ready, self._measured)

    def _counts(self) -> Mapping[str, backlog.Count]:
        return {
            "outbox": partial(outbox.backlog, self._database),
            "webhooks": partial(deliveries.backlog, self._database, self._measured),
        }

    async def _relay_outbox(self, stop: asyncio.Event) -> None:
        await self._relay.run(stop)
        await self._outbox.release()

    async def _ready(self) -> Mapping[str, str | None]:
        return {
            "kafka": self._consumer.problem() or self._producer.problem(),
            "database": await self._database.problem(),
            "outbox": self._relay.problem(),
        }


def _consumer(
    settings: NotifierSettings, layout: Layout, database: Database, key: bytes, bell: Bell, measured: Metrics
) -> ConsumerLoop:
    handler = FeedHandler(
        database,
        Positions(database, owner=settings.instance, log_id=layout.log_id),
        pseudonym_key=key,
        most_unusable=settings.max_unusable_in_row,
        wake=bell.ring,
        clock=WallClock(),
        metrics=measured,
    )
    return ConsumerLoop(
        KafkaSettings.of(settings),
        CONSUMED,
        NOTIFIER_GROUP,
        handler,
        settings=StreamSettings.of(settings, "notifier"),
        clock=WallClock(),
        metrics=measured,
    )
