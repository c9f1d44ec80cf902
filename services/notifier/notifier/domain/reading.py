"""A Kafka record as an event that the notifier can use, a tombstone, or the reason why not.

Tolerant: fields that this version does not know are ignored. A type that it does not know is refused,
because a reader that guesses tells people wrong things.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from tenon.contracts import topics
from tenon.contracts.cloudevents import CloudEvent, NotCloudEvent, from_kafka
from tenon.contracts.codec import InvalidData, NotJson, decode_tolerant, encode, encode_text
from tenon.contracts.dockings import Docking
from tenon.contracts.families import FAMILIES
from tenon.contracts.positions import DemandPosition, OfferPosition, ResourcePosition
from tenon.contracts.rejections import RejectionCode
from tenon.contracts.values import Shape

# Topics in which a key has an order: its records carry a rising `sequence`.
ORDERED: Final = frozenset({topics.DOCKINGS.name, topics.POSITIONS.name, topics.PARTIES.name})
SEQUENCE_DIGITS: Final = 20
_TOMBSTONE_KEYS: Final = {
    topics.POSITIONS.name: re.compile(r"[^/]+/(offer|demand|resource)/[^/]+"),
    topics.PARTIES.name: re.compile(r"[^/]+"),
}


class Received(NamedTuple):
    """An event of the log. `sequence` rises with what is `ordered_by` one name; empty where nothing is.

    Steps have an order per docking, positions per market, whatever their records' keys: two partitions may
    hold a demand of one name, and each counts its own rounds. `json` is `data`, encoded once for all who keep
    or show it: of a record nothing is passed on that this version does not know.
    """

    id: str
    source: str
    type: str
    time: str
    ordered_by: str
    sequence: str
    data: Shape
    json: bytes


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The key is gone. `sequence` and `market` are empty when the record carries none."""

    key: str
    sequence: str
    market: str = ""

    @property
    def ordered_by(self) -> str:
        """Within what its sequence rises, as that of the positions that it ends."""
        return _in_market(self.key, self.market)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a record can't be used, and whose it is where that is known of its data alone."""

    code: RejectionCode
    detail: str
    party: str | None = None


def read(
    topic: str, key: bytes | None, headers: Sequence[tuple[str, bytes]], value: bytes | None
) -> Received | Tombstone | Refused:
    """Read one record of a topic (its name without any prefix)."""
    try:
        text = (key or b"").decode()
        if value is None:
            return _tombstone(topic, text, headers)
        event = from_kafka(headers, value)
    except NotCloudEvent as error:
        return Refused("not_cloudevents", str(error))
    except NotJson as error:
        return Refused("not_json", str(error))
    except UnicodeDecodeError:
        return Refused("invalid_data", "the key is not UTF-8 text")
    return _event(topic, text, event)


def _event(topic: str, key: str, event: CloudEvent) -> Received | Refused:
    family = FAMILIES.get(event.type)
    if family is None:
        return _unknown(event.type)
    if family.topic is None or family.topic.name != topic:
        return Refused("unknown_type", f"{event.type} does not belong into {topic}")
    sequence = event.extensions.get("sequence", "")
    if topic in ORDERED and (fault := _fault(key, sequence)):
        return Refused("invalid_data", fault)
    try:
        data = decode_tolerant(family.data, event.data)
    except InvalidData as error:
        return Refused("invalid_data", str(error)[:1000])
    except NotJson as error:
        return Refused("not_json", str(error)[:1000])
    ordered_by = _ordered_by(key, data)
    time = _time(event, data)
    return Received(event.id, event.source, event.type, time, ordered_by, sequence, data, encode(data))


def _ordered_by(key: str, data: Shape) -> str:
    match data:
        case Docking():
            return data.docking
        case OfferPosition() | DemandPosition() | ResourcePosition():
            return _in_market(key, data.market)
        case _:
            return key


def _in_market(key: str, market: str) -> str:
    return f"{key}/{market}" if market else key


def _time(event: CloudEvent, data: Shape) -> str:
    """The producer's time, or else the one in the data."""
    if event.time:
        return event.time
    at = getattr(data, "at", None) or getattr(data, "clock", None)
    return encode_text(at).strip('"') if at is not None else "1970-01-01T00:00:00Z"


def _tombstone(topic: str, key: str, headers: Sequence[tuple[str, bytes]]) -> Tombstone | Refused:
    if topic not in _TOMBSTONE_KEYS:
        return Refused("invalid_data", "a record without a value means nothing here")
    if not _TOMBSTONE_KEYS[topic].fullmatch(key):
        return Refused("invalid_data", f"{key[:200]!r} is not a key of {topic}")
    told = _headers(headers)
    sequence = told.get("ce_sequence", "")
    if sequence and (fault := _fault(key, sequence)):
        return Refused("invalid_data", fault)
    return Tombstone(key, sequence, told.get("ce_market", ""))


def _headers(headers: Sequence[tuple[str, bytes]]) -> Mapping[str, str]:
    return {name: value.decode(errors="replace") for name, value in headers}


def _fault(key: str, sequence: str) -> str | None:
    if not key:
        return "the record has no key"
    if len(sequence) != SEQUENCE_DIGITS or not (sequence.isascii() and sequence.isdigit()):
        return f"ce_sequence must be {SEQUENCE_DIGITS} digits, got {sequence[:40]!r}"
    return None


def _unknown(name: str) -> Refused:
    stem, _, version = name.rpartition(".v")
    if version.isdigit() and any(known.rpartition(".v")[0] == stem for known in FAMILIES):
        return Refused("unknown_version", f"{name[:200]}: this notifier reads another version of it")
    return Refused("unknown_type", f"{name[:200]} is not a type that this notifier knows")
