"""What could not be used, and what came too late: told to whoever sent it, kept for operators."""

from typing import Annotated, Literal

from msgspec import Meta

from tenon.contracts.dockings import DockingStatus
from tenon.contracts.values import Id, Instant, Note, Revision, Shape

REJECTED_TYPE = "tenon.event.rejected.v1"
MAX_KEPT_BYTES = 600_000

RejectionCode = Literal[
    "not_cloudevents",
    "not_json",
    "unknown_type",
    "unknown_version",
    "invalid_data",
    "wrong_market",
    "not_owner",
    "unknown_entity",
    "market_moved",
    "too_large",
]


def source_key(topic: str, partition: int) -> str:
    """Return the key of reports on a partition: each partition counts its sequence by itself."""
    return f"{topic}/{partition}"


class Origin(Shape, frozen=True, kw_only=True):
    """Where the record stands."""

    topic: str
    partition: int
    offset: int
    key: str | None = None
    event_id: str | None = None
    event_type: str | None = None
    party: str | None = None


class EventRejected(Shape, frozen=True, kw_only=True):
    """A record that a service could not use. `data_base64` is its value, cut at 600,000 bytes."""

    service: Literal["ingest", "matcher", "notifier"]
    code: RejectionCode
    detail: Note
    origin: Origin
    at: Instant
    headers: dict[str, str] = {}
    data_base64: str = ""
    truncated: bool = False


class EventSuperseded(Shape, frozen=True, kw_only=True):
    """A statement older than the one in force, or another content under the same revision."""

    kind: Literal["offer", "demand", "resource", "site", "party", "routes", "policy", "progress"]
    party: Id
    id: Annotated[str, Meta(max_length=129)]
    revision: Revision
    present_revision: Revision
    same_revision_other_content: bool = False
    at: Instant


class AnswerRefused(Shape, frozen=True, kw_only=True):
    """An answer or a progress report that came too late, or from someone who may not give it."""

    party: Id
    docking: Id
    docking_revision: Revision
    code: Literal["unknown_docking", "not_a_side", "too_late", "not_allowed", "not_possible"]
    detail: Note
    present_status: DockingStatus | None = None
    present_revision: Revision | None = None
    at: Instant
