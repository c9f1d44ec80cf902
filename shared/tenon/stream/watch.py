"""What goes on beside the loop: telling Kafka how far we are, and asking it how far there is to go.

Neither is on the way of a record, and a failure of either loses nothing. The question is the honest sign of
life: a consumer whose brokers are dead otherwise looks like one that has nothing to do.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from tenon import log
from tenon.clock import WallClock
from tenon.errors import Transient
from tenon.kafka.consumer import Consumer
from tenon.metrics import Metrics
from tenon.records import TopicPartition
from tenon.stream.held import Held
from tenon.stream.measures import LAG, LAG_SECONDS, REACHABLE

_logger = log.get("stream")


class Watch:
    """Commits and probes for the partitions in `held`, which is the loop's own table."""

    def __init__(
        self,
        consumer: Consumer,
        held: Mapping[TopicPartition, Held],
        metrics: Metrics,
        *,
        any_topic: str,
        timeout_ms: int,
    ) -> None:
        self._consumer = consumer
        self._held = held
        self._metrics = metrics
        self._any = TopicPartition(any_topic, 0)
        self._timeout_ms = timeout_ms
        self.reachable = False

    async def commit(self) -> None:
        """Tell Kafka how far we are: for lag dashboards alone."""
        offsets = {where: held.next_offset for where, held in self._held.items() if held.ready}
        if not offsets:
            return
        try:
            await self._consumer.commit(offsets)
        except Transient as error:
            _logger.debug("offsets not committed", error=str(error))

    async def probe(self) -> None:
        """Ask the brokers for the ends of our partitions: how much waits, and whether anybody answers."""
        ready = [where for where, held in self._held.items() if held.ready]
        try:
            ranges = await self._consumer.ranges(ready or [self._any], self._timeout_ms)
            self.reachable = True
        except Transient:
            self.reachable = False
            ranges = {}
        self._metrics.set(REACHABLE, int(self.reachable))
        for where in ready:
            if where in ranges and where in self._held:
                self._show_lag(where, ranges[where][1])

    def forget(self, where: TopicPartition) -> None:
        """Show nothing more of a partition that is not ours."""
        for metric in (LAG, LAG_SECONDS):
            self._metrics.forget(metric, topic=where.topic, partition=where.partition)

    def _show_lag(self, where: TopicPartition, end: int) -> None:
        held = self._held[where]
        lag = max(0, end - held.next_offset)
        labels = {"topic": where.topic, "partition": where.partition}
        self._metrics.set(LAG, lag, **labels)
        now_ms = WallClock().now_ms()
        if lag == 0:
            held.reached_ms = now_ms
        self._metrics.set(LAG_SECONDS, max(0, now_ms - held.reached_ms) / 1000, **labels)


async def every(interval_ms: int, action: Callable[[], Awaitable[None]]) -> None:
    """Do something now and then, for ever."""
    while True:
        await action()
        await asyncio.sleep(interval_ms / 1000)
