"""Builds the matcher: the only place where its parts meet their adapters."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

from matcher.handler import MatcherHandler
from matcher.http import Reads
from matcher.proof import last_told
from matcher.reasons import Explainer
from matcher.relaying import ROUNDS_AT_A_TIME, RoundSource, kafka_effect
from matcher.settings import MatcherSettings
from matcher.shards import connected, shards_of
from tenon import backlog
from tenon.app import Loop, Service
from tenon.clock import WallClock
from tenon.contracts import topics
from tenon.contracts.rights import MATCHER_GROUP
from tenon.db import Database
from tenon.errors import Misconfigured
from tenon.kafka.admin import read_layout
from tenon.kafka.connection import KafkaSettings
from tenon.kafka.producer import Producer
from tenon.kafka.tail import Ends
from tenon.lease import Leases
from tenon.metrics import Metrics
from tenon.periods import Keeper, Kept
from tenon.relay import Relay, RelaySettings
from tenon.retry import retrying
from tenon.sharding import Sharding
from tenon.stream import ConsumerLoop, StreamSettings

NAME = "matcher"


@asynccontextmanager
async def bind(settings: MatcherSettings) -> AsyncIterator[Service]:
    """Connect everything and yield the service; at the end, close what was opened."""
    kafka, metrics, clock = KafkaSettings.of(settings), Metrics(), WallClock()
    patience_ms = settings.retry_deadline_ms
    layout = await retrying("read the layout", partial(read_layout, kafka), deadline_ms=patience_ms)
    producer, told = Producer(kafka), Ends(kafka, topics.ROUNDS.name)
    sharding = settings.sharding
    _check(sharding, layout.markets.partitions)
    explainer = Explainer(sharding.url_of, settings.explain_deadline_ms)
    reads = Reads(explainer, layout.markets, settings.admin_key, live=settings.clock == "wall")
    async with connected(sharding, settings.database_pool_size) as databases:
        await retrying("connect to Kafka", producer.start, deadline_ms=patience_ms)
        shards = shards_of(databases, sharding, owner=settings.instance, log_id=layout.log_id)
        teller = Relay(
            "rounds",
            RoundSource(shards, lambda: handler.epochs()),
            kafka_effect(producer),
            metrics=metrics,
            settings=RelaySettings(
                NAME, limit=ROUNDS_AT_A_TIME, retry_deadline_ms=settings.retry_deadline_ms
            ),
        )
        keepers = {
            f"periods{number or ''}": _keeper(database, settings, metrics)
            for number, database in enumerate(databases)
        }
        handler = MatcherHandler(
            shards,
            clock,
            metrics,
            simulated=settings.clock == "log",
            max_skipped_in_a_row=settings.max_skipped_in_a_row,
            last_told=partial(last_told, told),
            on_commit=teller.wake,
        )
        stream = ConsumerLoop(
            kafka,
            [topics.MARKET.name],
            MATCHER_GROUP,
            handler,
            settings=StreamSettings.of(settings, NAME),
            clock=clock,
            metrics=metrics,
        )

        async def ready() -> Mapping[str, str | None]:
            return {
                "stream": stream.problem(),
                "relay": teller.problem(),
                "producer": producer.problem(),
                **{
                    f"database{number or ''}": await database.problem()
                    for number, database in enumerate(databases)
                },
            }

        loops: dict[str, Loop] = {
            "stream": stream.run,
            "relay": teller.run,
            "producer": producer.watch,
            "backlog": partial(backlog.watch, {"rounds": shards.backlog}, metrics),
            **{name: keeper.run for name, keeper in keepers.items()},
        }
        try:
            yield Service(NAME, reads.app(), loops, ready, metrics)
        finally:
            await told.stop()
            await producer.stop()


def _check(sharding: Sharding, partitions: int) -> None:
    """Raise `Misconfigured` where a database is named for a partition that the log does not have."""
    if unknown := [partition for partition in sharding.named if partition >= partitions]:
        raise Misconfigured(
            f"TENON_DATABASE_SHARDS names partition {min(unknown)}, the log has 0 to {partitions - 1}"
        )


def _keeper(database: Database, settings: MatcherSettings, metrics: Metrics) -> Keeper:
    return Keeper(
        database,
        Leases(database, owner=settings.instance),
        metrics,
        [Kept("rounds", settings.rounds_retention_h)],
        period_s=settings.period_s,
        interval_ms=settings.retention_interval_ms,
    )
