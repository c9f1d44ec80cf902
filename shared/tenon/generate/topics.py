"""The page on topics, from the topics table and the event families."""

from tenon.contracts.families import FAMILIES, INTAKE, TO_OWNERS, Family
from tenon.contracts.topics import PARTY, TOPICS, Topic
from tenon.generate.markdown import NOTICE, code, table

_DAY_MS = 86_400_000
_INTRO = """# Topics and events

Records on Kafka are CloudEvents 1.0 in binary content mode: attributes in `ce_` headers, JSON data as the
value. Structured mode is read too. `ce_sequence`, where there is one, rises strictly for each key: keep the
highest and ignore lower ones, then a repeated or late record changes nothing.
"""


def page() -> str:
    """Return the page."""
    return "\n".join(
        [
            NOTICE,
            _INTRO,
            table(
                ("topic", "what", "key", "partitions", "kept", "largest record", "written by", "read by"),
                (_topic_row(topic) for topic in (*TOPICS, PARTY)),
            ),
            "## Events on the topics\n",
            table(
                ("type", "topic", "sent by", "meaning"),
                (_family_row(family) for family in FAMILIES.values() if family.topic),
            ),
            "## Events that owners of subscriptions get\n",
            "By the ways that they subscribed to, and in their streams; on no topic of all.\n",
            table(("type", "meaning"), ((_schema_link(f), _meaning(f)) for f in TO_OWNERS)),
            "## Events that ingest accepts\n",
            "Over HTTP, `POST /v1/events`. Those on no topic above are turned into another type, or go\n"
            "to the registry, before they reach the log.\n",
            table(("type", "may be sent by", "meaning"), (_intake_row(family) for family in INTAKE)),
        ]
    )


def _topic_row(topic: Topic) -> tuple[str, ...]:
    return (
        code(topic.name),
        topic.meaning,
        topic.key,
        str(topic.partitions) if topic.partitions else "as the market table says",
        _kept(topic),
        f"{topic.max_message_bytes:,} B",
        ", ".join(topic.writers) or "nobody yet",
        ", ".join(topic.readers) or "nobody yet",
    )


def _kept(topic: Topic) -> str:
    if topic.compacted:
        return "the last of each key"
    return f"{topic.retention_ms // _DAY_MS} days" if topic.retention_ms else "for ever"


def _family_row(family: Family) -> tuple[str, ...]:
    assert family.topic
    return _schema_link(family), code(family.topic.name), family.sender, _meaning(family)


def _intake_row(family: Family) -> tuple[str, ...]:
    return _schema_link(family), family.sender, _meaning(family)


def _schema_link(family: Family) -> str:
    return f"[`{family.name}`](events/{family.name}.schema.json)"


def _meaning(family: Family) -> str:
    return (family.data.__doc__ or "").split("\n\n")[0]
