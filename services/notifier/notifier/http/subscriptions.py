"""Subscriptions: who is called by webhooks, what was tried, what is parked."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from notifier.bell import Bell
from notifier.feed import Feed
from notifier.http.access import Access, chosen
from notifier.http.answers import json, opened, page
from notifier.http.documents import ReplayRequest, SubscriptionRequest, answers, body
from notifier.http.parameters import Paging, PartyName
from notifier.http.resuming import beginning, known_types
from notifier.keys import NumberKey
from notifier.queries import Queries
from notifier.webhooks.endpoints import Endpoints, NewEndpoint
from notifier.webhooks.guard import BadUrl, check_url
from tenon.bodies import body_of
from tenon.contracts.codec import InvalidData, NotJson, decode_strict
from tenon.contracts.values import Shape
from tenon.problems import Fault, Problem

_MOST_BYTES: Final = 65_536
_BODY_DEADLINE_MS: Final = 10_000
_MOST_DESCRIPTION: Final = 500
R = TypeVar("R", bound=Shape)


class Subscriptions:
    """The handlers of subscriptions."""

    def __init__(
        self,
        endpoints: Endpoints,
        queries: Queries,
        feed: Feed,
        access: Access,
        bell: Bell,
        *,
        allow_private: bool,
    ) -> None:
        self._endpoints = endpoints
        self._queries = queries
        self._feed = feed
        self._access = access
        self._bell = bell
        self._allow_private = allow_private

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/v1/subscriptions", tags=["webhooks"])
        add = router.add_api_route
        one = (401, 403, 404)
        add("", self.create, methods=["POST"], summary="Subscribe", status_code=201,
            responses=answers("NewSubscription", 400, 401, 403, 408, 410, 413, 415, 422, status=201),
            openapi_extra=body(SubscriptionRequest))  # fmt: skip
        add("", self.every, summary="Subscriptions", responses=answers("Subscriptions", 401, 403))
        add("/{subscription}", self.one, summary="One subscription", responses=answers("Subscription", *one))
        add("/{subscription}", self.remove, methods=["DELETE"], summary="End a subscription", status_code=204,
            responses=answers(None, *one, status=204))  # fmt: skip
        add("/{subscription}/attempts", self.attempts, summary="Attempts, the newest first",
            responses=answers("AttemptPage", 400, *one))  # fmt: skip
        add("/{subscription}/parked", self.parked, summary="What is parked, in order",
            responses=answers("ParkedPage", 400, *one))  # fmt: skip
        add("/{subscription}/replay", self.replay, methods=["POST"], summary="Send parked events once more",
            status_code=202, responses=answers("Replayed", 400, *one, 408, 413, 415, 422, status=202),
            openapi_extra=body(ReplayRequest, required=False))  # fmt: skip
        add("/{subscription}/enable", self.enable, methods=["POST"], summary="Call a disabled endpoint again",
            responses=answers("Enabled", *one))  # fmt: skip
        return router

    async def create(self, request: Request, party: PartyName = None) -> Response:
        """Have an address called with each event of the viewer's feed, in order, by Standard Webhooks 1.0.

        The body of a call is a CloudEvent in JSON. The secret of the signatures is in this answer only.
        """
        audience = chosen(await self._access.viewer(request), party)
        wanted = await _read(request, SubscriptionRequest)
        types = sorted(known_types(wanted.types))
        if len(wanted.description) > _MOST_DESCRIPTION:
            raise _wrong("description", "too long", f"at most {_MOST_DESCRIPTION} characters")
        if "\x00" in wanted.description:
            raise _wrong("description", "holds a NUL character", "text")
        url = self._checked(wanted.url)
        after = await beginning(self._feed, audience, wanted.after)
        endpoint = NewEndpoint(audience, url, types, wanted.description, after)
        created = await self._endpoints.create(endpoint)
        if created is None:
            raise Problem(429, "there are as many subscriptions as allowed; remove one first")
        self._bell.ring()
        return json({**await self._one(audience, created.id), "secret": created.secret}, 201)

    async def every(self, request: Request, party: PartyName = None) -> Response:
        """The viewer's subscriptions, the oldest first."""
        audience = chosen(await self._access.viewer(request), party)
        return json({"items": [_shown(row) for row in await self._queries.subscriptions(audience)]})

    async def one(self, request: Request, subscription: str, party: PartyName = None) -> Response:
        """A subscription: how far it is, what waits, what is parked."""
        return json(await self._own(request, subscription, party))

    async def remove(self, request: Request, subscription: str, party: PartyName = None) -> Response:
        """End a subscription; what is parked goes with it."""
        audience = chosen(await self._access.viewer(request), party)
        if not await self._endpoints.remove(audience, subscription):
            raise _missing()
        return Response(status_code=204)

    async def attempts(
        self, request: Request, subscription: str, paging: Paging, party: PartyName = None
    ) -> Response:
        """Each call, with its status, its time and the beginning of the response."""
        await self._own(request, subscription, party)
        rows = await self._queries.attempts(subscription, opened(paging.page, NumberKey), paging.limit)
        return page(rows, [_attempt(row) for row in rows], paging.limit, (rows[-1].id,) if rows else None)

    async def parked(
        self, request: Request, subscription: str, paging: Paging, party: PartyName = None
    ) -> Response:
        """Events that the endpoint did not take."""
        await self._own(request, subscription, party)
        rows = await self._queries.parked(subscription, opened(paging.page, NumberKey), paging.limit)
        return page(rows, [_parked(row) for row in rows], paging.limit, (rows[-1].number,) if rows else None)

    async def replay(self, request: Request, subscription: str, party: PartyName = None) -> Response:
        """Send parked events once more, in order: those named, with all about the same subject, or all.

        What fails again stays parked. A disabled subscription has to be enabled, too.
        """
        await self._own(request, subscription, party)
        wanted = await _read(request, ReplayRequest, empty=ReplayRequest())
        events = await self._endpoints.replay(subscription, wanted.numbers)
        self._bell.ring()
        return json({"events": events}, 202)

    async def enable(self, request: Request, subscription: str, party: PartyName = None) -> Response:
        """Call a disabled endpoint again, from where it stopped."""
        audience = chosen(await self._access.viewer(request), party)
        await self._one(audience, subscription)
        skipped = await self._endpoints.enable(audience, subscription)
        self._bell.ring()
        return json({"skipped": skipped})

    def _checked(self, url: str) -> str:
        try:
            return check_url(url, allow_private=self._allow_private)
        except BadUrl as error:
            raise _wrong("url", str(error), "https://… of a public host") from error

    async def _own(self, request: Request, subscription: str, party: str | None) -> dict[str, Any]:
        return await self._one(chosen(await self._access.viewer(request), party), subscription)

    async def _one(self, audience: str, subscription: str) -> dict[str, Any]:
        rows = await self._queries.subscriptions(audience, subscription)
        if not rows:
            raise _missing()
        return _shown(rows[0])


