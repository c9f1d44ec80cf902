"""The AsyncAPI 3 document of every topic: which messages are on it, who writes and who reads them.

In JSON, as the schemas that it refers to.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

from tenon.contracts.families import FAMILIES, PUBLISHED, TO_OWNERS, Family
from tenon.contracts.topics import PARTY, TOPICS, Topic

PATH: Final = "contracts/asyncapi.json"
_ABOUT: Final = (
    "Tenon on Kafka: CloudEvents 1.0 in binary content mode, attributes in `ce_` headers, JSON data as the"
    " value. `ce_sequence`, where there is one, rises strictly for each key: keep the highest and ignore"
    " lower ones, then a repeated or late record changes nothing. Names may have a"
    " prefix (`TENON_TOPIC_PREFIX`)."
)
_DIALECT: Final = "application/schema+json;version=draft-2020-12"
_ATTRIBUTES: Final = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": {"type": "string", "description": "The same whenever the event is sent again."},
    "ce_source": {"type": "string"},
    "ce_type": {"type": "string"},
    "ce_time": {"type": "string", "format": "date-time"},
    "ce_subject": {"type": "string"},
    "ce_sequence": {"type": "string", "pattern": "^[0-9]{20}$"},
    "ce_market": {"type": "string"},
    "ce_party": {"type": "string", "description": "Whose statement it is."},
}


def text() -> str:
    """Return the document."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def document() -> dict[str, Any]:
    """Return the document as values."""
    topics = [topic for topic in (*TOPICS, PARTY) if _families(topic)]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tenon",
            "version": "1.0.0",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {_name(topic): _channel(topic) for topic in topics},
        "operations": {name: operation for topic in topics for name, operation in _operations(topic)},
        "components": {
            "messages": {family.name: _message(family) for family in FAMILIES.values() if _told(family)},
            "messageTraits": {"cloudevent": {"headers": {"type": "object", "properties": _ATTRIBUTES}}},
        },
    }


def _families(topic: Topic) -> list[Family]:
    """Return what is on a topic; a party's has what parties are told."""
    if topic is PARTY:
        silent = ("tenon.party.state.v1", "tenon.round.decided.v1")
        return [family for family in (*PUBLISHED, *TO_OWNERS) if family.name not in silent]
    return [family for family in FAMILIES.values() if family.topic is topic]


def _told(family: Family) -> bool:
    return family.topic is not None or family in TO_OWNERS


def _name(topic: Topic) -> str:
    return topic.name.replace("ID", "{party}")


def _channel(topic: Topic) -> dict[str, Any]:
    messages = {f.name: {"$ref": f"#/components/messages/{f.name}"} for f in _families(topic)}
    kafka = {
        "partitions": topic.partitions,
        "topicConfiguration": {
            "cleanup.policy": ["compact" if topic.compacted else "delete"],
            "retention.ms": -1 if topic.retention_ms is None else topic.retention_ms,
            "max.message.bytes": topic.max_message_bytes,
        },
        "bindingVersion": "0.5.0",
    }
    party = {
        "parameters": {"party": {"description": "The party's id, `.`, `_` and `:` as `_` and their code."}}
    }
    return {
        "address": _name(topic),
        "description": f"{topic.meaning[0].upper()}{topic.meaning[1:]}. Keyed by {topic.key}.",
        "messages": messages,
        **(party if topic is PARTY else {}),
        "bindings": {"kafka": {name: value for name, value in kafka.items() if value is not None}},
    }


def _operations(topic: Topic) -> Iterable[tuple[str, dict[str, Any]]]:
    readers = ("integrator",) if topic is PARTY else topic.readers
    for action, who in (("send", topic.writers), ("receive", readers)):
        for name in who:
            yield (
                f"{name}.{action}.{topic.name.removesuffix('.v1')}",
                {"action": action, "channel": {"$ref": "#/channels/" + _escaped(topic)}, "summary": name},
            )


def _escaped(topic: Topic) -> str:
    return _name(topic).replace("~", "~0").replace("/", "~1")


def _message(family: Family) -> dict[str, Any]:
    return {
        "name": family.name,
        "summary": (family.data.__doc__ or "").split("\n\n")[0],
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudevent"}],
        "payload": {
            "schemaFormat": _DIALECT,
            "schema": {"$ref": f"./events/{family.name}.schema.json"},
        },
    }
