"""What an HTTP application answers to, and what its description says of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.routing import BaseRoute, Mount, Route

_IMPLIED = {"HEAD"}


@dataclass(frozen=True)
class Operation:
    """A method of an address, as it is described: `ids` in its path, `queries` by name."""

    method: str
    path: str
    ids: tuple[str, ...]
    queries: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """Return every operation of an OpenAPI document."""
    return [
        Operation(method.upper(), path, _named(said, "path"), _named(said, "query"))
        for path, methods in document["paths"].items()
        for method, said in methods.items()
    ]


def addresses(routes: Iterable[BaseRoute]) -> Iterator[str]:
    """Yield `METHOD path` of everything that is routed; a folder of files as `MOUNT path`."""
    for route in routes:
        if isinstance(route, Mount):
            yield f"MOUNT {route.path}"
        elif isinstance(route, Route):
            yield from (f"{method} {route.path_format}" for method in set(route.methods or ()) - _IMPLIED)
        else:
            yield from addresses(route.original_router.routes)  # type: ignore[attr-defined]


def _named(operation: Mapping[str, Any], where: str) -> tuple[str, ...]:
    return tuple(each["name"] for each in operation.get("parameters", ()) if each["in"] == where)
