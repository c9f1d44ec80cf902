"""The registry's addresses: parties, their sites and keys, and what waits in the outbox."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from ingest import answers
from ingest.access import Access, unknown
from ingest.deadline import timely
from ingest.directory import Directory
from ingest.domain.faults import Refused
from ingest.domain.shape import read
from ingest.errors import described
from ingest.examples import EXAMPLES
from ingest.keys import MOST_KEYS, Keys, TooManyKeys, UnknownParty
from ingest.shown import (
    KEY,
    LABELLED,
    SITES,
    KeyLabel,
    KeyList,
    KeyListed,
    KeyMade,
    OutboxState,
    made,
    ref,
    shown,
)
from tenon.bodies import body_of
from tenon.contracts.codec import encode
from tenon.contracts.values import Id
from tenon.problems import Problem

_PAGE = 100
_LABEL_BYTES = 4_096


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

        def add(method: str, path: str, answer: Callable[..., Any], summary: str, **told: Any) -> None:
            router.add_api_route(
                path, timely(self._deadline_ms, answer), methods=[method], summary=summary, **told
            )

        party, keys = "/parties/{party}", "/parties/{party}/keys"
        site_page = {"sites": [EXAMPLES["tenon.site.published.v1"]], "next": "jinan-1"}
        one = shown(EXAMPLES["tenon.party.registered.v1"], 404, schema=ref("PartyRegistered"))
        add("GET", party, self.party, "A party", tags=["registry"], **one)
        several = shown(site_page, 404, 422, schema=SITES)
        add("GET", f"{party}/sites", self.sites, "A party's sites", tags=["registry"], **several)
        add("POST", keys, self.make, "Make a key", tags=["keys"], openapi_extra=LABELLED, **made())
        listed = shown({"keys": [KEY]}, 404, model=KeyList)
        add("GET", keys, self.list, "A party's keys", tags=["keys"], **listed)
        gone = described((401, 404, 405, 500, 503))
        revoked: Any = {"status_code": 204, "responses": gone, "response_model": None}
        add("DELETE", f"{keys}/{{key}}", self.revoke, "Revoke a key", tags=["keys"], **revoked)
        waits = shown({"pending": 0, "oldest_age_ms": 0, "parked": 0}, 403, model=OutboxState)
        add("GET", "/outbox", self.outbox, "What waits", tags=["operation"], **waits)
        return router

    async def party(self, request: Request, party: str) -> Response:
        """Return the statement about a party that is in force."""
        await self._access.sender_for(request, party)
        found = await self._directory.party(path_id(party))
        if found is None:
            raise unknown(party)
        return json_response(found)

    async def sites(
        self,
        request: Request,
        party: str,
        after: Annotated[str, Query(max_length=64, description="The last site of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = _PAGE,
    ) -> Response:
        """Return the sites of a party that are in force, in order of their ids."""
        await self._access.sender_for(request, party)
        sites = await self._directory.sites(path_id(party), after.replace("\0", ""), limit)
        if sites is None:
            raise unknown(party)
        return json_response({"sites": sites, "next": sites[-1].site if len(sites) == limit else None})

    async def make(self, request: Request, party: str) -> Response:
        """Make a key for a party, and show it: this is the only time."""
        await self._access.sender_for(request, party)
        label = await self._label(request)
        try:
            made = await self._keys.make(path_id(party), label)
        except UnknownParty:
            raise unknown(party) from None
        except TooManyKeys:
            raise Problem(409, f"{party!r} has {MOST_KEYS} keys in force; revoke one first") from None
        shown = KeyMade(key=made.key, party=party, secret=made.secret)
        headers = {"cache-control": "no-store", "location": f"/v1/parties/{party}/keys/{made.key}"}
        return JSONResponse(shown.model_dump(), 201, headers)

    async def _label(self, request: Request) -> str:
        # Not by the framework: it reads a body of any length, of anybody, before the key is looked at.
        body = await body_of(request, _LABEL_BYTES, self._deadline_ms // 2)
        try:
            return read(KeyLabel, body, "").label if body else ""
        except Refused as refused:
            told = answers.problem(refused.refusal).document
            raise Problem(told.status, told.detail, slug="invalid-request", errors=told.errors) from None

    async def list(self, request: Request, party: str) -> KeyList:
        """Return a party's keys, without their secrets."""
        await self._access.sender_for(request, party)
        if await self._directory.party(path_id(party)) is None:
            raise unknown(party)
        keys = await self._keys.of(party)
        return KeyList(keys=[KeyListed.model_validate(key, from_attributes=True) for key in keys])

    async def revoke(self, request: Request, party: str, key: str) -> Response:
        """Take a key out of force, for good. Other processes may take it for some seconds more."""
        await self._access.sender_for(request, party)
        try:
            known = await self._keys.revoke(path_id(party), path_id(key))
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


def path_id(text: str) -> str:
    """Return an id; raise `Problem` 404 for what can't be one."""
    try:
        return msgspec.convert(text, Id)
    except msgspec.ValidationError:
        raise Problem(404, f"{text!r} is no id") from None


def json_response(value: object) -> Response:
    """Return a value as JSON; quantities are numbers with every digit."""
    return Response(encode(value), media_type="application/json")
