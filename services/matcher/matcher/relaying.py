"""Committed rounds as work for the relay: their events go to Kafka, in the order of the rounds."""

import asyncio
from collections.abc import Callable, Sequence

from matcher.domain.telling import OutEvent
from matcher.store import RoundToTell, Store
from tenon.errors import Unusable
from tenon.kafka.producer import Producer
from tenon.records import OutRecord
from tenon.relay import Done, Effect, Later, Outcome, Parked, outcome_of

_DEADLINE_S = 10.0


class RoundSource:
    """The rounds of the partitions that this process owns, under the epoch of each."""

    def __init__(self, store: Store, epochs: Callable[[], dict[int, int]]) -> None:
        self._store = store
        self._epochs = epochs

    async def claim(self, limit: int) -> Sequence[RoundToTell]:
        """Return rounds that are not told yet, oldest first; none of a partition that was lost."""
        return await self._store.to_tell(self._epochs(), limit)

    async def settle(self, outcomes: Sequence[tuple[RoundToTell, Outcome]]) -> None:
        """Mark what was told, set aside what can't be."""
        await self._store.mark_told([told for told, outcome in outcomes if isinstance(outcome, Done)])
        for told, outcome in outcomes:
            if isinstance(outcome, Parked):
                await self._store.park(told, outcome.why)


def kafka_effect(producer: Producer) -> Effect[RoundToTell]:
    """Return the effect that writes rounds to Kafka; what is not confirmed in time stays pending."""

    async def effect(rounds: Sequence[RoundToTell]) -> Sequence[Outcome]:
        futures = await producer.send([_record(event) for told in rounds for event in told.events])
        written = iter(futures)
        groups = [
            asyncio.gather(*(next(written) for _ in told.events), return_exceptions=True) for told in rounds
        ]
        await asyncio.wait(groups, timeout=_DEADLINE_S)
        return [outcome_of(group, _read) for group in groups]

    return effect


Written = asyncio.Future[list[BaseException | None]]


def _read(written: Written) -> Outcome:
    """A round is told when all of its events are; one that can never be written sets the round aside."""
    failed = [result for result in written.result() if result is not None]
    unusable = next((error for error in failed if isinstance(error, Unusable)), None)
    if unusable is not None:
        return Parked(unusable.reason)
    return Later(str(failed[0])) if failed else Done()


def _record(event: OutEvent) -> OutRecord:
    return OutRecord(event.topic, event.key.encode(), event.value, event.headers)
