"""Every error an HTTP caller sees: a problem document (RFC 9457), with the same members everywhere.

`type` is a relative reference (`/problems/invalid-event`), `title` says it for its kind, `detail` for this
case, and `errors` lists each fault with an RFC 6901 pointer, the reason and what would be right. Framework
errors (404, 405, 413, 500) come in the same form. This module must not know which service answers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tenon import log
from tenon.errors import Duplicate, Misconfigured, TenonError, Transient, Unusable

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_SECONDS = 2
_logger = log.get("http")


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing wrong with a request: where, why, and what would be right."""

    pointer: str
    reason: str
    expected: str = ""


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """The members of a problem document."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: Sequence[Fault] = ()


class Problem(Exception):
    """Raise it anywhere below a request: the caller gets it as a problem document.

    `slug` names the kind (`invalid-event`); without it, kind and title are those of the status.
    """

    def __init__(
        self,
        status: int,
        detail: str = "",
        *,
        slug: str = "",
        title: str = "",
        errors: Iterable[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        phrase = _phrase(status)
        kind = slug or phrase.lower().replace(" ", "-")
        self.document = ProblemDocument(f"/problems/{kind}", title or phrase, status, detail, tuple(errors))
        self.headers = dict(headers or {})
        super().__init__(f"{status} {self.document.title}: {detail}")

    def response(self) -> Response:
        """Return the document as a response."""
        body = msgspec.json.encode(self.document)
        return Response(body, self.document.status, self.headers, MEDIA_TYPE)


def unavailable(detail: str, retry_after_seconds: int = _RETRY_AFTER_SECONDS) -> Problem:
    """Return 503 with Retry-After (RFC 9110 §10.2.3): the same request may succeed later."""
    return Problem(503, detail, headers={"retry-after": str(retry_after_seconds)})


def of_error(error: TenonError) -> Problem:
    """Return what a caller is told of one of our errors that nothing closer to it has handled."""
    if isinstance(error, Transient):
        return unavailable("a dependency does not answer; send the same request again")
    if isinstance(error, Unusable):
        return Problem(422, error.reason, errors=[Fault(error.pointer, error.reason)])
    if isinstance(error, Duplicate):
        return Problem(409, "it exists already")
    return Problem(503 if isinstance(error, Misconfigured) else 500, "the service can't work as it is set up")


def install(app: Starlette, validation_errors: Sequence[type[Exception]] = ()) -> None:
    """Make an app answer every error with a problem document.

    `validation_errors` are the framework's own (FastAPI's RequestValidationError); `errors()` of them is as
    of pydantic's.
    """
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(TenonError, _tenon_error)
    app.add_exception_handler(Exception, _bug)
    for kind in validation_errors:
        app.add_exception_handler(kind, _invalid)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = "" if error.detail == _phrase(error.status_code) else str(error.detail)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(set(_methods(request.app.routes, request.url.path))))
    return Problem(error.status_code, detail, headers=headers).response()


def _methods(routes: Iterable[BaseRoute], path: str) -> Iterator[str]:
    """Yield the methods that an address takes, whichever routes serve them: a framework names one route's."""
    for route in routes:
        if not isinstance(route, Route):
            yield from _methods(getattr(getattr(route, "original_router", None), "routes", ()), path)
        elif route.path_regex.match(path):
            yield from route.methods or ()


async def _tenon_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, TenonError)
    _logger.warning("request failed", path=request.url.path, error=f"{type(error).__name__}: {error}")
    return of_error(error).response()


async def _bug(request: Request, error: Exception) -> Response:
    return Problem(500, "the fault is ours; it has been logged").response()


async def _invalid(request: Request, error: Exception) -> Response:
    details: Sequence[Mapping[str, Any]] = error.errors()  # type: ignore[attr-defined]
    faults = [Fault(_pointer(item["loc"]), str(item["msg"])) for item in details]
    return Problem(422, "the request is not as described", slug="invalid-request", errors=faults).response()


def _pointer(where: Sequence[int | str]) -> str:
    """Return RFC 6901's form of a place, without pydantic's leading "body"."""
    parts = where[1:] if where and where[0] == "body" else where
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
