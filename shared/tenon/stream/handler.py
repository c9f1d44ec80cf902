"""What a service gives to the consumer loop, and how the loop is set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from tenon.kafka.consumer import GroupTimes
from tenon.records import Record, TopicPartition
from tenon.settings import CommonSettings


class Handler(Protocol):
    """What a service does with its partitions. No two calls for one partition overlap."""

    async def open(self, partition: TopicPartition) -> int:
        """Raise the partition's epoch, load its state, return the offset to read next.

        Also called for a partition that is still held after a rebalance: then it may return at once. Raises
        `Transient` to be called again.
        """
        ...

    async def handle(self, partition: TopicPartition, records: Sequence[Record]) -> None:
        """Handle records in order and return when their effect is durable; without records a timer is due.

        Raises `Transient` when nothing was changed, in memory either, `Fenced` when the partition was lost.
        """
        ...

    def wake_at_ms(self, partition: TopicPartition) -> int | None:
        """Return when `handle` is wanted though no record arrives, by the loop's clock; None: never."""
        ...

    async def close(self, partition: TopicPartition) -> None:
        """Drop the partition's state; another process may hold it already."""
        ...


@runtime_checkable
class JointHandler(Handler, Protocol):
    """A handler that can handle what several partitions have in one go, which then share what that costs."""

    async def handle_jointly(self, batches: Mapping[TopicPartition, Sequence[Record]]) -> None:
        """Handle records of each partition in order, and return when the effect of all of them is durable.

        A partition without records has a timer due.
        Raises as `handle` does, and has then changed nothing; `Fenced` when any of the partitions was lost.
        """
        ...


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How a loop reads: most records at a time, and its waits, in ms."""

    service: str
    max_records: int = 2_000
    times: GroupTimes = field(default_factory=GroupTimes)
    retry_deadline_ms: int = 120_000
    idle_ms: int = 100
    commit_every_ms: int = 1_000
    probe_every_ms: int = 2_000
    probe_timeout_ms: int = 3_000

    @classmethod
    def of(cls, settings: CommonSettings, service: str) -> "StreamSettings":
        """Take what a service was told by its environment."""
        times = GroupTimes(settings.session_timeout_ms, settings.rebalance_timeout_ms)
        return cls(service, settings.max_poll_records, times, settings.retry_deadline_ms)
