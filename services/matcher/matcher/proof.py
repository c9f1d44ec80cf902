"""What was told of a partition's rounds on tenon.rounds, read for an owner and for an operator.

A partition's rounds are in the partition of the same number, in their order, some of them more than once.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing

from tenon.contracts.codec import InvalidData, NotJson, decode_tolerant
from tenon.contracts.rounds import RoundDecided
from tenon.contracts.topics import ROUNDS
from tenon.kafka import Ends, KafkaSettings, Start, extent, read
from tenon.records import Record

LastTold = Callable[[int], Awaitable[RoundDecided | None]]
# More than the rounds that several owners, frozen one after another, may have written late and out of turn.
_TAIL_RECORDS = 200


async def last_told(ends: Ends, partition: int) -> RoundDecided | None:
    """Return the newest round of a partition that was told, None where none was. `ends`: of tenon.rounds."""
    told = _rounds(partition, await ends.last(partition, _TAIL_RECORDS))
    return max(told, key=lambda decided: decided.round, default=None)


async def told_after(kafka: KafkaSettings, partition: int, number: int) -> AsyncGenerator[RoundDecided, None]:
    """Yield the rounds of a partition that follow a round, in order and each once."""
    offset = await _offset_before(kafka, partition, number)
    start = Start("offset", offset)
    async with aclosing(read(kafka, ROUNDS.name, partitions=[partition], start=start)) as records:
        async for record in records:
            for decided in _rounds(partition, [record]):
                if decided.round > number:
                    number = decided.round
                    yield decided


async def _offset_before(kafka: KafkaSettings, partition: int, number: int) -> int:
    """Return an offset behind which every round after `number` is found: from the end back, in strides."""
    first, end = await extent(kafka, ROUNDS.name, partition)
    stride = _TAIL_RECORDS
    while (offset := end - stride) > first:
        start = Start("offset", offset)
        async with aclosing(read(kafka, ROUNDS.name, partitions=[partition], start=start)) as records:
            async for record in records:
                if any(decided.round <= number for decided in _rounds(partition, [record])):
                    return max(first, offset - _TAIL_RECORDS)
                break
        stride *= 4
    return first


def _rounds(partition: int, records: Iterable[Record]) -> Iterable[RoundDecided]:
    """Return what can be read as a round of the partition; whatever else stands there proves nothing."""
    for record in records:
        try:
            decided = decode_tolerant(RoundDecided, record.value or b"")
        except (NotJson, InvalidData):
            continue
        if decided.partition == partition:
            yield decided
