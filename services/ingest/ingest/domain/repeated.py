"""Names that stand twice in one object of a JSON text: which of the two counts would be the reader's choice.

RFC 8259 §4 calls the behaviour of such texts unpredictable, so none is taken.
"""

import json
from collections.abc import Iterator

import msgspec

from ingest.domain.faults import Fault, step

# A number beyond what a float holds is no fault here: what it counts is decided with its type.
_decoder: msgspec.json.Decoder[object] = msgspec.json.Decoder(object, float_hook=str)
_encoder = msgspec.json.Encoder()


class _Members(list[tuple[str, object]]):
    """The members of an object as they were sent, which a dict could not hold."""


def repeated_names(body: bytes, pointer: str = "") -> tuple[Fault, ...]:
    """Return a fault for each name that stands twice in its object; () for what is no JSON."""
    if _has_none(body):
        return ()
    try:
        sent = json.loads(body.decode(), object_pairs_hook=_Members, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return ()
    reason, expected = "this name stands in its object twice", "each name once"
    return tuple(Fault(at, reason, expected) for at in _repeated(sent, pointer))


def _has_none(body: bytes) -> bool:
    """True for nearly every text: read and written again, it has lost no member, so no colon."""
    if b"\\" in body:
        return False
    try:
        return _encoder.encode(_decoder.decode(body)).count(b":") == body.count(b":")
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return False


def _repeated(value: object, pointer: str) -> Iterator[str]:
    if isinstance(value, _Members):
        seen: set[str] = set()
        for name, inner in value:
            at = pointer + step(name)
            if name in seen:
                yield at
            seen.add(name)
            yield from _repeated(inner, at)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _repeated(inner, pointer + step(index))
