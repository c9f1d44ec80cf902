"""The description of ingest's interface (OpenAPI 3.1): schemas from the types that decode, examples, errors.

FastAPI describes the registry's addresses; `POST /v1/events`, which it does not see, and the error
documents of all addresses are added here.
"""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from ingest import examples
from ingest.answers import BatchAccepted, BatchProblem, EventAccepted
from ingest.catenax.schemas import CATENAX
from ingest.epcis.schemas import EPCIS
from ingest.errors import described
from ingest.mtconnect.shown import MTCONNECT
from ingest.shown import KeyLabel
from tenon.contracts.cloudevents import BATCH, JSON, STRUCTURED
from tenon.contracts.families import INTAKE, Family
from tenon.contracts.units import UNITS
from tenon.problems import MEDIA_TYPE, ProblemDocument

TITLE = "Tenon ingest"
VERSION = version("tenon-ingest")
Json = dict[str, Any]

_ABOUT = """
Where factories, buyers and platforms tell Tenon what they can supply and what they require.

Everything is an event: a full state with a `revision` of the sender's own. The same revision with the same
content may be sent any number of times; a higher one takes the place of the one before. **202 means that the
event is safe.** After 429 and 503 (see `Retry-After`) or a lost connection, send the same events again, with
the same ids: a repetition has no second effect.

Every error is a problem document (RFC 9457) whose `errors` name each fault: `pointer` (RFC 6901, into the
event in its JSON format), `reason`, and what was `expected`.
"""

_EVENTS = """
Send one event or a batch of up to 1,000, at most 5 MiB. Three forms of CloudEvents 1.0 over HTTP are read:

* `application/cloudevents+json`: one event,
* `application/cloudevents-batch+json`: an array of events,
* `application/json` with `ce-` headers (`ce-specversion`, `ce-id`, `ce-source`, `ce-type`): the data of one
  event.

A batch is answered with one result per event, in order: 202 when at least one was accepted and none has to be
sent again, 422 when all were rejected, 503 when some could not be taken for now (send the whole batch again).

Quantities are decimals in the item's unit (UN/ECE Recommendation 20), prices decimal strings with an ISO 4217
code per unit, times RFC 3339 with an offset. Fields that are not described here are refused.

Units that are converted: {units}.

Accepted and stored, but **not yet acted on**: {not_yet}. Quantities are gross; `basis: net` is refused
until it is acted on.
"""
_NOT_YET: Mapping[str, tuple[str, ...]] = {
    "OfferPublished": ("minimum_order", "lot", "change_over", "reconfirm_every_s"),
    "DemandPublished": ("all_or_nothing", "at_most_suppliers", "preferred", "kit"),
    "Item": ("attributes", "constraints"),
}

_ERRORS = (400, 401, 403, 405, 408, 409, 413, 415, 422, 429, 500, 503)


def describe(app: FastAPI) -> None:
    """Give an app its complete description, made when it is first asked for."""

    @cache
    def complete() -> Json:
        document = get_openapi(title=TITLE, version=VERSION, description=_ABOUT, routes=app.routes)
        for path in document["paths"].values():
            for operation in path.values():
                _without_framework(operation)
        document["paths"]["/v1/events"] = {"post": _post_events()}
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        schemas.update(_schemas())
        document["components"]["securitySchemes"] = {
            "key": {
                "type": "http",
                "scheme": "bearer",
                "description": "A party's API key, or the administrator's.",
            }
        }
        document["security"] = [{"key": []}]
        document["paths"] = dict(sorted(document["paths"].items()))
        return document

    app.openapi = complete  # type: ignore[method-assign]


def _without_framework(operation: Json) -> None:
    """Take away the framework's own error document, which nobody is answered with."""
    told = operation["responses"].get("422", {}).get("content", {})
    if "application/json" in told:
        del operation["responses"]["422"]


def _post_events() -> Json:
    accepted = {"oneOf": [_ref("EventAccepted"), _ref("BatchAccepted")]}
    responses = {
        "202": {"description": "Safe.", "content": {JSON: {"schema": accepted, "examples": _answers()}}}
    }
    return {
        "tags": ["events"],
        "summary": "Send events",
        "description": _EVENTS.format(units=", ".join(sorted(UNITS)), not_yet=_not_yet()),
        "operationId": "post_events",
        "parameters": [_header(name, text) for name, text in _HEADERS.items()],
        "requestBody": {"required": True, "content": _bodies()},
        "responses": {**responses, **_errors()},
    }


_HEADERS = {
    "ce-specversion": "Binary mode: 1.0.",
    "ce-id": "Binary mode: the event's id, unique for its source.",
    "ce-source": "Binary mode: who or what says it.",
    "ce-type": "Binary mode: the event's type.",
    "ce-time": "Binary mode: when it happened, RFC 3339.",
    "ce-subject": "Binary mode: what it is about.",
}


