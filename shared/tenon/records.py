"""What goes to Kafka and what comes from it, in our own words: importable without a Kafka client."""

from collections.abc import Sequence
from typing import NamedTuple


class TopicPartition(NamedTuple):
    """One partition of one topic. Topics are named without `TENON_TOPIC_PREFIX` everywhere in our code."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


class OutRecord(NamedTuple):
    """A record to be written. Without `partition` it goes where murmur2 of its key says, as in Kafka.

    `value` None is a tombstone: in a compacted topic it deletes the key.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int | None = None


class Record(NamedTuple):
    """A record as it was read. `timestamp_ms` is when its producer wrote it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp_ms: int
