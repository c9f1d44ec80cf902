"""A database restored from a backup is older than what Kafka was told: how services catch up with that.

Each service owns its part, an async function named by an entry point of the group `tenon.restores` (its name
is the service's, as that of its schema is). `tenon restore` finds and runs them; neither it nor this module
knows what a service keeps. A part works alone: it refuses while processes of its service are connected, and
whoever was frozen meanwhile is fenced by what the part raises (epochs, leases).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tenon.db import Database
from tenon.errors import Misconfigured, Transient
from tenon.kafka import KafkaSettings
from tenon.retry import retrying

GROUP: Final = "tenon.restores"
_PATIENCE_MS: Final = 3_000
_OTHERS: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND application_name = current_setting('application_name')
"""


@dataclass(frozen=True, slots=True)
class Job:
    """What a part is given. `check`: change nothing, only `tell` (a line for people) what would be done."""

    kafka: KafkaSettings
    database_url: str
    tell: Callable[[str], None]
    check: bool


Part = Callable[[Job], Awaitable[int]]
"""Returns how many things it caught up with, 0 when the database was up to date."""


async def alone(database: Database) -> None:
    """Return when no other process of the service is connected; to be called before anything else.

    Raises `Misconfigured` when one still is after a moment: one that was killed is gone by then.
    """

    async def look() -> None:
        others = await database.fetchval(_OTHERS)
        if others:
            raise Transient(f"{others} connections of {database.schema} are open")

    try:
        await retrying("wait for the service to be gone", look, deadline_ms=_PATIENCE_MS)
    except Transient as error:
        raise Misconfigured(f"{error}: stop every {database.schema} first, then run this again") from error
