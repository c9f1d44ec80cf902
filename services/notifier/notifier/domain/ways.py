"""What an event of a feed becomes on each way to a subscriber: which address, which form. Pure.

Who gets what is decided in `plan`, once for all ways; a way carries the same event under the same id and
number, so a subscriber may change from one way to another.
"""

from typing import Final, NamedTuple

import msgspec

from notifier.domain.selecting import Selection
from tenon.contracts.cloudevents import CloudEvent, to_kafka
from tenon.contracts.topics import party_topic
from tenon.records import OutRecord

_STATES: Final = ("tenon.offer.position.v1", "tenon.demand.position.v1", "tenon.resource.position.v1")
"""Events that are the whole state of their subject: the last is kept for whoever comes later."""


class Message(NamedTuple):
    """An event of a feed, on its way; `body` is the CloudEvent in JSON with its number."""

    number: int
    event_id: str
    type: str
    subject: str
    body: bytes


class Publication(NamedTuple):
    """What is published by MQTT. `retain`: the broker keeps it as the last of its topic."""

    topic: str
    payload: bytes
    retain: bool


class _Envelope(msgspec.Struct):
    sequence: str
    id: str
    source: str
    type: str
    time: str
    data: msgspec.Raw
    subject: str | None = None


_envelope: Final = msgspec.json.Decoder(_Envelope)


def due(messages: list[Message], wanted: Selection) -> list[Message]:
    """Return the messages that a subscriber wants, by whatever way."""
    return [each for each in messages if wanted.wants(each.type, each.body)]


def kafka_record(audience: str, message: Message) -> OutRecord:
    """Return the record of a party's topic: a CloudEvent in binary mode, keyed by its subject."""
    read = _envelope.decode(message.body)
    event = CloudEvent(
        read.id,
        read.source,
        read.type,
        bytes(read.data),
        read.time,
        read.subject,
        {"sequence": read.sequence},
    )
    key = (message.subject or message.event_id).encode()
    return OutRecord(party_topic(audience).name, key, event.data, to_kafka(event))


def mqtt_publication(prefix: str, audience: str, message: Message) -> Publication:
    """Return what is published: below the party's name by subject, or by type where there is no subject.

    States of offers and demands are kept by the broker; steps of dockings and alerts are not.
    """
    about = message.subject or message.type
    kind = "" if "/" in about or not message.subject else "docking/"
    return Publication(f"{prefix}{audience}/{kind}{about}", message.body, message.type in _STATES)
