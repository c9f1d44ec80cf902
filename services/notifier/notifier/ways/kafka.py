"""Kafka: a topic of each party's own, which its integrator reads with rights of its own.

Has a producer for these topics alone, made when it is first needed: a right that is missing ends a
producer, and must not end that of the service. What was handed over and not confirmed is waited for, never
sent a second time.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence

from notifier.domain.classify import Attempt
from notifier.domain.ways import Message, kafka_record
from notifier.ways import TAKEN, Report, Target
from tenon import log
from tenon.clock import Clock
from tenon.contracts.rights import Right
from tenon.contracts.topics import party_topic
from tenon.errors import Misconfigured, TenonError
from tenon.kafka import KafkaSettings, Producer, drop_rights, ensure_rights, ensure_topics

_STOP_MS = 2_000
_logger = log.get("kafka.parties")


class PartyTopics:
    """Writes the parties' topics."""

    together = True

    def __init__(self, kafka: KafkaSettings, clock: Clock) -> None:
        self._kafka = kafka
        self._clock = clock
        self._producer: Producer | None = None
        self._making = asyncio.Lock()

    async def send(self, target: Target, messages: Sequence[Message]) -> AsyncGenerator[Report, None]:
        """Write messages together, and report on each as its writing becomes known."""
        at_ms, started = self._clock.now_ms(), time.perf_counter()
        records = [kafka_record(target.audience, message) for message in messages]
        producer: Producer | None = None
        try:
            producer = await self._connected()
            for written in await producer.send(records):
                # What is handed over can't be taken back, whoever gives up waiting for it.
                await asyncio.shield(written)
                yield _report(Attempt(TAKEN), at_ms, started)
        except TenonError as error:
            yield _report(Attempt(None, await self._failed(producer, error)), at_ms, started)

    async def stop(self) -> None:
        """Wait a moment for what is under way."""
        if self._producer is not None:
            await self._producer.stop(_STOP_MS)

    async def _connected(self) -> Producer:
        async with self._making:
            if self._producer is None:
                made = Producer(self._kafka)
                await made.start()
                self._producer = made
            return self._producer

    async def _failed(self, producer: Producer | None, error: TenonError) -> str:
        """Begin anew behind a producer that gave up; return what the subscriber is told of it."""
        if not isinstance(error, Misconfigured):
            return str(error)
        _logger.warning("the topics of parties can not be written", error=str(error))
        if producer is not None and producer is self._producer:
            self._producer = None
            await producer.stop(0)
        return "the topic can not be written; why, stands in the log of whoever runs this Tenon"


class PartyRights:
    """Makes a party's topic, and lets its integrator read it. Needs an administrator of the cluster."""

    def __init__(self, admin: KafkaSettings, writer: str | None, replication: int) -> None:
        self._admin = admin
        self._writer = writer
        self._replication = replication

    async def open(self, audience: str, principal: str | None) -> None:
        """Make the topic and give the rights; raises `Misconfigured` or `Transient`, and may be repeated.

        The administrator is that of TENON_KAFKA_ADMIN_USERNAME; messages may name the service's own settings.
        """
        await ensure_topics(self._admin, [party_topic(audience)], partitions=1, replication=self._replication)
        rights = _rights(audience, principal, self._writer)
        if rights:
            await ensure_rights(self._admin, wanted=rights)

    async def close(self, audience: str, principal: str | None) -> None:
        """Take the integrator's rights away again; the topic stays until what is in it is old."""
        if principal is not None:
            await drop_rights(self._admin, _rights(audience, principal, None))


def _rights(audience: str, reader: str | None, writer: str | None) -> tuple[Right, ...]:
    topic = party_topic(audience).name
    found = () if writer is None else (Right(writer, "topic", topic, "write"),)
    if reader is None:
        return found
    return (*found, Right(reader, "topic", topic, "read"), Right(reader, "group", topic, "read"))


def _report(attempt: Attempt, at_ms: int, started: float) -> Report:
    return Report(attempt, at_ms, round((time.perf_counter() - started) * 1000))
