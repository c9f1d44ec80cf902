"""What is wrong with the attributes of a CloudEvent in its JSON format that could not be read."""

from collections.abc import Iterator, Mapping

from ingest.domain.faults import Fault, step
from ingest.domain.shape import json_name
from tenon.contracts.codec import parse

_REQUIRED = {
    "specversion": "'1.0'",
    "id": "text of 1 to 512 characters, unique for its source",
    "source": "text of 1 to 512 characters: who or what says it",
    "type": "one of the types that /docs lists",
}
_OPTIONAL = {
    "time": "RFC 3339 with an offset, or no such member",
    "subject": "text, or no such member",
    "datacontenttype": "'application/json', or no such member",
    "data_base64": "no such member: data is given as JSON, in data",
}


def envelope_faults(body: bytes) -> tuple[Fault, ...]:
    """Return each attribute at fault of a JSON text that is no CloudEvent."""
    value = parse(body)
    if not isinstance(value, Mapping):
        return (Fault("", f"got {json_name(value)}", "an object: a CloudEvent 1.0 in its JSON format"),)
    return (*_required(value), *_optional(value))


def _required(event: Mapping[str, object]) -> Iterator[Fault]:
    for name, expected in _REQUIRED.items():
        sent = event.get(name)
        if name not in event:
            yield Fault(step(name), "missing field", expected)
        elif not isinstance(sent, str):
            yield Fault(step(name), f"got {json_name(sent)}", expected)
        elif not 1 <= len(sent) <= 512:
            yield Fault(step(name), f"{len(sent)} characters", expected)


def _optional(event: Mapping[str, object]) -> Iterator[Fault]:
    for name, expected in _OPTIONAL.items():
        sent = event.get(name)
        if sent is not None and not isinstance(sent, str):
            yield Fault(step(name), f"got {json_name(sent)}", expected)
