"""The registry's addresses: parties, their sites and keys, and what waits in the outbox."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeVar

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.responses import Response

from ingest.access import Access, unknown
from ingest.deadline import within
from ingest.directory import Directory
from ingest.keys import MOST_KEYS, Keys, TooManyKeys, UnknownParty
from tenon.contracts.values import Id
from tenon.problems import Problem

P = ParamSpec("P")
R = TypeVar("R")
_PAGE = 100


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _shown(schema: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {200: {"content": {"application/json": {"schema": schema}}}}


_SITES = {
    "type": "object",
    "required": ["sites", "next"],
    "properties": {
        "sites": {"type": "array", "items": _ref("SitePublished")},
        "next": {
            "type": ["string", "null"],
            "description": "Ask again with after= this; null on the last page.",
        },
    },
}


class KeyLabel(BaseModel):
    """What a new key is for."""

    label: str = Field("", max_length=200, description="Your own note, shown in the list of keys.")


class KeyMade(BaseModel):
    """A new key. The whole key is shown this once."""

    key: str = Field(description="The key's id, by which it is listed and revoked.")
    party: str
    secret: str = Field(description="The whole key: Authorization: Bearer SECRET. Nobody can show it again.")


class KeyListed(BaseModel):
    """A key without its secret."""

    key: str
    label: str
    created_at: datetime
    revoked_at: datetime | None = Field(None, description="Since when it is out of force.")


class KeyList(BaseModel):
    """Every key that a party ever had, the oldest first."""

    keys: list[KeyListed]


class OutboxState(BaseModel):
    """Records that are committed with the registry and not yet in Kafka."""

    pending: int
    oldest_age_ms: int = Field(description="Age of the oldest pending record; 0 when nothing is pending.")
    parked: int = Field(description="Records that Kafka refuses for good.")


class Addresses:
    """Answers the registry's addresses."""

    def __init__(self, access: Access, keys: Keys, directory: Directory, deadline_ms: int) -> None:
        self._access = access
        self._keys = keys
        self._directory = directory
        self._deadline_ms = deadline_ms

    def router(self) -> APIRouter:
        """Return the addresses with their description."""
        router = APIRouter(prefix="/v1")
        party, keys = "/parties/{party}", "/parties/{party}/keys"
        get, of_registry, of_keys = router.get, {"tags": ["registry"]}, {"tags": ["keys"]}
        one: Any = {**of_registry, "response_model": None, "responses": _shown(_ref("PartyRegistered"))}
        several: Any = {**of_registry, "response_model": None, "responses": _shown(_SITES)}
        get(party, summary="A party", **one)(self._in_time(self.party))
        get(f"{party}/sites", summary="A party's sites", **several)(self._in_time(self.sites))
        made: Any = {**of_keys, "status_code": 201, "response_model": KeyMade}
        router.post(keys, summary="Make a key", **made)(self._in_time(self.make))
        listed: Any = {**of_keys, "response_model": KeyList}
        get(keys, summary="A party's keys", **listed)(self._in_time(self.list))
        revoked: Any = {**of_keys, "status_code": 204}
        router.delete(f"{keys}/{{key}}", summary="Revoke a key", **revoked)(self._in_time(self.revoke))
        waits: Any = {"tags": ["operation"], "response_model": OutboxState}
        get("/outbox", summary="What waits", **waits)(self._in_time(self.outbox))
        return router

    def _in_time(self, answer: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @wraps(answer)
        async def answered(*args: P.args, **kwargs: P.kwargs) -> R:
            async with within(self._deadline_ms):
                return await answer(*args, **kwargs)

        return answered

    async def party(self, request: Request, party: str) -> Response:
        """Return the statement about a party that is in force."""
        await self._access.sender_for(request, party)
        found = await self._directory.party(_id(party))
        if found is None:
            raise unknown(party)
        return _json(found)

    async def sites(
        self,
        request: Request,
        party: str,
        after: Annotated[str, Query(max_length=64, description="The last site of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = _PAGE,
    ) -> Response:
        """Return the sites of a party that are in force, in order of their ids."""
        await self._access.sender_for(request, party)
        sites = await self._directory.sites(_id(party), after.replace("\0", ""), limit)
        if sites is None:
            raise unknown(party)
        return _json({"sites": sites, "next": sites[-1].site if len(sites) == limit else None})

    async def make(self, request: Request, party: str, body: KeyLabel | None = None) -> Response:
        """Make a key for a party, and show it: this is the only time."""
        await self._access.sender_for(request, party)
        label = body.label.replace("\0", "") if body is not None else ""
        try:
            made = await self._keys.make(_id(party), label)
        except UnknownParty:
            raise unknown(party) from None
        except TooManyKeys:
            raise Problem(409, f"{party!r} has {MOST_KEYS} keys in force; revoke one first") from None
        shown = KeyMade(key=made.key, party=party, secret=made.secret)
        headers = {"cache-control": "no-store", "location": f"/v1/parties/{party}/keys/{made.key}"}
        return JSONResponse(shown.model_dump(), 201, headers)

    async def list(self, request: Request, party: str) -> KeyList:
        """Return a party's keys, without their secrets."""
        await self._access.sender_for(request, party)
        if await self._directory.party(_id(party)) is None:
            raise unknown(party)
        keys = await self._keys.of(party)
        return KeyList(keys=[KeyListed.model_validate(key, from_attributes=True) for key in keys])

    async def revoke(self, request: Request, party: str, key: str) -> Response:
        """Take a key out of force, for good. It may work for two seconds more."""
        await self._access.sender_for(request, party)
        try:
            known = await self._keys.revoke(_id(party), _id(key))
        except UnknownParty:
            raise unknown(party) from None
        if not known:
            raise Problem(404, f"{party!r} has no key {key!r}")
        return Response(status_code=204)

    async def outbox(self, request: Request) -> OutboxState:
        """Return what waits in the outbox, for the administrator."""
        await self._access.administrator(request)
        backlog = await self._directory.outbox()
        return OutboxState(
            pending=backlog.waiting, oldest_age_ms=int(backlog.oldest_seconds * 1000), parked=backlog.parked
        )


def _id(text: str) -> str:
    """Return an id; raise `Problem` 404 for what can't be one."""
    try:
        return msgspec.convert(text, Id)
    except msgspec.ValidationError:
        raise Problem(404, f"{text!r} is no id") from None


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
