"""Committed rounds as work for the relay: their events go to Kafka, in the order of the rounds.

The record of a round is written, and confirmed, before its events are: whatever anybody was told,
tenon.rounds says what it was decided from. Of a partition no round is told while one before it failed. So,
where the record of a round is on Kafka, every round that is `ROUNDS_AT_A_TIME` older was told in whole, or
set aside.

What was handed over can't be taken back: a process that the network cut off writes it when it is heard again,
behind what the next owner has told since. Readers know it by its `sequence`, but a compacted topic keeps what
came last. So what was told after a round that came late is told again.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from matcher.domain.telling import OutEvent
from matcher.shards import Shards
from matcher.store import RoundToTell
from tenon import log
from tenon.contracts.topics import ROUNDS
from tenon.errors import TenonError, Transient, Unusable
from tenon.kafka.producer import Producer
from tenon.records import OutRecord
from tenon.relay import Done, Effect, Later, Outcome, Parked, outcome_of

ROUNDS_AT_A_TIME = 50
_DEADLINE_S = 10.0
_UNDER_WAY_S = 2.0
"""What another process sent before our late round was written is marked as told within this time."""
_Results = dict[int, BaseException | None]
"""What became of each round of a partition: None where it was told."""
_logger = log.get("rounds")


class RoundSource:
    """The rounds of the partitions that this process owns, under the epoch of each."""

    def __init__(self, shards: Shards, epochs: Callable[[], dict[int, int]]) -> None:
        self._shards = shards
        self._epochs = epochs
        self._failed: dict[int, int] = {}
        self._late: dict[int, int] = {}
        self._late_since = 0.0

    async def claim(self, limit: int) -> Sequence[RoundToTell]:
        """Return rounds that are not told yet, oldest first; none of a partition that was lost."""
        await self._put_right()
        due = await self._shards.to_tell(self._epochs(), limit)
        again = {told.partition for told in due if told.round <= self._failed.get(told.partition, 0)}
        return [
            told for told in due if told.partition not in again or told.round <= self._failed[told.partition]
        ]

    async def settle(self, outcomes: Sequence[tuple[RoundToTell, Outcome]]) -> None:
        """Mark what was told, set aside what can't be; none is claimed that follows one to be told again."""
        done = [told for told, outcome in outcomes if isinstance(outcome, Done)]
        self._note(await self._shards.mark_told(done))
        for told, outcome in outcomes:
            if isinstance(outcome, Parked):
                await self._shards.of(told.partition).store.park(told, outcome.why)
        for told, _ in outcomes:
            self._failed.pop(told.partition, None)
        for told, outcome in outcomes:
            if isinstance(outcome, Later):
                self._failed[told.partition] = max(self._failed.get(told.partition, 0), told.round)

    def _note(self, late: Mapping[int, int]) -> None:
        for partition, number in late.items():
            self._late[partition] = min(number, self._late.get(partition, number))
            self._late_since = asyncio.get_running_loop().time()

    async def _put_right(self) -> None:
        """Let others tell again what they told after the rounds that we told late."""
        if self._late and asyncio.get_running_loop().time() - self._late_since >= _UNDER_WAY_S:
            _logger.warning("told late", rounds=self._late)
            await self._shards.tell_again(self._late)
            self._late = {}


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
