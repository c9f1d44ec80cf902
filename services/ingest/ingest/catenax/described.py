"""How the addresses of Catena-X are described: what they take and show, with an example of each."""

from typing import Any

from ingest.errors import described
from ingest.formats.catenax.aspects import SHORT_TERM, UPDATE, AspectType
from ingest.formats.catenax.notification import NAME
from ingest.formats.catenax.reading import LIST
from ingest.shown import FORBIDDEN, ref
from tenon.problems import Problem

_CUSTOMER, _SUPPLIER = "BPNL00000003CRHK", "BPNL00000003AYRE"
_SITE = "BPNS00000003CRHK"
_DEMAND_ID, _GROUP_ID = "6f0d3a52-57a3-4d84-9f0e-3a3c52bb7a01", "b2a1c5de-90f1-4c39-8a50-4de1f2d90b02"
_WEEK = "2030-01-07"
_CATEGORY = {"demandCategoryCode": "0001"}
_RELATION = {"supplier": _SUPPLIER, "customer": _CUSTOMER}

EXAMPLES: dict[str, dict[str, Any]] = {
    "WeekBasedMaterialDemand": {
        "materialDemandId": _DEMAND_ID,
        **_RELATION,
        "materialNumberCustomer": "SEAL 44/A",
        "materialDescriptionCustomer": "Shaft seal, 44 mm",
        "changedAt": "2029-12-01T08:00:00Z",
        "unitOfMeasure": "unit:piece",
        "unitOfMeasureIsOmitted": False,
        "materialDemandIsInactive": False,
        "demandSeries": [
            {
                "customerLocation": _SITE,
                "demandCategory": _CATEGORY,
                "demands": [{"pointInTime": _WEEK, "demand": 1000}],
            }
        ],
    },
    "WeekBasedCapacityGroup": {
        "capacityGroupId": _GROUP_ID,
        "name": "Press 4",
        **_RELATION,
        "changedAt": "2029-12-02T08:00:00Z",
        "unitOfMeasure": "unit:piece",
        "unitOfMeasureIsOmitted": False,
        "capacityGroupIsInactive": False,
        "supplierLocations": ["BPNS00000003AYRE"],
        "linkedDemandSeries": [
            {"materialNumberCustomer": "SEAL 44/A", "customerLocation": _SITE, "demandCategory": _CATEGORY}
        ],
        "capacities": [{"pointInTime": _WEEK, "actualCapacity": 600, "maximumCapacity": 800}],
    },
    "IdBasedComment": {
        "commentId": "0e3f4f0a-5bb1-49e0-8f6e-7f4f5f0a6c03",
        "objectId": _GROUP_ID,
        "objectType": "urn:samm:io.catenax.week_based_capacity_group",
        **_RELATION,
        "commentText": "The second press comes in May.",
        "commentType": "information",
        "changedAt": "2029-12-03T08:00:00Z",
    },
    "DemandAndCapacityNotification": {
        "notificationId": "d9452f24-3bf3-4134-b3eb-68858f1b2362",
        "sourceDisruptionId": "c69cb3e4-16ad-43c3-82b9-0deac75ecf9e",
        "leadingRootCause": "production-incident",
        "effect": "capacity-reduction",
        "startDateOfEffect": "2030-01-07T06:00:00Z",
        "status": "open",
        "contentChangedAt": "2030-01-05T08:00:00Z",
        "affectedSitesRecipient": [_SITE],
        "materialsAffected": [{"materialNumberCustomer": "SEAL 44/A"}],
    },
}
_ASSET = {"materialGlobalAssetId": "urn:uuid:5ae1a6e0-8e07-4f0e-9a94-0e2d3d0b9f21"}
_AMOUNT = {"value": 20, "unit": "unit:piece"}
_PLACE = {"stockLocationBPNS": _SITE, "stockLocationBPNA": "BPNA00000003CRHK"}
_UPDATED = {"lastUpdatedOnDateTime": "2030-01-04T08:00:00Z"}
EXAMPLES |= {
    "ItemStock": {
        **_ASSET,
        "direction": "INBOUND",
        "positions": [
            {
                "allocatedStocks": [
                    {"quantityOnAllocatedStock": _AMOUNT, "isBlocked": False, **_PLACE, **_UPDATED}
                ]
            }
        ],
    },
    "PlannedProductionOutput": {
        **_ASSET,
        "positions": [
            {
                "allocatedPlannedProductionOutputs": [
                    {
                        "plannedProductionQuantity": _AMOUNT,
                        "productionSiteBpns": "BPNS00000003AYRE",
                        "estimatedTimeOfCompletion": "2030-01-08T16:00:00Z",
                        **_UPDATED,
                    }
                ]
            }
        ],
    },
    "DeliveryInformation": {
        **_ASSET,
        "positions": [
            {
                "deliveries": [
                    {
                        "deliveryQuantity": _AMOUNT,
                        "transitEvents": [
                            {"eventType": "estimated-arrival", "dateTimeOfEvent": "2030-01-09T06:00:00Z"}
                        ],
                        "transitLocations": {
                            "origin": {"bpnsProperty": "BPNS00000003AYRE"},
                            "destination": {"bpnsProperty": _SITE},
                        },
                        "incoterm": "DAP",
                        **_UPDATED,
                    }
                ]
            }
        ],
    },
    "ShortTermMaterialDemand": {
        **_ASSET,
        "demandSeries": [
            {
                "customerLocationBpns": _SITE,
                "demandCategory": _CATEGORY,
                "demands": [{"day": _WEEK, "demand": _AMOUNT}],
                **_UPDATED,
            }
        ],
    },
    "DaysOfSupply": {
        **_ASSET,
        "direction": "INBOUND",
        "allocatedDaysOfSupply": [
            {
                "amountOfAllocatedDaysOfSupply": [{"date": "2030-01-07T00:00:00Z", "daysOfSupply": 3.5}],
                **_PLACE,
                **_UPDATED,
            }
        ],
    },
}
_HEADER = {
    "header": {
        "messageId": "3b4edc05-e214-47a1-b0c2-1d831cdd9ba9",
        "context": "urn:samm:io.catenax.week_based_material_demand:3.0.1",
        "sentDateTime": "2029-12-01T08:00:05Z",
        "senderBpn": _CUSTOMER,
        "receiverBpn": _SUPPLIER,
        "version": "3.0.0",
    }
}
_ABOUT = """
A message of {name}. The sender is the business partner that the key belongs to. 200 and 201 mean
that what was sent is committed. A list is answered with 200 when every object was taken, with 400 when any
was not: what is right in it is kept, and `results` say which is which, with the case of the standard's table.
"""
_PARTNER = {"bpnl": _CUSTOMER, "sites": {_SITE: "plant-1"}}
_RELEASE = {
    "class": {"scheme": "hs", "code": "848420"},
    "material": "SEAL 44/A",
    "highest_price": {"amount": "1.40", "currency": "EUR"},
}
_LISTING = {
    "id": "cx-1f0e7a0a-0f3b-5a44-8a7e-6f5d9a3f5b11",
    "kind": "demand",
    **_RELATION,
    "subject": _DEMAND_ID,
    "revision": 1890806400000,
    "open": True,
}
_COMPARED = {
    "week": _WEEK,
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
_SHORT = {**_RELATION, "group": _GROUP_ID, "name": "Press 4"}


def post(aspect: AspectType) -> dict[str, Any]:
    """Return the description of the address of an aspect's messages."""
    example = {"messageHeader": _HEADER, "content": {LIST[1]: [EXAMPLES[aspect.name]]}}
    codes = (400, 401, 403, 405, 408, 413, 415, 422, 429, 500, 503)
    refused = ("At least one object was not taken.", _REFUSED)
    errors = described(codes, _400=refused, _403=_NO_PARTNER, _422=_NO_JSON)
    taken = {"results": [{"status": 201, "clause": "CX-0128 §4.1.2.7 no. 6", "id": _DEMAND_ID}]}
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
        **_RELATION,
        "sender": _CUSTOMER,
        "received_at": "2029-12-01T08:00:06Z",
        "object": EXAMPLES[aspect.name],
    }
    return _shown(
        f"{aspect.name}s of a party",
        {"objects": [entry], "next": f"{_SUPPLIER}/{_CUSTOMER}/{_DEMAND_ID}"},
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
    {"comparisons": [{**_SHORT, "unit": "unit:piece", "weeks": [_COMPARED]}], "unanswered": []},
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
                        "week": _WEEK,
                        "subhorizon": 1,
                        "previous": 800,
                        "latest": 1000,
                        "absolute": 200,
                        "relative": 0.25,
                        "exceeded": ["relativePositiveDeviation"],
                    }
                ],
            }
        ]
    },
    422,
    schema={
        "type": "object",
        "required": ["deviations"],
        "properties": {"deviations": {"type": "array", "items": ref("DeviationShown")}},
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
_NOTED = {"results": [{"status": 200, "clause": "CX-0146 §4.1.5 no. 9", "id": _DEMAND_ID}]}
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
