"""Request bodies into events: structured, binary and batched mode of the CloudEvents HTTP binding (1.0.2 §3).

Pure: a request that can't be read at all raises `Refused`; in a batch each event stands for itself.
"""

from collections.abc import Mapping

from ingest.domain.faults import Fault, Refusal, Refused, malformed, refuse
from ingest.handler import Item
from tenon.contracts import cloudevents
from tenon.contracts.cloudevents import BATCH, JSON, STRUCTURED, CloudEvent, NotCloudEvent
from tenon.contracts.codec import NotJson

MOST_EVENTS = 1_000
MOST_BYTES = 5 * 1024 * 1024
ACCEPTED_TYPES = (STRUCTURED, BATCH, JSON)


def media_type(headers: Mapping[str, str]) -> str:
    """Return the media type of a request; raise `Refused` (415) when it is none that is read."""
    sent = headers.get("content-type", "")
    kind, *parameters = (part.strip().lower() for part in sent.split(";"))
    charset = next((p.partition("=")[2].strip('"') for p in parameters if p.startswith("charset=")), "utf-8")
    if kind not in ACCEPTED_TYPES or charset not in ("utf-8", "us-ascii"):
        refuse(_unsupported("content-type", sent or "none", f"one of {', '.join(ACCEPTED_TYPES)}, in UTF-8"))
    encoding = headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        refuse(_unsupported("content-encoding", encoding, "no content-encoding"))
    return kind


def items_of(kind: str, headers: Mapping[str, str], body: bytes) -> list[Item]:
    """Return the events of a request in order; raise `Refused` when the whole can't be read."""
    if kind == BATCH:
        return _batch(body)
    try:
        event = cloudevents.from_structured(body) if kind == STRUCTURED else _binary(headers, body)
    except (NotCloudEvent, NotJson) as error:
        raise Refused(_malformed(error)) from error
    return [Item(event)]


def _batch(body: bytes) -> list[Item]:
    try:
        raws = cloudevents.split_batch(body)
    except NotJson as error:
        raise Refused(_malformed(error)) from error
    if len(raws) > MOST_EVENTS:
        fault = Fault("", f"{len(raws)} events", f"at most {MOST_EVENTS} events in a batch")
        refuse(
            Refusal(
                413,
                "too-large",
                "The batch is too large",
                f"{fault.reason}; expected {fault.expected}",
                (fault,),
            )
        )
    return [_item(raw) for raw in raws]


def _item(raw: bytes) -> Item:
    try:
        return Item(cloudevents.from_structured(raw))
    except (NotCloudEvent, NotJson) as error:
        return Item(None, _malformed(error))


def _binary(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    if not any(name.startswith("ce-") for name in headers):
        raise NotCloudEvent("specversion", f"no ce- headers; without them send {STRUCTURED} or {BATCH}")
    return cloudevents.from_http(headers, body)


def _malformed(error: NotCloudEvent | NotJson) -> Refusal:
    if isinstance(error, NotCloudEvent):
        return malformed(f"/{error.attribute}", error.reason, "a CloudEvent 1.0 with JSON data")
    return malformed("", str(error), "JSON (RFC 8259)")


def _unsupported(header: str, sent: str, expected: str) -> Refusal:
    fault = Fault("", f"{header}: {sent}", expected)
    return Refusal(
        415, "unsupported-media-type", "This is not read", f"{fault.reason}; expected {expected}", (fault,)
    )
