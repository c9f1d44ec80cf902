"""The errors in the interface's description: what each means, with a document as it is answered."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ingest import answers
from ingest.domain.faults import (
    Fault,
    Refusal,
    conflict,
    forbidden,
    invalid,
    malformed,
    too_large,
    unavailable,
)
from tenon.problems import MEDIA_TYPE, Problem

Json = dict[str, Any]

_REFUSALS: Mapping[int, tuple[str, Refusal]] = {
    400: (
        "Not JSON, not a CloudEvent, or a name twice in one object.",
        malformed([Fault("/source", "missing field", "text of 1 to 512 characters: who or what says it")]),
    ),
    403: (
        "The key may not say this.",
        forbidden("/data/party", "this key is not 'clinic-7''s", "'shandong-mills', whose key it is"),
    ),
    409: (
        "Another revision is in force.",
        conflict(
            "/data/revision",
            "revision 3 of site jinan-1 is in force with other content",
            "a revision above 3, or exactly the content of 3",
        ),
    ),
    413: (
        "Too large: a body above 5 MiB, a batch above 1,000 events, an event above 1 MiB.",
        too_large("1200000 bytes in the log's form", "at most 1032192 bytes"),
    ),
    415: (
        "Another media type, charset or encoding.",
        Refusal(
            415,
            "unsupported-media-type",
            "This is not read",
            "content-type: text/plain; expected one of application/cloudevents+json, …",
        ),
    ),
    422: (
        "The content is wrong; every fault is named.",
        invalid(
            [
                Fault("/data/windows/0/quantity", "negative", "a decimal number of at least 0"),
                Fault("/data/item/unit", "'KGS' is not a known unit", "'KGM', perhaps"),
            ]
        ),
    ),
    503: (
        "Not taken for now; see Retry-After.",
        unavailable("Kafka has not acknowledged it in time; send it again with the same id"),
    ),
}
_PROBLEMS: Mapping[int, tuple[str, Problem]] = {
    401: ("No key, or one that is not in force.", Problem(401, "this key is not in force")),
    404: (
        "There is no such thing that this key may see.",
        Problem(404, "there is no party 'clinic-7' that this key may see"),
    ),
    405: ("The address does not take this method; see Allow.", Problem(405)),
    408: ("The body did not arrive in time.", Problem(408, "the body did not arrive within 10000 ms")),
    414: (
        "The address with its query is too long.",
        Problem(414, "the address is too long; at most 8192 bytes of path and query"),
    ),
    429: (
        "This key sends too fast; see Retry-After.",
        Problem(429, "this key sends faster than it may; send it again later"),
    ),
    500: ("A fault of ours.", Problem(500, "the fault is ours; it has been logged")),
    **{code: (meaning, answers.problem(refusal)) for code, (meaning, refusal) in _REFUSALS.items()},
}
_HEADERS: Mapping[int, tuple[str, str, str]] = {
    401: ("WWW-Authenticate", "How to show a key.", "string"),
    405: ("Allow", "The methods it takes.", "string"),
    429: ("Retry-After", "Seconds to wait before sending it again.", "integer"),
    503: ("Retry-After", "Seconds to wait before sending it again.", "integer"),
}


def described(codes: Sequence[int], **told: tuple[str, Problem]) -> Json:
    """Return the responses of these statuses; `told` (`_409=…`) says what one means at this address."""
    return {str(code): _response(code, *told.get(f"_{code}", _PROBLEMS[code])) for code in codes}


def _response(code: int, meaning: str, problem: Problem) -> Json:
    example = msgspec.json.decode(msgspec.json.encode(problem.document))
    response: Json = {
        "description": meaning,
        "content": {
            MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}, "example": example}
        },
    }
    if code in _HEADERS:
        name, description, kind = _HEADERS[code]
        response["headers"] = {name: {"description": description, "schema": {"type": kind}}}
    return response
