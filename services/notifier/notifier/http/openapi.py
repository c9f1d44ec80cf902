"""The description of the notifier's interface (OpenAPI 3.1), complete with schemas and problems."""

from functools import cache
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from notifier.domain.visibility import TOLD
from notifier.http.documents import components, told

PINGED: Final = "tenon.endpoint.pinged.v1"
SIGNED: Final = {
    "webhook-id": "The id of the event: the same whenever it is sent again.",
    "webhook-timestamp": "When this attempt was made, in seconds since 1970.",
    "webhook-signature": "Signatures of `{id}.{timestamp}.{body}`, `v1,…` or `v1a,…`; one has to fit.",
}
WEBHOOK_ABOUT: Final = (
    "A call of a subscriber's address, signed by Standard Webhooks 1.0; receivers to begin with are in"
    " contracts/receivers."
)
TITLE: Final = "Tenon notifier"
VERSION: Final = version("tenon-notifier")
ABOUT: Final = """
What was decided: as a live stream, by webhook, and to read.

Every event stands once in the feed of each party that it concerns, under a number that rises by one. A stream
resumes behind any number (`Last-Event-ID`), a webhook endpoint has a cursor in the same feed: nothing is
missed, and what comes twice has the same event id.

A party sees its own side in full. Of the other side it sees a pseudonym, the region and a coarse position
until both have confirmed; then its name and site. What belongs to others is not there: 404.

Every error is a problem document (RFC 9457).
"""


def describe(app: FastAPI) -> None:
    """Give an app its complete description, made when it is first asked for."""

    @cache
    def complete() -> dict[str, Any]:
        made = get_openapi(title=TITLE, version=VERSION, description=ABOUT, routes=app.routes)
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        schemas.update(components())
        made["components"]["securitySchemes"] = {
            "key": {
                "type": "http",
                "scheme": "bearer",
                "description": "A party's API key, or the administrator's.",
            }
        }
        for path, operations in made["paths"].items():
            for operation in operations.values():
                _complete(path, operation)
        made["paths"] = dict(sorted(made["paths"].items()))
        made["webhooks"] = {name: {"post": _webhook(name)} for name in sorted({*TOLD, PINGED})}
        return made

    app.openapi = complete  # type: ignore[method-assign]


def _webhook(name: str) -> dict[str, Any]:
    """Describe the call that tells of an event; what is in `data` is as much of it as the party may see."""
    return {
        "summary": name,
        "description": WEBHOOK_ABOUT,
        "operationId": name.replace(".", "_"),
        "parameters": [
            {
                "name": header,
                "in": "header",
                "required": True,
                "description": about,
                "schema": {"type": "string"},
            }
            for header, about in SIGNED.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/cloudevents+json": {"schema": told(name)}},
        },
        "responses": {
            "2XX": {"description": "Taken. Whatever the body says, it is kept in part and not acted on."},
            "410": {"description": "No more events: the subscription is disabled."},
            "429": {"description": "Later, after Retry-After (seconds or a date); so for 502 and 504."},
            "default": {"description": "Not taken: sent again by the schedule. Redirects are not followed."},
        },
        "security": [],
    }


def _header(name: str, about: str) -> dict[str, Any]:
    text = {"type": "string"}
    return {"name": name, "in": "header", "required": True, "description": about, "schema": text}


def _complete(path: str, operation: dict[str, Any]) -> None:
    """Replace the framework's own error by ours, and say which addresses everybody may use."""
    faulty = operation["responses"].get("422", {})
    if "HTTPValidationError" in str(faulty):
        operation["responses"]["422"] = _PROBLEM
    public = path in ("/v1/stream", "/v1/totals", "/v1/places", "/v1/partitions")
    operation["security"] = [{"key": []}, *([{}] if public else [])]


_PROBLEM: Final = {
    "description": "A parameter is not as described.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
