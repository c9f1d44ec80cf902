"""Request bodies into events: structured, binary and batched mode of the CloudEvents HTTP binding (1.0.2 §3).

Pure: a request that can't be read at all raises `Refused`; in a batch each event stands for itself.
"""

from collections.abc import Mapping

from ingest.domain.envelope import envelope_faults
from ingest.domain.faults import Fault, Refusal, Refused, malformed, not_json, refuse, step
from ingest.domain.repeated import repeated_names
from ingest.handler import Item
from tenon.contracts import cloudevents
from tenon.contracts.cloudevents import (
    BATCH,
    JSON,
    STRUCTURED,
    CloudEvent,
    NotCloudEvent,
    TooManyEvents,
)
from tenon.contracts.codec import NotJson

MOST_EVENTS = 1_000
"""Most events of a batch."""
MOST_BYTES = 5 * 1024 * 1024
"""Most bytes of a request's body."""
MOST_EVENT_BYTES = 1024 * 1024
"""Most bytes of one event, with its spaces: the log's form of it, without them, has its own limit."""
ACCEPTED_TYPES = (STRUCTURED, BATCH, JSON)


def media_type(headers: Mapping[str, str]) -> str:
    """Return the media type of a request; raise `Refused` (415) when it is none that is read."""
    sent = headers.get("content-type", "")
    kind, *parameters = (part.strip().lower() for part in sent.split(";"))
    charset = next((p.partition("=")[2].strip('"') for p in parameters if p.startswith("charset=")), "utf-8")
    if kind not in ACCEPTED_TYPES or charset not in ("utf-8", "us-ascii"):
        refuse(_unsupported(sent or "none"))
    return kind


def items_of(kind: str, headers: Mapping[str, str], body: bytes) -> list[Item]:
    """Return the events of a request in order; raise `Refused` when the whole can't be read."""
    if kind == BATCH:
        return _batch(body)
    return [Item(_structured(body) if kind == STRUCTURED else _binary(headers, body))]


def _batch(body: bytes) -> list[Item]:
    try:
        raws = cloudevents.split_batch(body, MOST_EVENTS)
    except NotJson as error:
        raise Refused(not_json("", error, "a JSON array of events")) from error
    except TooManyEvents as error:
        raise Refused(_too_large("The batch is too large", str(error), f"at most {MOST_EVENTS}")) from error
    return [_item(raw) for raw in raws]


def _item(raw: bytes) -> Item:
    try:
        return Item(_structured(raw))
    except Refused as refused:
        return Item(None, refused.refusal)


def _structured(raw: bytes) -> CloudEvent:
    _check_size(raw)
    try:
        event = cloudevents.from_structured(raw)
    except NotCloudEvent as error:
        raise Refused(malformed(envelope_faults(raw) or [_fault(error)])) from error
    except NotJson as error:
        raise Refused(not_json("", error, "JSON (RFC 8259)")) from error
    _refuse_repeated(raw, "")
    return event


def _binary(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    if not any(name.startswith("ce-") for name in headers):
        expected = f"ce-specversion, ce-id, ce-source and ce-type; or send {STRUCTURED} or {BATCH}"
        refuse(malformed([Fault("", "no ce- headers", expected)]))
    _check_size(body)
    try:
        event = cloudevents.from_http(headers, body)
    except NotCloudEvent as error:
        raise Refused(malformed([_fault(error)])) from error
    _refuse_repeated(body, "/data")
    return event


def _check_size(raw: bytes) -> None:
    if len(raw) > MOST_EVENT_BYTES:
        expected = f"at most {MOST_EVENT_BYTES} bytes"
        refuse(_too_large("The event is too large", f"{len(raw)} bytes", expected))


def _refuse_repeated(body: bytes, pointer: str) -> None:
    faults = repeated_names(body, pointer)
    if faults:
        refuse(malformed(faults))


def _fault(error: NotCloudEvent) -> Fault:
    return Fault(step(error.attribute), error.reason, "a CloudEvent 1.0 with JSON data")


def _unsupported(sent: str) -> Refusal:
    expected = f"one of {', '.join(ACCEPTED_TYPES)}, in UTF-8"
    fault = Fault("", f"content-type: {sent}", expected)
    return Refusal(
        415, "unsupported-media-type", "This is not read", f"{fault.reason}; expected {expected}", (fault,)
    )


def _too_large(title: str, reason: str, expected: str) -> Refusal:
    fault = Fault("", reason, expected)
    return Refusal(413, "too-large", title, f"{reason}; expected {expected}", (fault,))
