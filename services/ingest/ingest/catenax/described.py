"""How the addresses of Catena-X are described: what they take and show, with an example of each."""

from typing import Any

from ingest.catenax.examples import (
    CUSTOMER,
    DEMAND_ID,
    EXAMPLES,
    GROUP_ID,
    RELATION,
    SITE,
    SUPPLIER,
    WEEK,
)
from ingest.errors import described
from ingest.formats.catenax.aspects import SHORT_TERM, UPDATE, AspectType
from ingest.formats.catenax.notification import NAME
from ingest.formats.catenax.reading import LIST
from ingest.shown import FORBIDDEN, ref
from tenon.problems import Problem

_NEXT = f"{SUPPLIER}/{CUSTOMER}/{DEMAND_ID}"
_HEADER = {
    "header": {
        "messageId": "3b4edc05-e214-47a1-b0c2-1d831cdd9ba9",
        "context": "urn:samm:io.catenax.week_based_material_demand:3.0.1",
        "sentDateTime": "2029-12-01T08:00:05Z",
        "senderBpn": CUSTOMER,
        "receiverBpn": SUPPLIER,
        "version": "3.0.0",
    }
}
_ABOUT = """
A message of {name}. The sender is the business partner that the key belongs to. 200 and 201 mean
that what was sent is committed. A list is answered with 200 when every object was taken, with 400 when any
was not: what is right in it is kept, and `results` say which is which, with the case of the standard's table.
"""
_PARTNER = {"bpnl": CUSTOMER, "sites": {SITE: "plant-1"}}
_RELEASE = {
    "class": {"scheme": "hs", "code": "848420"},
    "material": "SEAL 44/A",
    "highest_price": {"amount": "1.40", "currency": "EUR"},
}
_LISTING = {
    "id": "cx-1f0e7a0a-0f3b-5a44-8a7e-6f5d9a3f5b11",
    "kind": "demand",
    **RELATION,
    "subject": DEMAND_ID,
    "revision": 1890806400000,
    "open": True,
}
_COMPARED = {
    "week": WEEK,
    "demand": 1000,
    "delta": 0,
    "total": 1000,
    "actual": 600,
    "maximum": 800,
    "missing": 200,
    "spare": 0,
    "result": "bottleneck",
    "colour": "red",
    "complete": True,
}
_SHORT = {**RELATION, "group": GROUP_ID, "name": "Press 4"}


def post(aspect: AspectType) -> dict[str, Any]:
    """Return the description of the address of an aspect's messages."""
    example = {"messageHeader": _HEADER, "content": {LIST[1]: [EXAMPLES[aspect.name]]}}
    codes = (400, 401, 403, 405, 408, 413, 415, 422, 429, 500, 503)
    refused = ("At least one object was not taken.", _REFUSED)
    errors = described(codes, _400=refused, _403=_NO_PARTNER, _422=_NO_JSON)
    taken = {"results": [{"status": 201, "clause": "CX-0128 §4.1.2.7 no. 6", "id": DEMAND_ID}]}
    content = {"application/json": {"schema": ref("MessageTaken"), "example": taken}}
    return {
        "summary": f"Send {aspect.name}",
        "description": _ABOUT.format(name=aspect.name),
        "response_model": None,
        "openapi_extra": {
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _message(aspect), "example": example}},
            }
        },
        "responses": {
            200: {"description": "Taken.", "content": content},
            201: {"description": "Taken, and new.", "content": content},
            **{code: _with_results(told) if code == "400" else told for code, told in errors.items()},
        },
    }


def objects(aspect: AspectType) -> dict[str, Any]:
    """Return the description of a list of objects."""
    entry = {
        **RELATION,
        "sender": CUSTOMER,
        "received_at": "2029-12-01T08:00:06Z",
        "object": EXAMPLES[aspect.name],
    }
    return _shown(
        f"{aspect.name}s of a party",
        {"objects": [entry], "next": _NEXT},
        404,
        422,
        schema=_OBJECTS,
    )


def _message(aspect: AspectType) -> dict[str, Any]:
    listed = {"type": "array", "minItems": 1, "maxItems": 500, "items": ref(aspect.kind.__name__)}
    content = {"type": "object", "required": [LIST[1]], "properties": {LIST[1]: listed}}
    header = {"type": "object", "required": ["header"], "properties": {"header": ref("Header")}}
    return {
        "type": "object",
        "required": ["messageHeader", "content"],
        "properties": {"messageHeader": header, "content": content},
    }


def _with_results(told: dict[str, Any]) -> dict[str, Any]:
    content = told["content"]["application/problem+json"]
    return {
        **told,
        "content": {
            "application/problem+json": {
                **content,
                "schema": {"anyOf": [ref("MessageProblem"), content["schema"]]},
            }
        },
    }


def _shown(summary: str, example: object, *codes: int, schema: object = None) -> dict[str, Any]:
    content: dict[str, Any] = {"example": example}
    if schema is not None:
        content["schema"] = schema
    errors = described(sorted({401, 404, 405, 500, 503, *codes}), _403=FORBIDDEN)
    return {
        "summary": summary,
        "response_model": None,
        "responses": {200: {"description": "Shown.", "content": {"application/json": content}}, **errors},
    }


def _body(name: str, example: object) -> dict[str, Any]:
    content = {"application/json": {"schema": ref(name), "example": example}}
    return {"openapi_extra": {"requestBody": {"required": True, "content": content}}}


