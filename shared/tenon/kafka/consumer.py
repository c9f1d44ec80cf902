"""Reading from Kafka as a member of a group: who reads which partition is Kafka's to say, from where is not.

A partition is paused before anything else happens when it is assigned, because records of the group's
committed offset would leak out before the listener is done; its owner seeks and resumes it. Offsets committed
to Kafka are for lag dashboards alone. This module must not know what a record is handled by.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tenon.errors import Misconfigured, Transient
from tenon.kafka import _driver
from tenon.kafka.connection import KafkaSettings
from tenon.records import Record, TopicPartition

OffsetLost = _driver.OffsetLost
StaleMember = _driver.StaleMember
_MAX_POLL_INTERVAL_MS = 300_000
_HEARTBEATS_PER_SESSION = 10

OnAssigned = Callable[[frozenset[TopicPartition]], None]
OnRevoked = Callable[[], None]


@dataclass(frozen=True, slots=True)
class GroupTimes:
    """How long a member may be silent, and how long a rebalance waits for it, in ms."""

    session_ms: int = 6_000
    rebalance_ms: int = 60_000

    def __post_init__(self) -> None:
        if not self.session_ms <= self.rebalance_ms <= _MAX_POLL_INTERVAL_MS:
            raise Misconfigured(
                f"TENON_REBALANCE_TIMEOUT_MS must be from {self.session_ms} (the session timeout) to"
                f" {_MAX_POLL_INTERVAL_MS}"
            )

    @property
    def heartbeat_ms(self) -> int:
        """Return the time between heartbeats: a member that lost its partitions learns it after one."""
        return max(100, self.session_ms // _HEARTBEATS_PER_SESSION)


class Consumer:
    """One member of a consumer group. `on_assigned` and `on_revoked` are called inside each rebalance."""

    def __init__(
        self,
        kafka: KafkaSettings,
        topics: Sequence[str],
        group: str,
        *,
        on_assigned: OnAssigned,
        on_revoked: OnRevoked,
        times: GroupTimes | None = None,
    ) -> None:
        self._prefix = kafka.prefix
        self._kafka = kafka
        self._topics = [kafka.prefix + topic for topic in topics]
        self._group = kafka.prefix + group
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._times = times or GroupTimes()
        self._driver: Any = None
        # Asks questions over a connection of its own, where no answer waits behind a long fetch.
        self._prober: Any = None

    async def start(self) -> None:
        """Connect and join the group; raises `Transient` when no broker answers."""
        driver = _driver.new_consumer(
            self._kafka,
            group_id=self._group,
            session_timeout_ms=self._times.session_ms,
            heartbeat_interval_ms=self._times.heartbeat_ms,
            rebalance_timeout_ms=self._times.rebalance_ms,
            max_poll_interval_ms=_MAX_POLL_INTERVAL_MS,
        )
        self._driver, self._prober = driver, _driver.new_consumer(self._kafka)
        driver.subscribe(self._topics, listener=_driver.listener(self._assigned, self._revoked))
        try:
            await _driver.start(driver, self._kafka)
            await _driver.start(self._prober, self._kafka)
            await self._check_rights()
        except BaseException:
            await self.stop()
            raise

    async def _check_rights(self) -> None:
        """Raise `Misconfigured` for a topic that we may not see: the group would give us none of it."""
        with _driver.mapped_errors():
            for topic in self._topics:
                await _driver.partition_numbers(self._prober, topic)

    async def stop(self) -> None:
        """Leave the group, so that others get the partitions at once; within a deadline."""
        await asyncio.gather(_driver.end_consumer(self._driver), _driver.end_consumer(self._prober))

    def seek_and_resume(self, partition: TopicPartition, offset: int) -> None:
        """Read a partition from `offset` on; raises `StaleMember` when it is no longer assigned."""
        where = self._of(partition)
        with _driver.mapped_errors():
            self._driver.seek(where, offset)
            self._driver.resume(where)

    def pause(self, partition: TopicPartition) -> None:
        """Read nothing more of a partition for now."""
        with _driver.mapped_errors():
            self._driver.pause(self._of(partition))

    async def take(self, partition: TopicPartition, max_records: int) -> list[Record]:
        """Return what was fetched of one partition already, at once and at most `max_records`."""
        where = self._of(partition)
        if not _driver.has_fetched(self._driver, where):
            return []
        with _driver.mapped_errors():
            found = await self._driver.getmany(where, timeout_ms=0, max_records=max_records)
        return _driver.own_records(partition.topic, found.get(where, ()))

    async def wait(
        self, partitions: Iterable[TopicPartition], timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Record]]:
        """Return records as soon as there are any of these partitions; nothing after `timeout_ms`."""
        wanted = [self._of(partition) for partition in partitions]
        with _driver.mapped_errors():
            found = await self._driver.getmany(*wanted, timeout_ms=timeout_ms, max_records=max_records)
        own = {_driver.own_partition(self._prefix, where): records for where, records in found.items()}
        return {where: _driver.own_records(where.topic, records) for where, records in own.items()}

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Tell Kafka how far this group is; raises `StaleMember` when the partitions are lost."""
        with _driver.mapped_errors():
            await self._driver.commit({self._of(where): offset for where, offset in offsets.items()})

    async def ranges(
        self, partitions: Iterable[TopicPartition], timeout_ms: int
    ) -> dict[TopicPartition, tuple[int, int]]:
        """Return the first offset each partition still holds, and the one its next record will get.

        Asks the brokers, and raises `Transient` when they don't answer in time: a consumer whose broker is
        dead otherwise looks like one that has nothing to do.
        """
        wanted = [self._of(partition) for partition in partitions]
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                with _driver.mapped_errors():
                    first, end = await asyncio.gather(
                        self._prober.beginning_offsets(wanted), self._prober.end_offsets(wanted)
                    )
        except TimeoutError:
            raise Transient(f"no broker answered within {timeout_ms} ms") from None
        return {_driver.own_partition(self._prefix, where): (first[where], end[where]) for where in wanted}

    def _assigned(self, assigned: Iterable[Any]) -> None:
        partitions = list(assigned)
        self._driver.pause(*partitions)
        self._on_assigned(frozenset(_driver.own_partition(self._prefix, where) for where in partitions))

    def _revoked(self, revoked: Iterable[Any]) -> None:
        self._on_revoked()

    def _of(self, partition: TopicPartition) -> Any:
        return _driver.driver_partition(self._prefix, partition)
