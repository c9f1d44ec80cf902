"""Addresses of a partner's own: its numbers, its releases, what was told, and what that comes to."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Annotated, Any, ParamSpec, TypeVar

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from ingest import answers
from ingest.access import Access, unknown
from ingest.addresses import json_response, path_id
from ingest.catenax import described, queries, store, views
from ingest.catenax.opened import Releases
from ingest.catenax.partners import BusinessPartner, Partners
from ingest.catenax.posts import Posts
from ingest.deadline import timely
from ingest.domain.faults import Refused, invalid
from ingest.domain.shape import read
from ingest.formats.catenax import releases
from ingest.formats.catenax.aspects import (
    COMMENT,
    DEMAND,
    GROUP,
    NOTIFICATION,
    SHORT_TERM,
    UPDATE,
    AspectType,
)
from ingest.formats.catenax.capacity_group import WeekBasedCapacityGroup
from ingest.formats.catenax.deviation import measurements
from ingest.formats.catenax.releases import Release
from ingest.formats.catenax.ruling import Key
from ingest.formats.catenax.values import Bpnl
from tenon.bodies import body_of
from tenon.contracts.codec import decode_tolerant
from tenon.db import Connection, Database
from tenon.problems import Problem

Asked = tuple[str | None, str, int]
"""What is asked of a list: the partner, the end of the page before, how many."""
P = ParamSpec("P")
R = TypeVar("R")
_PARTNER_BYTES = 512 * 1024
_RELEASE_BYTES = 64 * 1024
_PAGE = 100
_TAGS: dict[str, Any] = {"tags": ["catena-x"]}
_FIGURES = ", ".join(each.name for each in SHORT_TERM)
_Bpnl = Annotated[str | None, Query(max_length=16, description="The BPNL of the other side.")]
_Figure = Annotated[str, Query(max_length=64, description=f"One of {_FIGURES}.")]
_After = Annotated[str, Query(max_length=200, description="The `next` of the page before.")]
_Limit = Annotated[int, Query(ge=1, le=500)]


@dataclass(frozen=True, slots=True)
class CatenaxAddresses:
    """Answers the addresses of Catena-X."""

    access: Access
    partners: Partners
    releases: Releases
    posts: Posts
    database: Database
    reader: Executor
    deadline_ms: int

    def router(self) -> APIRouter:
        """Return the addresses with their description."""
        router = APIRouter(prefix="/v1")
        for aspect in (DEMAND, GROUP, COMMENT):
            self._add_post(router, aspect, Posts.post, described.post(aspect))
        for aspect in SHORT_TERM:
            self._add_post(router, aspect, Posts.note, described.post(aspect))
        self._add_post(router, UPDATE, Posts.ask, described.ASK)
        self._add_post(router, NOTIFICATION, Posts.notify, described.NOTIFY)
        party = "/parties/{party}"

        def add(method: str, path: str, answer: Callable[..., Any], told: dict[str, Any]) -> None:
            router.add_api_route(
                party + path, timely(self.deadline_ms, answer), methods=[method], **_TAGS, **told
            )

        add("PUT", "/business-partner", self.register, described.REGISTER)
        add("GET", "/business-partner", self.partner, described.PARTNER)
        add("GET", "/catena-x/demands", self.objects(DEMAND), described.objects(DEMAND))
        add("GET", "/catena-x/capacity-groups", self.objects(GROUP), described.objects(GROUP))
        add("GET", "/catena-x/comments", self.objects(COMMENT), described.objects(COMMENT))
        add("GET", "/catena-x/notifications", self.objects(NOTIFICATION), described.objects(NOTIFICATION))
        add("GET", "/catena-x/short-term", self.short_term, described.SHORT_TERM_OBJECTS)
        add("GET", "/catena-x/comparisons", self.comparisons, described.COMPARISONS)
        add("GET", "/catena-x/deviations", self.deviations, described.DEVIATIONS)
        add("GET", "/catena-x/releases", self.list_releases, described.RELEASES)
        add("PUT", "/catena-x/releases/{release}", self.put_release, described.PUT_RELEASE)
        add("DELETE", "/catena-x/releases/{release}", self.delete_release, described.DELETE_RELEASE)
        return router

    def _add_post(
        self,
        router: APIRouter,
        aspect: AspectType,
        answer: Callable[[Posts, AspectType, Request], Awaitable[Response]],
        told: dict[str, Any],
    ) -> None:
        async def post(request: Request) -> Response:
            return await answer(self.posts, aspect, request)

        told = {**told, **_TAGS, "operation_id": f"post_{aspect.model}"}
        router.add_api_route(f"/catena-x/{aspect.name}", post, methods=["POST"], **told)

    async def register(self, request: Request, party: str) -> Response:
        """Put a party's BPNL, and the BPNS of its sites, into force; for the administrator."""
        await self.access.sender_for(request, party)
        await self.access.administrator(request)
        told = await self._read(request, BusinessPartner, _PARTNER_BYTES)
        try:
            known = await self.partners.register(path_id(party), told)
        except Refused as refused:
            raise answers.problem(refused.refusal) from None
        if not known:
            raise unknown(party)
        return json_response(told)

    async def partner(self, request: Request, party: str) -> Response:
        """Return the numbers of a party and of its sites."""
        found = await self._own(request, party)
        return json_response(BusinessPartner(bpnl=found.bpnl, sites=dict(found.sites)))

    def objects(self, aspect: AspectType) -> Callable[..., Awaitable[Response]]:
        """Return the handler that shows what of an aspect a party has told, or was told, in order."""

        async def shown(
            request: Request, party: str, partner: _Bpnl = None, after: _After = "", limit: _Limit = _PAGE
        ) -> Response:
            return await self._page(request, party, aspect, (partner, after, limit))

        return shown

    async def short_term(
        self,
        request: Request,
        party: str,
        aspect: _Figure = SHORT_TERM[0].name,
        partner: _Bpnl = None,
        after: _After = "",
        limit: _Limit = _PAGE,
    ) -> Response:
        """Return the short-term figures that a party has told, or was told, in order."""
        await self._own(request, party)
        found = next((each for each in SHORT_TERM if each.name == aspect), None)
        if found is None:
            raise Problem(422, f"{aspect!r} is none of {_FIGURES}", slug="invalid-request")
        return await self._page(request, party, found, (partner, after, limit))

    async def comparisons(
        self, request: Request, party: str, partner: _Bpnl = None, after: _After = "", limit: _Limit = _PAGE
    ) -> Response:
        """Return demand and capacity of each group by week; with a partner also what nobody answered."""
        own = await self._own(request, party)
        async with self.database.acquire() as connection:
            groups = await self._groups(connection, own, (partner, after, limit))
            pairs = {(each.supplier, each.customer) for each in groups}
            if partner is not None and not after:
                pairs |= set(await store.pairs_between(connection, own.bpnl, partner))
            relations = {pair: await store.relation(connection, pair) for pair in sorted(pairs)}
        wanted = [((each.supplier, each.customer), each.id) for each in groups]
        alone = partner is not None and not after
        shown = await self._beside(views.comparisons, relations, wanted, _next(groups, limit), alone=alone)
        return json_response(shown)

    async def deviations(
        self, request: Request, party: str, partner: _Bpnl = None, after: _After = "", limit: _Limit = _PAGE
    ) -> Response:
        """Return how far demand has moved since it was measured last, for each group that measures it."""
        own = await self._own(request, party)
        async with self.database.acquire() as connection:
            groups = await self._groups(connection, own, (partner, after, limit))
            shown = [one for each in groups for one in await self._deviation(connection, each)]
        return json_response({"deviations": shown, "next": _next(groups, limit)})

    async def list_releases(self, request: Request, party: str) -> Response:
        """Return what a party lets onto the open market, and what has come of it."""
        await self._own(request, party)
        return json_response({"releases": views.releases(await self.releases.of(party))})

    async def put_release(self, request: Request, party: str, release: str) -> Response:
        """Let a material, or a group's spare capacity, onto the open market."""
        await self.access.sender_for(request, party)
        told = await self._read(request, Release, _RELEASE_BYTES)
        faults = list(releases.faults(told))
        if faults:
            raise answers.problem(invalid(faults))
        try:
            await self.releases.put(path_id(party), path_id(release), told)
        except Refused as refused:
            raise answers.problem(refused.refusal) from None
        return json_response(told)

    async def delete_release(self, request: Request, party: str, release: str) -> Response:
        """Take a release back: what it let onto the market is withdrawn."""
        await self.access.sender_for(request, party)
        try:
            known = await self.releases.take_back(path_id(party), path_id(release))
        except Refused as refused:
            raise answers.problem(refused.refusal) from None
        if not known:
            raise Problem(404, f"{party!r} has no release {release!r}")
        return Response(status_code=204)

    async def _own(self, request: Request, party: str) -> store.Partner:
        await self.access.sender_for(request, party)
        found = await self.partners.of(path_id(party))
        if found is None:
            raise Problem(404, f"there is no business partner {party!r} that this key may see")
        return found

    async def _read(self, request: Request, kind: type[Any], most: int) -> Any:
        body = await body_of(request, most, self.deadline_ms // 2)
        try:
            return read(kind, body, "")
        except Refused as refused:
            raise answers.problem(refused.refusal) from None

    async def _page(self, request: Request, party: str, aspect: AspectType, asked: Asked) -> Response:
        own = await self._own(request, party)
        partner, after, limit = asked
        async with self.database.acquire() as connection:
            found = await queries.page(connection, aspect, (own.bpnl, _bpnl(partner)), _key(after), limit)
        objects = [
            {
                "supplier": each.supplier,
                "customer": each.customer,
                "sender": each.sender,
                "received_at": each.received_at,
                "object": msgspec.Raw(each.data.encode()),
            }
            for each in found
        ]
        return json_response({"objects": objects, "next": _next(found, limit)})

    async def _groups(
        self, connection: Connection, own: store.Partner, asked: Asked
    ) -> Sequence[queries.Shown]:
        partner, after, limit = asked
        return await queries.page(connection, GROUP, (own.bpnl, _bpnl(partner)), _key(after), limit)

    async def _deviation(
        self, connection: Connection, shown: queries.Shown
    ) -> Sequence[views.DeviationShown]:
        group = decode_tolerant(WeekBasedCapacityGroup, shown.data.encode())
        told = group.demand_volatility_parameters
        at = None if told is None else measurements(told, self.releases.now())
        if at is None or group.capacity_group_is_inactive:
            return []
        pair = (shown.supplier, shown.customer)
        relation = await store.relation(connection, pair)
        before, latest = [await store.relation_at(connection, pair, relation, each) for each in at]
        return [await self._beside(views.deviation, pair, shown.id, before, latest, at)]

    async def _beside(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do what may take long beside the loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.reader, lambda: work(*args, **kwargs))


def _bpnl(text: str | None) -> str | None:
    try:
        return None if text is None else msgspec.convert(text, Bpnl)
    except msgspec.ValidationError:
        raise Problem(422, f"{text!r} is no BPNL", slug="invalid-request") from None


def _next(found: Sequence[queries.Shown], limit: int) -> str | None:
    last = found[-1] if len(found) == limit else None
    return None if last is None else f"{last.supplier}/{last.customer}/{last.id}"


def _key(after: str) -> Key:
    parts = after.replace("\0", "").split("/")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else ("", "", "")
