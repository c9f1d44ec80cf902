"""The addresses of EPCIS: capture a document, see its job, see stock, say what an order stands for."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from ingest import answers
from ingest.access import Access, unknown
from ingest.addresses import json_response, path_id
from ingest.deadline import timely, within
from ingest.domain.faults import Refused, unavailable
from ingest.domain.shape import read
from ingest.epcis import described, orders, store
from ingest.epcis.job import Behaviour, CaptureJob, shown
from ingest.epcis.orders import Order
from ingest.epcis.taking import Capturing
from ingest.formats.epcis import reading
from ingest.formats.epcis.ledger import Spot
from ingest.formats.epcis.reading import Read
from ingest.formats.epcis.shapes import Uri
from ingest.limits import Budget, OverBudget
from tenon import log
from tenon.bodies import body_of
from tenon.errors import Transient
from tenon.problems import Problem
from tenon.rate import Rate

_SMALL_BYTES = 64 * 1024
_ORDER_BYTES = 4_096
_PAGE = 100
_TYPES = ("application/json", "application/ld+json")
_TAGS: dict[str, Any] = {"tags": ["epcis"]}
_After = Annotated[str, Query(max_length=1_100, description="The `next` of the page before.")]
_Limit = Annotated[int, Query(ge=1, le=500)]
_logger = log.get("epcis")


@dataclass(frozen=True, slots=True)
class EpcisAddresses:
    """Answers the addresses of EPCIS. `reader` reads what is large, one body at a time."""

    access: Access
    capturing: Capturing
    rate: Rate
    budget: Budget
    reader: Executor
    body_deadline_ms: int
    deadline_ms: int

    def router(self) -> APIRouter:
        """Return the addresses with their description."""
        router = APIRouter(prefix="/v1")

        def add(method: str, path: str, answer: Callable[..., Any], told: dict[str, Any]) -> None:
            router.add_api_route(path, answer, methods=[method], **_TAGS, **told)

        order = "/parties/{party}/epcis/orders/{reference:path}"
        add("POST", "/epcis/capture", self.capture, described.CAPTURE)
        add("GET", "/epcis/capture/{capture}", timely(self.deadline_ms, self.job), described.JOB)
        add("GET", "/parties/{party}/epcis/stock", timely(self.deadline_ms, self.stock), described.STOCK)
        add("GET", order, timely(self.deadline_ms, self.order), described.ORDER)
        add("PUT", order, timely(self.deadline_ms, self.put_order), described.PUT_ORDER)
        return router

    async def capture(self, request: Request) -> Response:
        """Capture a document, a list of events, or one event."""
        try:
            with self.budget.hold() as take:
                return await self._captured(request, take)
        except Refused as refused:
            raise answers.problem(refused.refusal) from None
        except (OverBudget, Transient):
            raise answers.problem(
                unavailable("it could not be captured in time; send the document again")
            ) from None

    async def _captured(self, request: Request, take: Callable[[int], None]) -> Response:
        sender = await self.access.sender(request)
        if sender.party is None:
            raise Problem(403, "events are captured with the key of the party that they are of")
        behaviour = _behaviour(request)
        _check_type(request)
        body = await body_of(request, reading.MOST_BYTES, self.body_deadline_ms, take)
        reads = await self._read(body)
        self.rate.charge(sender.key, len(reads), time.monotonic())
        async with within(self.deadline_ms):
            job = await self.capturing.capture(reads, sender.party, behaviour)
        write = _logger.debug if job.success else _logger.info
        write("capture", key=sender.key, job=str(job.capture_id), events=len(reads), success=job.success)
        return _accepted(job)

    async def _read(self, body: bytes) -> list[Read]:
        """Return the events of a body; a large one, which may be made to take long, holds up nobody else."""
        if len(body) <= _SMALL_BYTES:
            return reading.events(body)
        return await asyncio.get_running_loop().run_in_executor(self.reader, reading.events, body)

    async def job(self, request: Request, capture: str) -> Response:
        """Return what became of a document."""
        sender = await self.access.sender(request)
        found = await store.find(self.capturing.database, _capture_id(capture))
        if found is None or (not sender.is_administrator and found[0] != sender.party):
            raise _no_capture(capture)
        return Response(shown(found[1]), media_type="application/json")

    async def stock(
        self, request: Request, party: str, after: _After = "", limit: _Limit = _PAGE
    ) -> Response:
        """Return what a party has of each item, by place and unit."""
        await self._registered(request, party)
        rows = await store.stock(self.capturing.database, path_id(party), _spot(after), limit)
        entries = [{**dict(row), "place": row["place"] or None} for row in rows]
        last = rows[-1] if len(rows) == limit else None
        following = None if last is None else f"{last['item']} {last['place']} {last['unit']}"
        return json_response({"stock": entries, "next": following})

    async def order(self, request: Request, party: str, reference: str) -> Response:
        """Return what an order stands for, and how far it is."""
        await self._registered(request, party)
        async with self.capturing.database.acquire() as connection:
            found = await orders.of(connection, path_id(party), _reference(party, reference))
        if found is None:
            raise _no_order(party, reference)
        return json_response(found)

    async def put_order(self, request: Request, party: str, reference: str) -> Response:
        """Say which docking a purchase order, or a despatch advice, stands for."""
        await self._registered(request, party)
        name = _reference(party, reference)
        body = await body_of(request, _ORDER_BYTES, self.deadline_ms // 2)
        try:
            order = read(Order, body, "")
            await self.capturing.set_order(path_id(party), name, order)
        except Refused as refused:
            raise answers.problem(refused.refusal) from None
        return await self.order(request, party, reference)

    async def _registered(self, request: Request, party: str) -> None:
        await self.access.sender_for(request, party)
        async with self.capturing.database.acquire() as connection:
            if not await store.is_registered(connection, path_id(party)):
                raise unknown(party)


def _accepted(job: CaptureJob) -> Response:
    headers = {
        "location": f"/v1/epcis/capture/{job.capture_id}",
        "gs1-epcis-version": "2.0.0",
        "gs1-cbv-version": "2.0.0",
        "gs1-capture-error-behaviour": job.capture_error_behaviour,
        "gs1-epcis-capture-limit": str(reading.MOST_EVENTS),
        "gs1-epcis-capture-file-size-limit": str(reading.MOST_BYTES),
    }
    return Response(shown(job), 202, headers, "application/json")


def _behaviour(request: Request) -> Behaviour:
    """Return what is wanted where an event can't be taken; the standard has had two names for the header."""
    names = ("gs1-capture-error-behaviour", "gs1-epcis-capture-error-behaviour")
    said = next((request.headers[name] for name in names if name in request.headers), "rollback")
    try:
        behaviour: Behaviour = msgspec.convert(said.strip().lower(), Behaviour)
    except msgspec.ValidationError:
        raise Problem(400, f"{names[0]}: {said[:60]!r}; expected rollback or proceed") from None
    return behaviour


def _check_type(request: Request) -> None:
    sent = request.headers.get("content-type", _TYPES[0])
    if sent.partition(";")[0].strip().lower() not in _TYPES:
        detail = f"content-type: {sent[:100]}; expected {' or '.join(_TYPES)}"
        raise Problem(415, detail, slug="unsupported-media-type", title="This is not read")


def _capture_id(text: str) -> UUID:
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        raise _no_capture(text) from None


def _no_capture(text: str) -> Problem:
    return Problem(404, f"there is no capture job {text!r} that this key may see")


def _reference(party: str, text: str) -> str:
    try:
        return msgspec.convert(text, Uri)
    except msgspec.ValidationError:
        raise _no_order(party, text) from None


def _no_order(party: str, reference: str) -> Problem:
    return Problem(404, f"{party!r} has no order {reference!r}; its name is the URI that events give it")


def _spot(after: str) -> Spot:
    parts = after.replace("\0", "").split(" ")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else ("", "", "")
