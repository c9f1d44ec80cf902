"""The description of the matcher's one address (OpenAPI 3.1), with the schemas of the types that answer."""

from importlib.metadata import version
from typing import Any, Final

import msgspec

from tenon.contracts.positions import Reasons
from tenon.contracts.values import Id
from tenon.problems import MEDIA_TYPE, ProblemDocument

PATH: Final = "/v1/markets/{market}/demands/{party}/{demand}/reasons"
MOST_MARKET: Final = 256
Json = dict[str, Any]

_ABOUT: Final = """
Decides who supplies whom. It reads the log, so that there is nothing to be sent here; an operator may ask it
for every reason why a demand is open. Parties ask the notifier.
"""
_PROBLEMS: Final = {
    401: "No key was shown.",
    403: "The key is not the administrator's.",
    404: "No such demand is open in this market.",
    405: "The address does not take this method; see Allow.",
    500: "A fault of ours.",
    503: "The reasons were not known in time; see Retry-After.",
}
_HEADERS: Final = {
    401: ("WWW-Authenticate", "How to show a key.", "string"),
    405: ("Allow", "The methods it takes.", "string"),
    503: ("Retry-After", "Seconds to wait before asking again.", "integer"),
}
_IDS: Final = {
    "market": "The key of the demand's market, as its position names it: hs:63, for example.",
    "party": "Whose demand it is.",
    "demand": "The demand's id.",
}


def document() -> Json:
    """Return the OpenAPI document."""
    ref = "#/components/schemas/{name}"
    (reasons, problem, id_), schemas = msgspec.json.schema_components(
        (Reasons, ProblemDocument, Id), ref_template=ref
    )
    schemas["NearestMiss"]["properties"]["quantity"] = {"type": "number", "minimum": 0}
    market = {"type": "string", "maxLength": MOST_MARKET}
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": about,
            "schema": market if name == "market" else id_,
        }
        for name, about in _IDS.items()
    ]
    good = {"description": "It is open.", "content": {"application/json": {"schema": reasons}}}
    get = {
        "tags": ["operation"],
        "summary": "Every reason why a demand is open",
        "description": "Every reason and every nearest miss, as of now.",
        "operationId": "reasons",
        "parameters": parameters,
        "responses": {"200": good, **{str(code): _problem(code, problem) for code in _PROBLEMS}},
    }
    key = {"type": "http", "scheme": "bearer", "description": "The administrator's key."}
    made = {
        "openapi": "3.1.0",
        "info": {"title": "Tenon matcher", "version": version("tenon-matcher"), "description": _ABOUT},
        "paths": {PATH: {"get": get}},
        "components": {"schemas": schemas, "securitySchemes": {"key": key}},
        "security": [{"key": []}],
    }
    plain: Json = msgspec.json.decode(msgspec.json.encode(made))
    return plain


def _problem(code: int, schema: Json) -> Json:
    response: Json = {"description": _PROBLEMS[code], "content": {MEDIA_TYPE: {"schema": schema}}}
    if code in _HEADERS:
        name, about, kind = _HEADERS[code]
        response["headers"] = {name: {"description": about, "schema": {"type": kind}}}
    return response
