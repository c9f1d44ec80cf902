"""Imports of files: upload, look how far it is, read what became of each row, end it."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import msgspec

from tenon.client.transport import Call, Parameters, Transport

JsonObject = dict[str, Any]
_PAGE = "500"
ENDED = frozenset({"done", "failed", "cancelled"})
"""States of an import that is over."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to be imported. `map`: columns to fields; `set`: fields to values; `said`: the other options."""

    kind: str
    format: str
    body: bytes
    name: str = ""
    map: Mapping[str, str] | None = None
    set: Mapping[str, str] | None = None
    said: Mapping[str, str] | None = None

    def parameters(self, *, dry_run: bool) -> Parameters:
        """Return the options as they are sent."""
        pairs = [("map", f"{column}={field}") for column, field in (self.map or {}).items()]
        pairs += [("set", f"{field}={value}") for field, value in (self.set or {}).items()]
        named = [("kind", self.kind), ("format", self.format), ("name", self.name)]
        return [*named, ("dry_run", str(dry_run).lower()), *pairs, *(self.said or {}).items()]


class Imports:
    """The imports of a client: `TenonClient.imports`."""

    def __init__(self, http: Transport, ingest_url: str) -> None:
        self._http = http
        self._url = f"{ingest_url}/v1/imports"
        self._templates = f"{ingest_url}/v1/import-templates"

    async def begin(self, upload: Upload, *, dry_run: bool = False) -> JsonObject:
        """Upload a file and return its job; sent again after a lost answer it is the same job."""
        headers = {"content-type": "application/octet-stream", "idempotency-key": str(uuid4())}
        return await self._ask(
            Call("POST", self._url, upload.parameters(dry_run=dry_run), headers, upload.body)
        )

    async def state(self, job: str) -> JsonObject:
        """Return how far an import is."""
        return await self._ask(Call("GET", self._of(job)))

    async def newest(self) -> list[JsonObject]:
        """Return the newest imports, at most 100."""
        return list((await self._ask(Call("GET", self._url)))["imports"])

    async def rows(self, job: str, outcome: str | None = None) -> AsyncGenerator[JsonObject, None]:
        """Yield what became of each row, in order; `outcome`: accepted or rejected ones only."""
        wanted = [("limit", _PAGE), *([("outcome", outcome)] if outcome else [])]
        after: int | None = 0
        while after is not None:
            page = await self._ask(Call("GET", f"{self._of(job)}/rows", [*wanted, ("after", str(after))]))
            for row in page["rows"]:
                yield row
            after = page["next"]

    async def report(self, job: str) -> bytes:
        """Return what became of each row, as CSV."""
        return await self._http.ask(Call("GET", f"{self._of(job)}/rows", [("format", "csv")]))

    async def cancel(self, job: str) -> None:
        """End an import where it is; what was taken stays so."""
        await self._http.ask(Call("DELETE", self._of(job)))

    async def template(self, kind: str, form: str = "csv") -> bytes:
        """Return a file to begin with."""
        return await self._http.ask(Call("GET", self._templates, [("kind", kind), ("format", form)]))

    def _of(self, job: str) -> str:
        return f"{self._url}/{quote(job, safe='')}"

    async def _ask(self, call: Call) -> JsonObject:
        found: JsonObject = msgspec.json.decode(await self._http.ask(call))
        return found


def pairs_of(texts: Iterable[str], *, last: bool) -> dict[str, str]:
    """Return NAME=VALUE texts as pairs; `last`: the name may hold signs of equality. Raises `ValueError`."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.rpartition("=") if last else text.partition("=")
        if not sign or not name:
            raise ValueError(f"{text!r} is no pair")
        pairs[name] = value
    return pairs