def _header(name: str, text: str) -> Json:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": text,
        "schema": {"type": "string"},
    }


def _bodies() -> Json:
    one = {
        family.name: {"summary": _first_line(family), "value": examples.event(family.name)}
        for family in INTAKE
    }
    data = {
        family.name: {"summary": f"with ce-type: {family.name}", "value": examples.EXAMPLES[family.name]}
        for family in INTAKE
    }
    two = [examples.event("tenon.site.published.v1"), examples.event("tenon.offer.published.v1")]
    return {
        STRUCTURED: {"schema": _ref("Event"), "examples": one},
        BATCH: {
            "schema": {"type": "array", "maxItems": 1000, "items": _ref("Event")},
            "examples": {"a site and its offer": {"value": two}},
        },
        JSON: {"schema": {"anyOf": [_ref(family.data.__name__) for family in INTAKE]}, "examples": data},
    }


def _answers() -> Json:
    fault = {
        "pointer": "/data/windows/0/quantity",
        "reason": "negative",
        "expected": "a decimal number of at least 0",
    }
    problem = {
        "type": "/problems/invalid-event",
        "title": "The event is not valid",
        "status": 422,
        "detail": "/data/windows/0/quantity: negative; expected a decimal number of at least 0",
        "errors": [fault],
    }
    results = [
        {"index": 0, "status": "accepted", "id": "a-1"},
        {"index": 1, "status": "rejected", "id": "a-2", "problem": problem},
    ]
    return {
        "one event": {"value": {"id": "a-1", "status": "accepted"}},
        "a batch": {"value": {"accepted": 1, "rejected": 1, "results": results}},
    }


def _errors() -> Json:
    """Return the errors; where a batch was refused as a whole, its results are in the document."""
    errors = described(_ERRORS)
    for code in ("422", "503"):
        told = errors[code]["content"][MEDIA_TYPE]
        told["schema"] = {"anyOf": [_ref("BatchProblem"), told["schema"]]}
    return errors


def _schemas() -> Json:
    answers = (
        EventAccepted,
        BatchAccepted,
        BatchProblem,
        ProblemDocument,
        KeyLabel,
        *CATENAX,
        *MTCONNECT,
        *EPCIS,
    )
    types = [family.data for family in INTAKE]
    _, components = msgspec.json.schema_components(
        (*types, *answers), ref_template="#/components/schemas/{name}"
    )
    events = {f"{family.data.__name__}Event": _event_schema(family) for family in INTAKE}
    mapping = {family.name: f"#/components/schemas/{family.data.__name__}Event" for family in INTAKE}
    event = {
        "oneOf": [_ref(name) for name in events],
        "discriminator": {"propertyName": "type", "mapping": mapping},
    }
    # Through JSON: defaults are Python values where the types have them.
    plain: Json = msgspec.json.decode(msgspec.json.encode({**components, **events, "Event": event}))
    _allow_numbers(plain)
    _mark_not_yet(plain)
    return plain


def _not_yet() -> str:
    owners = {"OfferPublished": "of an offer", "DemandPublished": "of a demand", "Item": "of an item"}
    named = ((owners[kind], ", ".join(f"`{name}`" for name in names)) for kind, names in _NOT_YET.items())
    return "; ".join(f"{owner} {names}" for owner, names in named)


def _mark_not_yet(schemas: Json) -> None:
    """Say it at each field too, for whoever reads only that."""
    for kind, names in _NOT_YET.items():
        for name in names:
            field = schemas[kind]["properties"][name]
            field["description"] = f"{field.get('description', '')} Not yet acted on.".strip()


def _allow_numbers(schema: object) -> None:
    """Say that decimals are numbers too: msgspec describes the text form alone, whatever the type adds."""
    if isinstance(schema, dict):
        if schema.get("format") == "decimal":
            schema["type"] = ["number", "string"]
        for inner in schema.values():
            _allow_numbers(inner)
    elif isinstance(schema, list):
        for inner in schema:
            _allow_numbers(inner)


def _event_schema(family: Family) -> Json:
    text = {"type": "string", "minLength": 1, "maxLength": 512}
    sender = "the administrator" if family.sender == "administrator" else "a party, for itself"
    return {
        "title": family.name,
        "description": f"{_first_line(family)} Sent by {sender}.",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text,
            "source": text,
            "type": {"const": family.name},
            "time": {"type": "string", "format": "date-time"},
            "subject": {"type": "string", "maxLength": 512},
            "datacontenttype": {"type": "string", "enum": ["application/json"]},
            "data": _ref(family.data.__name__),
        },
        "additionalProperties": {"type": ["string", "boolean", "integer"]},
    }


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _first_line(family: Family) -> str:
    return (family.data.__doc__ or "").strip().splitlines()[0]
