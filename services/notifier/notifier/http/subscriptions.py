"""Subscriptions: who is told by webhooks, by Kafka, by MQTT; what was tried, what is parked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, TypeVar

from fastapi import APIRouter, Request
from starlette.responses import Response

from notifier.bell import Bell
from notifier.delivery.endpoints import NewEndpoint
from notifier.delivery.subscribers import Subscribers, taken
from notifier.feed import Feed
from notifier.http import shown
from notifier.http.access import Access, chosen
from notifier.http.answers import json, opened, page
from notifier.http.asking import wanted_of, wrong
from notifier.http.documents import ReplayRequest, SubscriptionRequest, answers, body
from notifier.http.parameters import Paging, PartyName, WantedAttempts
from notifier.http.resuming import beginning
from notifier.keys import MOST_NUMBER, NumberKey
from notifier.queries import Queries
from tenon import log
from tenon.bodies import body_of
from tenon.contracts.codec import InvalidData, NotJson, decode_strict
from tenon.contracts.values import Shape
from tenon.db import Row
from tenon.errors import Misconfigured
from tenon.guard import BadUrl
from tenon.problems import Fault, Problem, unavailable

_MOST_BYTES: Final = 65_536
_BODY_DEADLINE_MS: Final = 10_000
_LATER_S: Final = 1
_UNREADY_S: Final = 60
_logger = log.get("subscriptions")
R = TypeVar("R", bound=Shape)


class Subscriptions:
    """The handlers of subscriptions."""

    def __init__(
        self,
        subscribers: Subscribers,
        queries: Queries,
        feed: Feed,
        access: Access,
        bell: Bell,
        *,
        allow_private: bool,
    ) -> None:
        self._subscribers = subscribers
        self._endpoints = subscribers.endpoints
        self._queries = queries
        self._feed = feed
        self._access = access
        self._bell = bell
        self._allow_private = allow_private
        self._waiting: set[str] = set()

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/v1/subscriptions", tags=["subscriptions"])
        add = router.add_api_route
        one = (401, 403, 404)
        add("", self.create, methods=["POST"], summary="Subscribe", status_code=201,
            responses=answers("NewSubscription", 400, 401, 403, 408, 410, 413, 415, 422, status=201),
            openapi_extra=body(SubscriptionRequest))  # fmt: skip
        add("", self.every, summary="Subscriptions", responses=answers("Subscriptions", 401, 403))
        add("/{subscription}", self.one, summary="One subscription", responses=answers("Subscription", *one))
        add("/{subscription}", self.remove, methods=["DELETE"], summary="End a subscription", status_code=204,
            responses=answers(None, *one, status=204))  # fmt: skip
        add("/{subscription}/ping", self.ping, methods=["POST"], summary="Try a subscription, and begin it",
            responses=answers("Pinged", *one))  # fmt: skip
        add("/{subscription}/secret", self.rotate, methods=["POST"], summary="Replace the secret",
            responses=answers("NewSecret", *one, 409))  # fmt: skip
        add("/{subscription}/attempts", self.attempts, summary="Attempts, the newest first",
            responses=answers("AttemptPage", 400, *one))  # fmt: skip
        add("/{subscription}/parked", self.parked, summary="What is parked, in order",
            responses=answers("ParkedPage", 400, *one))  # fmt: skip
        add("/{subscription}/replay", self.replay, methods=["POST"], summary="Send events once more",
            status_code=202, responses=answers("Replayed", 400, *one, 408, 413, 415, 422, status=202),
            openapi_extra=body(ReplayRequest, required=False))  # fmt: skip
        add("/{subscription}/enable", self.enable, methods=["POST"], summary="Go on with a disabled one",
            responses=answers("Enabled", *one, 409))  # fmt: skip
        return router

    async def create(self, request: Request, party: PartyName = None) -> Response:
        """Have the events of the viewer's feed sent, in order: by webhook, Kafka or MQTT.

        Nothing is sent before a trial (`…/ping`) was taken; what happens meanwhile is sent then. What is
        sent is a CloudEvent in JSON. A webhook is signed by Standard Webhooks 1.0; its secret is in this
        answer only.
        """
        audience = chosen(await self._access.viewer(request), party)
        asked = await _read(request, SubscriptionRequest)
        wanted = wanted_of(asked, audience, allow_private=self._allow_private)
        if not self._subscribers.offers(wanted.way):
            raise wrong("way", f"this Tenon sends nothing by {wanted.way}", "webhook")
        with self._alone(audience):
            made = await self._create(wanted, asked)
        if made is None:
            raise Problem(429, "there are as many subscriptions as allowed; remove one first")
        name, secret = made
        answer = await self._shown(audience, name)
        return json({**answer, **shown.secret(secret, answer.get("public_key"))}, 201)

    async def every(self, request: Request, party: PartyName = None) -> Response:
        """The viewer's subscriptions, the oldest first."""
        audience = chosen(await self._access.viewer(request), party)
        rows = await self._queries.subscriptions(audience)
        return json({"items": [self._subscription(row) for row in rows]})

    async def one(self, request: Request, subscription: str, party: PartyName = None) -> Response:
        """A subscription: how far it is, what waits, what is parked."""
        audience = chosen(await self._access.viewer(request), party)
        return json(await self._shown(audience, subscription))

    async def remove(self, request: Request, subscription: str, party: PartyName = None) -> Response:
        """End a subscription; what is parked goes with it, and rights that it gave."""
        await self._subscribers.remove(await self._own(request, subscription, party))
        return Response(status_code=204)

    async def ping(self, request: Request, subscription: str, party: PartyName = None) -> Response:
        """Send `tenon.endpoint.pinged.v1`. Once one is taken the subscription is served.

        A disabled one can be tried too; it goes on when it is enabled.
        """
        row = await self._own(request, subscription, party)
        with self._alone(row["audience"]):
            report = await self._subscribers.ping(row)
        self._bell.ring()
        status = (await self._shown(row["audience"], subscription))["status"]
        return json(shown.pinged(report, taken(report), status))

    async def rotate(self, request: Request, subscription: str, party: PartyName = None) -> Response:
        """Sign with a new secret, or a new pair of keys; for a while with the one of before as well.

        Both signatures are in the header then: a receiver that knows either takes the event.
        """
        row = await self._own(request, subscription, party)
        if row["way"] != "webhook":
            raise Problem(409, f"what is sent by {row['way']} is not signed")
        secret = await self._subscribers.rotate(row)
        answer = await self._shown(row["audience"], subscription)
        said = shown.secret(secret, answer.get("public_key"))
        return json({**said, "old_until": answer["old_until"]})

    async def attempts(
        self,
        request: Request,
        subscription: str,
        paging: Paging,
        wanted: WantedAttempts,
        party: PartyName = None,
    ) -> Response:
        """Each attempt, with its status, its time and the beginning of the response."""
        await self._own(request, subscription, party)
        before = opened(paging.page, NumberKey)
        rows = await self._queries.attempts(subscription, wanted.filter(), before, paging.limit)
        return page(
            rows, [shown.attempt(row) for row in rows], paging.limit, (rows[-1].id,) if rows else None
        )

    async def parked(
        self, request: Request, subscription: str, paging: Paging, party: PartyName = None
    ) -> Response:
        """Events that were not taken."""
        await self._own(request, subscription, party)
        rows = await self._queries.parked(subscription, opened(paging.page, NumberKey), paging.limit)
        last = (rows[-1].number,) if rows else None
        return page(rows, [shown.parked(row) for row in rows], paging.limit, last)

    async def replay(self, request: Request, subscription: str, party: PartyName = None) -> Response:
        """Send events once more, under their ids and numbers: some, a range, all since an instant, or all
        parked.

        Of what is parked, all about the same subject. What is no longer kept, or is yet to be sent, is left
        out. What fails again is parked. A disabled subscription has to be enabled, too.
        """
        row = await self._own(request, subscription, party)
        wanted = await _read(request, ReplayRequest, empty=ReplayRequest())
        if wanted == ReplayRequest():
            events, ranges = await self._endpoints.replay_parked(subscription), []
        else:
            asked = await self._ranges(row["audience"], wanted)
            found = [await self._endpoints.replay(subscription, between) for between in asked]
            events, ranges = sum(parked for parked, _ in found), [between for _, between in found if between]
        self._bell.ring()
        return json({"events": events, "ranges": ranges}, 202)

    async def enable(self, request: Request, subscription: str, party: PartyName = None) -> Response:
        """Go on with a disabled subscription, from where it stopped."""
        row = await self._own(request, subscription, party)
        if row["status"] == "untested":
            raise Problem(409, "it was not tested yet: send a ping, and it begins")
        skipped = await self._endpoints.enable(row["audience"], subscription)
        self._bell.ring()
        return json({"skipped": skipped})

    async def _ranges(self, audience: str, wanted: ReplayRequest) -> list[tuple[int, int]]:
        """Return the ranges of numbers that are asked for."""
        given = [wanted.numbers is not None, wanted.from_ is not None or wanted.until is not None]
        if sum([*given, wanted.since is not None]) > 1:
            raise wrong("numbers", "numbers, a range and an instant exclude each other", "one of them")
        if wanted.numbers is not None:
            return [(number, number) for number in sorted(set(wanted.numbers))]
        if wanted.since is None:
            low, high = wanted.from_ or 0, MOST_NUMBER if wanted.until is None else wanted.until
            if low > high:
                raise wrong("until", "the range ends before it begins", "not below `from`")
            return [(low, high)]
        first = await self._endpoints.first_since(audience, wanted.since)
        return [] if first is None else [(first, MOST_NUMBER)]

    async def _create(self, wanted: NewEndpoint, asked: SubscriptionRequest) -> tuple[str, str] | None:
        await self._look_up(wanted.url)
        wanted = replace(wanted, after=await beginning(self._feed, wanted.audience, asked.after))
        try:
            return await self._subscribers.create(wanted, asked.signature)
        except Misconfigured as error:
            _logger.warning(
                "a party's topic could not be made ready", party=wanted.audience, error=str(error)
            )
            detail = "the topic could not be made ready; why, stands in the log of whoever runs this Tenon"
            raise unavailable(detail, _UNREADY_S) from error

    @contextmanager
    def _alone(self, audience: str) -> Iterator[None]:
        """Let one party wait for what is outside once at a time: what hangs there is nobody else's."""
        if audience in self._waiting:
            later = {"retry-after": str(_LATER_S)}
            raise Problem(429, "a trial or a look-up of yours is under way; try again then", headers=later)
        self._waiting.add(audience)
        try:
            yield
        finally:
            self._waiting.discard(audience)

    async def _look_up(self, url: str) -> None:
        try:
            if url:
                await self._subscribers.check_host(url)
        except BadUrl as error:
            raise wrong("url", str(error), "https://… of a public host") from error

    async def _own(self, request: Request, subscription: str, party: str | None) -> Row:
        audience = chosen(await self._access.viewer(request), party)
        row = await self._endpoints.load(audience, subscription)
        if row is None:
            raise _missing()
        return row

    async def _shown(self, audience: str, subscription: str) -> dict[str, Any]:
        rows = await self._queries.subscriptions(audience, subscription)
        if not rows:
            raise _missing()
        return self._subscription(rows[0])

    def _subscription(self, row: Any) -> dict[str, Any]:
        return shown.subscription(row, self._subscribers.public_key(row.secret))


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


def _missing() -> Problem:
    return Problem(404, "there is no such subscription, or it is not yours")
