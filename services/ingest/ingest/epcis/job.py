"""A capture job as the standard shows it: what became of a document."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct, field

from ingest.domain.faults import MAX_FAULTS
from ingest.formats.epcis.ledger import Taken
from tenon.problems import Fault

Behaviour = Literal["rollback", "proceed"]
_TYPES = {
    "invalid": ("epcisException:ValidationException", "The event is not valid", 400),
    "clash": ("/problems/epcis-clash", "Another event has this name", 409),
}


class CaptureError(Struct, frozen=True):
    """Why an event was not taken."""

    type: str
    title: str
    status: int
    detail: str
    errors: Sequence[Fault]


class EventCounts(Struct, frozen=True, rename="camel"):
    """How many events of the document became what; what was rolled back counts as it would have ended."""

    new: int
    repeated: int
    taken_back: int
    refused: int


class CaptureJob(Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of a document. It ends before it is answered: `running` is always false."""

    capture_id: UUID = field(name="captureID")
    created_at: datetime
    finished_at: datetime
    running: bool = False
    success: bool
    capture_error_behaviour: Behaviour
    events: EventCounts
    errors: Sequence[CaptureError] = ()


def job_of(capture: UUID, at: datetime, behaviour: Behaviour, taken: Sequence[Taken]) -> CaptureJob:
    """Return the job of a document whose events became this; of at most 50 it says why not."""
    counts = Counter(each.outcome for each in taken)
    refused = [each for each in taken if each.faults]
    return CaptureJob(
        capture_id=capture,
        created_at=at,
        finished_at=at,
        success=not refused,
        capture_error_behaviour=behaviour,
        events=EventCounts(counts["new"], counts["repeated"], counts["taken_back"], len(refused)),
        errors=[_error(each) for each in refused[:MAX_FAULTS]],
    )


def _error(taken: Taken) -> CaptureError:
    kind, title, status = _TYPES[taken.outcome]
    first = taken.faults[0]
    detail = f"{first.pointer or 'body'}: {first.reason}; expected {first.expected}"
    faults = [Fault(each.pointer, each.reason, each.expected) for each in taken.faults[:MAX_FAULTS]]
    return CaptureError(kind, title, status, detail, faults)


def shown(job: CaptureJob) -> bytes:
    """Return a job as it is answered."""
    return msgspec.json.encode(job)
