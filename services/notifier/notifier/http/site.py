"""The page at `/`: files of this package, served with a policy that lets them load nothing from elsewhere."""

from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tenon.problems import Problem

POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
)
_HEADERS: Final = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


def routes() -> list[Route]:
    """Return the routes of the page; its files are read once, here."""
    folder = files("notifier") / "page"
    found = {
        item.name: item.read_bytes() for item in folder.iterdir() if item.name.rpartition(".")[2] in _TYPES
    }

    async def index(request: Request) -> Response:
        return _file("index.html", found)

    async def asset(request: Request) -> Response:
        return _file(request.path_params["name"], found)

    return [Route("/", index), Route("/page/{name}", asset)]


def _file(name: str, found: dict[str, bytes]) -> Response:
    content = found.get(name)
    if content is None:
        raise Problem(404, "there is no such file")
    return Response(content, headers=_HEADERS, media_type=_TYPES[name.rpartition(".")[2]])
