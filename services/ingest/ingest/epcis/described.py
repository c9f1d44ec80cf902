"""How the addresses of EPCIS are described: what they take and show, with an example of each."""

from typing import Any

from ingest.errors import described
from ingest.shown import ref
from tenon.problems import Problem

_ORDER_ID = "https://acme.example/po/4711"
EXAMPLE: dict[str, Any] = {
    "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
    "type": "EPCISDocument",
    "schemaVersion": "2.0",
    "creationDate": "2030-01-07T08:00:01Z",
    "epcisBody": {
        "eventList": [
            {
                "type": "ObjectEvent",
                "eventID": "urn:uuid:7a0f5c52-6f0b-4a52-9a7f-3a4f0b1f6f01",
                "eventTime": "2030-01-07T08:00:00Z",
                "eventTimeZoneOffset": "+01:00",
                "action": "OBSERVE",
                "bizStep": "shipping",
                "readPoint": {"id": "urn:epc:id:sgln:0614141.00777.0"},
                "quantityList": [
                    {"epcClass": "urn:epc:class:lgtin:4012345.012345.77", "quantity": 200, "uom": "KGM"}
                ],
                "bizTransactionList": [{"type": "po", "bizTransaction": _ORDER_ID}],
            }
        ]
    },
}
_JOB = {
    "captureID": "5d0e9d0b-7c4a-4f1d-9b6e-3c0f4f0a58a5",
    "createdAt": "2030-01-07T08:00:02Z",
    "finishedAt": "2030-01-07T08:00:02Z",
    "running": False,
    "success": True,
    "captureErrorBehaviour": "rollback",
    "events": {"new": 1, "repeated": 0, "takenBack": 0, "refused": 0},
    "errors": [],
}
_ENTRY = {
    "item": "https://id.gs1.org/01/04012345123456/10/77",
    "place": "https://id.gs1.org/414/0614141007776",
    "unit": "KGM",
    "quantity": 1800,
    "produced": 2000,
    "changed_at": "2030-01-07T08:00:02Z",
}
_ORDER = {"docking": "3-118-1", "class": {"scheme": "hs", "code": "720839"}, "unit": "KGM"}
_SHOWN = {**_ORDER, "shipped": 200, "received": 0}
_ABOUT = """
An EPCISDocument, an EPCISQueryDocument, a list of events, or one event with its `@context` (EPCIS 2.0,
JSON-LD). Events are the key's party's. 202 means that the document is worked off: the job in the answer says
what became of each event. Where one is refused, all are (`rollback`), or the others are taken (`proceed`), as
`GS1-Capture-Error-Behaviour` says. A document may be sent again: what is held already counts once.
"""
_STOCK = {
    "type": "object",
    "required": ["stock", "next"],
    "properties": {
        "stock": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["item", "place", "unit", "quantity", "produced", "changed_at"],
                "properties": {
                    "item": {"type": "string", "description": "The class, or an instance without one."},
                    "place": {
                        "type": ["string", "null"],
                        "description": "bizLocation, else readPoint; null: events that name neither.",
                    },
                    "unit": {"type": "string", "description": "As sent; C62 for what is counted."},
                    "quantity": {
                        "type": ["number", "string"],
                        "description": "Below 0 where more left than is known to have come.",
                    },
                    "produced": {
                        "type": ["number", "string"],
                        "description": "What transformations made there, in all.",
                    },
                    "changed_at": {"type": "string", "format": "date-time"},
                },
            },
        },
        "next": {"type": ["string", "null"], "description": "Ask again with after= this."},
    },
}
_PARTYS = (
    "The administrator has no events.",
    Problem(403, "events are captured with the key of the party that they are of"),
)


def _answer(code: int, text: str, example: object, schema: object) -> dict[int, Any]:
    content = {"application/json": {"schema": schema, "example": example}}
    return {code: {"description": text, "content": content}}


def _shown(summary: str, example: object, schema: object, *codes: int) -> dict[str, Any]:
    errors = described(sorted({401, 404, 405, 500, 503, *codes}))
    responses: dict[Any, Any] = {**_answer(200, "Shown.", example, schema), **errors}
    return {"summary": summary, "response_model": None, "responses": responses}


_BEHAVIOUR = {
    "name": "GS1-Capture-Error-Behaviour",
    "in": "header",
    "required": False,
    "description": "What becomes of the rest where an event is refused.",
    "schema": {"type": "string", "enum": ["rollback", "proceed"], "default": "rollback"},
}
CAPTURE: dict[str, Any] = {
    "summary": "Capture a document of EPCIS",
    "description": _ABOUT,
    "status_code": 202,
    "response_model": None,
    "openapi_extra": {
        "parameters": [_BEHAVIOUR],
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": {"type": ["object", "array"]}, "example": EXAMPLE}
                for kind in ("application/json", "application/ld+json")
            },
        },
    },
    "responses": {
        **_answer(202, "Worked off; Location is the job's.", _JOB, ref("CaptureJob")),
        **described((400, 401, 403, 405, 408, 413, 415, 429, 500, 503), _403=_PARTYS),
    },
}
JOB = _shown("What became of a document", _JOB, ref("CaptureJob"))
STOCK = _shown(
    "What a party has, by item, place and unit",
    {"stock": [_ENTRY], "next": f"{_ENTRY['item']} {_ENTRY['place']} {_ENTRY['unit']}"},
    _STOCK,
    422,
)
ORDER = _shown("What an order stands for, and how far it is", _SHOWN, ref("OrderShown"))
PUT_ORDER = _shown(
    "Say which docking an order stands for", _SHOWN, ref("OrderShown"), 400, 408, 413, 415, 422
)
PUT_ORDER["description"] = (
    "The name of the order is the `bizTransaction` (type `po` or `desadv`) that events give it, as part of"
    " the address. What was shipped or received before counts too. Several orders may stand for one docking."
)
PUT_ORDER["openapi_extra"] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": ref("Order"), "example": _ORDER}},
    }
}
