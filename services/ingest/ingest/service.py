"""`bind`: builds everything that ingest is made of. The only place that connects."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial

from ingest import metrics
from ingest.access import Access
from ingest.addresses import Addresses
from ingest.catenax.bound import bound as bound_catenax
from ingest.directory import Directory
from ingest.domain.route import Router
from ingest.epcis.bound import bound as bound_epcis
from ingest.handler import Handler
from ingest.http import Intake, application
from ingest.imports.bound import bound as bound_imports
from ingest.keys import Keys
from ingest.limits import Budget
from ingest.mtconnect import bound as mtconnect
from ingest.mtconnect.agents import Agents
from ingest.registry import Registry
from ingest.settings import IngestSettings
from tenon import backlog
from tenon.app import Loop, Service
from tenon.contracts.markets import BadMarketTable, MarketTable, load_table
from tenon.contracts.topics import MARKET, PARTIES
from tenon.db import Database
from tenon.errors import Misconfigured, Transient
from tenon.kafka import KafkaSettings, Producer, end_offsets, read_layout
from tenon.lease import Leases
from tenon.metrics import Metrics
from tenon.outbox import Entry, OutboxSource, kafka_effect
from tenon.periods import Keeper, Kept
from tenon.rate import Rate
from tenon.relay import Effect, Outcome, Relay, RelaySettings
from tenon.retry import retrying

_HAND_OVER_S = 3.0
_REQUEST_BYTES = 16_384
Threads = tuple[Executor, Executor]
"""One that reads bodies which are large, and one that reads files to be imported."""


@asynccontextmanager
async def bind(settings: IngestSettings) -> AsyncIterator[Service]:
    """Build the service; raises `Misconfigured` when the log or the schema is not the one it should be."""
    table = market_table(settings)
    kafka = KafkaSettings.of(settings)
    patience_ms = settings.retry_deadline_ms
    await retrying("check the log", partial(_check_log, kafka, table), deadline_ms=patience_ms)
    producer = Producer(kafka, max_waiting_bytes=settings.max_in_flight_bytes)
    await retrying("connect to Kafka", producer.start, deadline_ms=patience_ms)
    try:
        async with (
            Database.connect(
                settings.database_url, schema="ingest", pool_size=settings.database_pool_size
            ) as database,
            mtconnect.agents(settings) as agents,
        ):
            with ThreadPoolExecutor(1, "reading") as reader, ThreadPoolExecutor(1, "importing") as importer:
                yield _service(settings, table, producer, database, (reader, importer), agents)
    finally:
        await producer.stop(deadline_ms=settings.stop_deadline_ms // 2)


def market_table(settings: IngestSettings) -> MarketTable:
    """Return the table of markets that the settings name."""
    if settings.markets_file is None:
        return MarketTable()
    try:
        return load_table(settings.markets_file.read_text())
    except (OSError, BadMarketTable) as error:
        raise Misconfigured(f"TENON_MARKETS_FILE: {error}") from error


async def _check_log(kafka: KafkaSettings, table: MarketTable) -> None:
    """Raise `Misconfigured` unless the topics are there and the log was begun with this table."""
    await read_layout(kafka, table)
    for topic, wanted in ((MARKET, table.partitions), (PARTIES, None)):
        found = len(await end_offsets(kafka, topic.name))
        if not found:
            raise Misconfigured(f"topic {topic.name} does not exist; run `tenon topics`")
        if wanted is not None and found != wanted:
            raise Misconfigured(
                f"topic {topic.name} has {found} partitions, the market table says {wanted};"
                " set TENON_MARKETS_FILE to the table that the log was begun with"
            )


def _service(
    settings: IngestSettings,
    table: MarketTable,
    producer: Producer,
    database: Database,
    threads: Threads,
    agents: Agents,
) -> Service:
    reader, importer = threads
    measured = Metrics()
    leases = Leases(database, owner=settings.instance)
    source = OutboxSource(database, leases)
    keeper = Keeper(
        database,
        leases,
        measured,
        [
            Kept("outbox", settings.outbox_retention_h),
            Kept("imports", settings.import_retention_h),
            Kept("import_rows", settings.import_retention_h),
            Kept("epcis_captures", settings.import_retention_h),
        ],
        period_s=settings.period_s,
        interval_ms=settings.retention_interval_ms,
    )
    relaying = RelaySettings("ingest", retry_deadline_ms=settings.retry_deadline_ms)
    relay: Relay[Entry] = Relay(
        "outbox",
        source,
        _bounded(kafka_effect(producer, deadline_ms=1_000)),
        metrics=measured,
        settings=relaying,
    )
    router = Router(table)
    keys = Keys(database, settings.admin_key.get_secret_value(), settings.look_up_ttl_ms, relay.wake)
    registry = Registry(database, router, settings.look_up_ttl_ms, relay.wake)
    handler = Handler(
        registry,
        producer,
        router,
        clock=settings.clock,
        deadline_ms=settings.send_deadline_ms,
        measured=measured,
    )
    rate = Rate(settings.rate_events_per_second, settings.rate_burst_events)
    in_flight = partial(measured.set, metrics.IN_FLIGHT_BYTES)
    budget = Budget(settings.max_in_flight_bytes, _REQUEST_BYTES, in_flight)
    access, directory = Access(keys, settings.send_deadline_ms), Directory(database)
    addresses = Addresses(access, keys, directory, settings.send_deadline_ms)
    room = (rate, budget, reader)
    catenax = bound_catenax(settings, database, router, access, room, measured, relay.wake)
    epcis = bound_epcis(settings, database, router, access, room, measured, relay.wake)
    intake = Intake(access, handler, rate, budget, reader, settings.body_deadline_ms)
    imports = bound_imports(settings, database, intake, keys, importer, measured)
    machines = mtconnect.bound(settings, database, router, access, agents, measured, relay.wake)

    async def relay_outbox(stop: asyncio.Event) -> None:
        await relay.run(stop)
        await source.release()

    async def ready() -> Mapping[str, str | None]:
        return {
            "kafka": producer.problem() or handler.problem(),
            "database": await database.problem(),
            "outbox": relay.problem(),
            "imports": imports.relay.problem(),
            "mtconnect": machines.relay.problem(),
        }

    counts: dict[str, backlog.Count] = {"outbox": directory.outbox, "imports": imports.backlog}
    loops: dict[str, Loop] = {
        "outbox": relay_outbox,
        "imports": imports.run,
        "mtconnect": machines.run,
        "producer": producer.watch,
        "backlog": partial(backlog.watch, counts, measured),
        "periods": keeper.run,
    }
    more = [imports.addresses.router(), catenax.router(), machines.addresses.router(), epcis.router()]
    app = application(intake.post, addresses, more)
    return Service("ingest", app, loops, ready, measured)


def _bounded(effect: Effect[Entry]) -> Effect[Entry]:
    """Give up, with nothing handed over, where Kafka does not even say what partitions a topic has."""

    async def bounded(entries: Sequence[Entry]) -> Sequence[Outcome]:
        try:
            async with asyncio.timeout(_HAND_OVER_S):
                return await effect(entries)
        except TimeoutError:
            raise Transient("Kafka does not answer") from None

    return bounded
