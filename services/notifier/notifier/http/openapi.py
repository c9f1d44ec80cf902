"""The description of the notifier's interface (OpenAPI 3.1), complete with schemas and problems."""

from functools import cache
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from notifier.http.documents import components

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
        return made

    app.openapi = complete  # type: ignore[method-assign]


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
