"""How answers look: JSON in the contracts' form, pages with an opaque key to the next one."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec
from starlette.responses import Response

from tenon.contracts.codec import encode
from tenon.problems import Fault, Problem

T = TypeVar("T")

PAGE: Final = 50
MOST: Final = 500


def json(value: object, status: int = 200) -> Response:
    """Return a value as a response; nobody may cache it."""
    return Response(encode(value), status, {"cache-control": "no-store"}, "application/json")


def page(rows: Sequence[Any], items: list[Any], limit: int, key: object) -> Response:
    """Return a page, with the key of its last row when more may follow."""
    body: dict[str, object] = {"items": items}
    if len(rows) == limit:
        body["next"] = urlsafe_b64encode(encode(key)).decode().rstrip("=")
    return json(body)


def opened(token: str | None, kind: type[T]) -> T | None:
    """Return the key inside a page's token; 400 for anything that this service did not give out."""
    if token is None:
        return None
    try:
        return msgspec.json.decode(urlsafe_b64decode(token + "=" * (-len(token) % 4)), type=kind)
    except (ValueError, OverflowError, msgspec.MsgspecError) as error:
        fault = Fault("/page", "not a page of this list", "the `next` of an earlier answer")
        raise Problem(400, "the page is not known", slug="invalid-request", errors=[fault]) from error
