"""What a sender is answered: one event, or a batch with a result for each of its events, in order.

A batch is 202 when at least one event was accepted and none has to be sent again; 422 when all were
rejected; 503 when at least one could not be taken for now: then the whole batch is sent again, because what
was accepted already has no second effect. In each case the results say which is which.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response

from ingest.domain.faults import Refusal
from ingest.handler import Item
from tenon.problems import MEDIA_TYPE, Fault, Problem, ProblemDocument

RETRY_AFTER_SECONDS = 1
_JSON = "application/json"
Status = Literal["accepted", "rejected", "unavailable"]


class EventAccepted(msgspec.Struct, frozen=True):
    """The event is safe: it is in the log, or committed on its way there."""

    id: str
    status: Literal["accepted"] = "accepted"


class EventResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one event of a batch. `unavailable`: not taken for now, send it again as it is."""

    index: Annotated[int, Meta(ge=0, description="Its place in the batch, from 0.")]
    status: Status
    id: Annotated[str, Meta(description="Absent where the event could not be read.")] | None = None
    problem: ProblemDocument | None = None


class BatchAccepted(msgspec.Struct, frozen=True):
    """A batch of which at least one event was accepted."""

    accepted: int
    rejected: int
    results: Sequence[EventResult]


class BatchProblem(ProblemDocument, frozen=True, kw_only=True):
    """A problem with a whole batch; `results` says what became of each event."""

    accepted: int
    rejected: int
    results: Sequence[EventResult]


def problem(refusal: Refusal) -> Problem:
    """Return a refusal as the problem document of a whole request."""
    headers = {"retry-after": str(RETRY_AFTER_SECONDS)} if refusal.status == 503 else None
    faults = [Fault(fault.pointer, fault.reason, fault.expected) for fault in refusal.faults]
    return Problem(
        refusal.status, refusal.detail, slug=refusal.name, title=refusal.title, errors=faults, headers=headers
    )


def of_event(item: Item) -> Response:
    """Return the answer to a request of one event."""
    if item.refusal is not None:
        return problem(item.refusal).response()
    assert item.event is not None
    return Response(msgspec.json.encode(EventAccepted(item.event.id)), 202, media_type=_JSON)


def of_batch(items: Sequence[Item]) -> Response:
    """Return the answer to a batch."""
    results = [_result(index, item) for index, item in enumerate(items)]
    accepted = sum(result.status == "accepted" for result in results)
    rejected = sum(result.status == "rejected" for result in results)
    if accepted + rejected < len(results):
        left = len(results) - accepted - rejected
        detail = f"{left} of {len(results)} events could not be taken; send the batch again"
        return _batch_problem(503, "unavailable", "Not available for the moment", detail, results)
    if results and not accepted:
        detail = f"none of the {len(results)} events was accepted; each result says why"
        return _batch_problem(422, "invalid-batch", "No event was accepted", detail, results)
    body = msgspec.json.encode(BatchAccepted(accepted, rejected, results))
    return Response(body, 202, media_type=_JSON)


def _result(index: int, item: Item) -> EventResult:
    event_id = item.event.id if item.event is not None else None
    if item.refusal is None:
        return EventResult(index, "accepted", event_id)
    status: Status = "unavailable" if item.refusal.status == 503 else "rejected"
    return EventResult(index, status, event_id, problem(item.refusal).document)


def _batch_problem(
    status: int, name: str, title: str, detail: str, results: Sequence[EventResult]
) -> Response:
    document = BatchProblem(
        type=f"/problems/{name}",
        title=title,
        status=status,
        detail=detail,
        accepted=sum(result.status == "accepted" for result in results),
        rejected=sum(result.status == "rejected" for result in results),
        results=results,
    )
    headers = {"retry-after": str(RETRY_AFTER_SECONDS)} if status == 503 else None
    return Response(msgspec.json.encode(document), status, headers, MEDIA_TYPE)
