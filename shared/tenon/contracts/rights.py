"""Who may do what on Kafka: a principal per service, and what each reads and writes. One table for all.

It follows from the writers and readers of the topics. Whoever makes topics and rights, repairs and replays
(`tenon` among them) is an administrator and needs no row.
"""

from dataclasses import dataclass
from typing import Final, Literal

from tenon.contracts.topics import TOPICS

SERVICES: Final = ("ingest", "matcher", "notifier")
AUDITOR: Final = "auditor"
"""Checks what the services wrote: it reads every topic and writes none."""
PRINCIPALS: Final = (*SERVICES, AUDITOR)
MATCHER_GROUP: Final = "tenon-matcher"
NOTIFIER_GROUP: Final = "tenon.notifier"
_GROUPS: Final = {"matcher": MATCHER_GROUP, "notifier": NOTIFIER_GROUP}


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """A principal may read or write a topic, or read as a member of a group; what is no right is refused.

    Both let the principal see that the topic or group exists, and writing lets it write idempotently.
    """

    principal: str
    kind: Literal["topic", "group"]
    name: str
    operation: Literal["read", "write"]


def rights() -> tuple[Right, ...]:
    """Return every right there is."""
    written = (Right(name, "topic", t.name, "write") for t in TOPICS for name in t.writers)
    read = (Right(name, "topic", t.name, "read") for t in TOPICS for name in (*t.readers, AUDITOR))
    member = (Right(name, "group", group, "read") for name, group in _GROUPS.items())
    found = {right for right in (*written, *read, *member) if right.principal in PRINCIPALS}
    return tuple(sorted(found))
