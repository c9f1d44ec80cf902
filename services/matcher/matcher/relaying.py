"""Committed rounds as work for the relay: their events go to Kafka, in the order of the rounds.

The record of a round is written, and confirmed, before its events are: whatever anybody was told,
tenon.rounds says what it was decided from. Of a partition no round is told while one before it failed. So,
where the record of a round is on Kafka, every round that is `ROUNDS_AT_A_TIME` older was told in whole, or
set aside.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from matcher.domain.telling import OutEvent
from matcher.store import RoundToTell, Store
from tenon.contracts.topics import ROUNDS
from tenon.errors import TenonError, Transient, Unusable
from tenon.kafka.producer import Producer
from tenon.records import OutRecord
from tenon.relay import Done, Effect, Later, Outcome, Parked, outcome_of

ROUNDS_AT_A_TIME = 50
_DEADLINE_S = 10.0
_Results = dict[int, BaseException | None]
"""What became of each round of a partition: None where it was told."""


class RoundSource:
    """The rounds of the partitions that this process owns, under the epoch of each."""

    def __init__(self, store: Store, epochs: Callable[[], dict[int, int]]) -> None:
        self._store = store
        self._epochs = epochs
        self._failed: dict[int, int] = {}

    async def claim(self, limit: int) -> Sequence[RoundToTell]:
        """Return rounds that are not told yet, oldest first; none of a partition that was lost."""
        due = await self._store.to_tell(self._epochs(), limit)
        again = {told.partition for told in due if told.round <= self._failed.get(told.partition, 0)}
        return [
            told for told in due if told.partition not in again or told.round <= self._failed[told.partition]
        ]

    async def settle(self, outcomes: Sequence[tuple[RoundToTell, Outcome]]) -> None:
        """Mark what was told, set aside what can't be; none is claimed that follows one to be told again."""
        await self._store.mark_told([told for told, outcome in outcomes if isinstance(outcome, Done)])
        for told, outcome in outcomes:
            if isinstance(outcome, Parked):
                await self._store.park(told, outcome.why)
        for told, _ in outcomes:
            self._failed.pop(told.partition, None)
        for told, outcome in outcomes:
            if isinstance(outcome, Later):
                self._failed[told.partition] = max(self._failed.get(told.partition, 0), told.round)


def kafka_effect(producer: Producer) -> Effect[RoundToTell]:
    """Return the effect that writes rounds to Kafka; what is not confirmed in time stays pending."""

    async def effect(rounds: Sequence[RoundToTell]) -> Sequence[Outcome]:
        partitions: dict[int, list[RoundToTell]] = {}
        for told in rounds:
            partitions.setdefault(told.partition, []).append(told)
        telling = {
            number: asyncio.ensure_future(_tell(producer, group)) for number, group in partitions.items()
        }
        done, waiting = await asyncio.wait(telling.values(), timeout=_DEADLINE_S)
        refused = [error for task in done if isinstance(error := task.exception(), Transient)]
        if len(refused) == len(telling) and not waiting:
            raise refused[0]
        return [outcome_of(telling[told.partition], partial(_read, told.round)) for told in rounds]

    return effect


async def _tell(producer: Producer, rounds: Sequence[RoundToTell]) -> _Results:
    """Write the records of a partition's rounds, and when those are there, the events of each."""
    results = await _write(producer, {told.round: _events(told, proof=True) for told in rounds})
    recorded = [told for told in rounds if results[told.round] is None]
    return {
        **results,
        **await _write(producer, {told.round: _events(told, proof=False) for told in recorded}),
    }


def _events(told: RoundToTell, *, proof: bool) -> list[OutEvent]:
    return [event for event in told.events if (event.topic == ROUNDS.name) is proof]


async def _write(producer: Producer, events: dict[int, list[OutEvent]]) -> _Results:
    """Write events, given by round, and return what went wrong with each round first."""
    futures = await producer.send([_record(event) for group in events.values() for event in group])
    ends = iter(await asyncio.gather(*futures, return_exceptions=True))
    results = {number: [next(ends) for _ in group] for number, group in events.items()}
    return {number: _worst(found) for number, found in results.items()}


def _worst(ends: Sequence[BaseException | None]) -> BaseException | None:
    """Return what decides about a round: one event that can never be written sets it aside."""
    failed = [end for end in ends if end is not None]
    return next((end for end in failed if isinstance(end, Unusable)), failed[0] if failed else None)


def _read(number: int, telling: "asyncio.Future[_Results]") -> Outcome:
    try:
        error = telling.result()[number]
    except TenonError as away:
        error = away
    if isinstance(error, Unusable):
        return Parked(error.reason)
    return Later(str(error)) if error is not None else Done()


def _record(event: OutEvent) -> OutRecord:
    """The rounds of a partition are in the partition of the same number: its end is their end."""
    partition = int(event.key) if event.topic == ROUNDS.name else None
    return OutRecord(event.topic, event.key.encode(), event.value or None, event.headers, partition)