def _shown(row: Any) -> dict[str, Any]:
    given: Mapping[str, Any] = row._mapping
    names = (
        "id",
        "url",
        "types",
        "description",
        "status",
        "cursor",
        "failed",
        "parked",
        "next_at",
        "created_at",
    )
    shown = {name: given[name] for name in names}
    shown["waiting"] = max(0, int(given["last"]) - int(given["cursor"]))
    return {**shown, "why": given["why"]} if given["why"] else shown


def _attempt(row: Any) -> dict[str, Any]:
    names = ("number", "event_id", "type", "at", "status", "latency_ms", "detail", "response")
    return {name: row._mapping[name] for name in names if row._mapping[name] not in (None, "")}


def _parked(row: Any) -> dict[str, Any]:
    names = ("number", "event_id", "type", "subject", "why", "parked_at", "replay")
    shown = {name: row._mapping[name] for name in names if row._mapping[name] != ""}
    return {**shown, "event": msgspec.Raw(row.body)}


async def _read(request: Request, kind: type[R], *, empty: R | None = None) -> R:
    given = await body_of(request, _MOST_BYTES, _BODY_DEADLINE_MS)
    if not given and empty is not None:
        return empty
    try:
        return decode_strict(kind, given)
    except NotJson as error:
        raise Problem(400, f"the body is not JSON: {error}") from error
    except InvalidData as error:
        fault = Fault(error.pointer, error.reason, error.expected)
        raise Problem(422, str(error), slug="invalid-request", errors=[fault]) from error


def _wrong(name: str, reason: str, expected: str) -> Problem:
    fault = Fault(f"/{name}", reason, expected)
    return Problem(422, f"{name}: {reason}", slug="invalid-request", errors=[fault])


def _missing() -> Problem:
    return Problem(404, "there is no such subscription, or it is not yours")