_REFUSED = Problem(400, "/content/informationObject/0/changedAt: older than what was taken before")
_NO_PARTNER = (
    "The key's party has no BPNL, or the object is not the sender's.",
    Problem(403, "'shandong-mills' has no BPNL; the administrator registers it as a business partner"),
)
_NO_JSON = ("The payload is no JSON.", Problem(422, "malformed; expected JSON", slug="not-json"))
_OBJECTS = {
    "type": "object",
    "required": ["objects", "next"],
    "properties": {
        "objects": {"type": "array", "items": {"type": "object"}},
        "next": {"type": ["string", "null"], "description": "Ask again with after= this."},
    },
}
_TAKEN = ("Another one has this number, or is about this.", Problem(409, "BPNL00000003CRHK is 'clinic-7'"))
_WRITE = (400, 408, 409, 413, 415, 422)


def _written(summary: str, name: str, example: object, *codes: int) -> dict[str, Any]:
    told = _shown(summary, example, *_WRITE, *codes, schema=ref(name))
    told["responses"]["409"] = described((409,), _409=_TAKEN)["409"]
    return {**told, **_body(name, example)}


REGISTER = _written("Say the BPNL of a party", "BusinessPartner", _PARTNER, 403)
PARTNER = _shown("The BPNL of a party", _PARTNER, schema=ref("BusinessPartner"))
COMPARISONS = _shown(
    "Demand and capacity, week by week",
    {
        "comparisons": [{**_SHORT, "unit": "unit:piece", "weeks": [_COMPARED]}],
        "unanswered": [],
        "next": _NEXT,
    },
    422,
    schema=ref("Comparisons"),
)
DEVIATIONS = _shown(
    "How far demand has moved, with alerts",
    {
        "deviations": [
            {
                **_SHORT,
                "previous": "2029-11-05T12:00:00Z",
                "latest": "2029-12-03T12:00:00Z",
                "alerts": 1,
                "weeks": [
                    {
                        "week": WEEK,
                        "subhorizon": 1,
                        "previous": 800,
                        "latest": 1000,
                        "absolute": 200,
                        "relative": 0.25,
                        "exceeded": ["relativePositiveDeviation"],
                    }
                ],
            }
        ],
        "next": _NEXT,
    },
    422,
    schema={
        "type": "object",
        "required": ["deviations", "next"],
        "properties": {
            "deviations": {"type": "array", "items": ref("DeviationShown")},
            "next": {"type": ["string", "null"]},
        },
    },
)
RELEASES = _shown(
    "What a party lets onto the open market",
    {"releases": [{"id": "seals", "release": _RELEASE, "listings": [_LISTING]}]},
    schema={
        "type": "object",
        "required": ["releases"],
        "properties": {"releases": {"type": "array", "items": ref("ReleaseShown")}},
    },
)
PUT_RELEASE = _written("Let something onto the open market", "Release", _RELEASE)
DELETE_RELEASE: dict[str, Any] = {
    "summary": "Take a release back",
    "status_code": 204,
    "response_model": None,
    "responses": described((401, 404, 405, 422, 500, 503)),
}


def _bare() -> dict[str, Any]:
    """Return the schema of a message of CX-0146: its header is not framed, its content is one object."""
    content = {
        "type": "object",
        "required": [NAME],
        "properties": {NAME: ref("DemandAndCapacityNotification")},
    }
    properties = {"header": ref("Header"), "content": content}
    return {"type": "object", "required": ["header", "content"], "properties": properties}


_UPDATE_BODY = {"messageHeader": _HEADER, "content": {LIST[1]: [{}]}}
_UPDATES = {"weekBasedMaterialDemand": [], "weekBasedCapacityGroup": [], "left": 0}
ASK: dict[str, Any] = {
    "summary": "Ask for what a partner has told, again",
    "description": "`receiverBpn` of the header is the partner that is asked. The answer is what is newer.",
    "response_model": None,
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _message(UPDATE), "example": _UPDATE_BODY}},
        }
    },
    "responses": {
        200: {"content": {"application/json": {"schema": ref("Updates"), "example": _UPDATES}}},
        **described((400, 401, 403, 405, 408, 413, 415, 422, 429, 500, 503), _403=_NO_PARTNER, _422=_NO_JSON),
    },
}
_NOTICE = {"header": _HEADER["header"], "content": {NAME: EXAMPLES["DemandAndCapacityNotification"]}}
_NOTED = {"results": [{"status": 200, "clause": "CX-0146 §4.1.5 no. 9", "id": DEMAND_ID}]}
NOTIFY: dict[str, Any] = {
    "summary": "Tell a partner of a disruption",
    "description": "A message of CX-0146. It is kept and shown; the market does not act on it yet.",
    "response_model": None,
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _bare(), "example": _NOTICE}},
        }
    },
    "responses": {
        200: {"content": {"application/json": {"schema": ref("MessageTaken"), "example": _NOTED}}},
        **{
            code: _with_results(told) if code == "400" else told
            for code, told in described(
                (400, 401, 403, 405, 408, 413, 415, 429, 500, 503),
                _400=("It was not taken.", _REFUSED),
                _403=_NO_PARTNER,
            ).items()
        },
    },
}
SHORT_TERM_OBJECTS = objects(SHORT_TERM[0])
SHORT_TERM_OBJECTS["summary"] = "Short-term figures of a party"
