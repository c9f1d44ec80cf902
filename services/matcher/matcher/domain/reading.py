"""From a record of the log to an entry that can be applied, or the reason why not.

An unknown field is ignored. An unknown type or major version stops the reader: skipping it would change
every later decision.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tenon.contracts import topics
from tenon.contracts.cloudevents import NotCloudEvent, from_kafka
from tenon.contracts.codec import InvalidData, NotJson, decode_tolerant
from tenon.contracts.families import FAMILIES, LOG_BY_TYPE
from tenon.contracts.intake import ClockTicked
from tenon.contracts.rejections import RejectionCode
from tenon.contracts.values import Shape


class UnknownType(Exception):
    """The log holds a type that this engine does not know; a newer one has to read it."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record as it stands in the log."""

    offset: int
    headers: Sequence[tuple[str, bytes]]
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A record that can be applied."""

    offset: int
    market: str
    party: str
    data: Shape
    record: LogRecord | None = None


@dataclass(frozen=True, slots=True)
class Unusable:
    """A record that cannot be applied, and why."""

    offset: int
    code: RejectionCode
    detail: str
    record: LogRecord | None = None


def read(record: LogRecord) -> Entry | Unusable:
    """Read one record; raise `UnknownType` where the log is newer than this engine."""
    try:
        event = from_kafka(record.headers, record.value)
        family = LOG_BY_TYPE.get(event.type)
        if family is None:
            return Unusable(record.offset, "unknown_type", _foreign(record.offset, event.type), record)
        market = event.extensions.get("market")
        if market is None:
            return Unusable(record.offset, "wrong_market", "ce_market is missing", record)
        data = decode_tolerant(family.data, event.data)
    except NotJson as error:
        return Unusable(record.offset, "not_json", str(error), record)
    except NotCloudEvent as error:
        return Unusable(record.offset, "not_cloudevents", str(error), record)
    except InvalidData as error:
        return Unusable(record.offset, "invalid_data", str(error), record)
    return Entry(record.offset, market, event.extensions.get("party", ""), data, record)


def is_tick(entry: Entry | Unusable) -> bool:
    """True when the record moves the simulated clock."""
    return isinstance(entry, Entry) and isinstance(entry.data, ClockTicked)


def _foreign(offset: int, event_type: str) -> str:
    if event_type in FAMILIES:
        return f"{event_type} does not belong on {topics.MARKET.name}"
    if event_type.startswith("tenon."):
        raise UnknownType(
            f"offset {offset} holds {event_type}, which this version of the matcher cannot read"
        )
    return f"{event_type[:100]} is not an event of Tenon"
