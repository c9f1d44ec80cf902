"""`POST /v1/events`, and the application that it and the registry's addresses are part of.

Decides in which order a request is checked: key, form, size, room, rate, events. What an event means is
decided behind it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ingest import answers, openapi, reading
from ingest.access import Access
from ingest.addresses import Addresses
from ingest.docs import add_docs
from ingest.domain.admit import Sender
from ingest.domain.faults import Refused, unavailable
from ingest.handler import Handler, Item
from ingest.imports.addresses import ImportAddresses
from ingest.limits import Budget, OverBudget
from tenon import log, problems
from tenon.bodies import body_of
from tenon.contracts.cloudevents import BATCH
from tenon.errors import Transient
from tenon.problems import Problem
from tenon.rate import Rate

_SMALL_BYTES = 256 * 1024
_logger = log.get("events")


@dataclass(frozen=True, slots=True)
class Intake:
    """What the events address works with. `reader` reads what is large, one body at a time."""

    access: Access
    handler: Handler
    rate: Rate
    budget: Budget
    reader: Executor
    body_deadline_ms: int

    async def post(self, request: Request) -> Response:
        """Answer one request; logged where anything was refused."""
        try:
            return await self._answer(request)
        except Problem as problem:
            return problem.response()
        except Refused as refused:
            return answers.problem(refused.refusal).response()
        except OverBudget:
            return answers.problem(unavailable("too much is being handled; send it again")).response()

    async def _answer(self, request: Request) -> Response:
        with self.budget.hold() as take:
            sender = await self._sender(request)
            kind = reading.media_type(request.headers)
            body = await body_of(request, reading.MOST_BYTES, self.body_deadline_ms, take)
            items = await self._items(kind, request, body)
            self.rate.charge(sender.key, len(items), time.monotonic())
            await self.handler.take(items, sender)
        _log(sender, items)
        return answers.of_batch(items) if kind == BATCH else answers.of_event(items[0])

    async def _items(self, kind: str, request: Request, body: bytes) -> list[Item]:
        """Return the events of a body; a large one, which may be made to take long, holds up nobody else."""
        if len(body) <= _SMALL_BYTES:
            return reading.items_of(kind, request.headers, body)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.reader, reading.items_of, kind, request.headers, body)

    async def _sender(self, request: Request) -> Sender:
        try:
            return await self.access.sender(request)
        except Transient as error:
            raise Refused(unavailable("the registry does not answer; send it again")) from error


def _log(sender: Sender, items: list[Item]) -> None:
    refused = [item.refusal.name for item in items if item.refusal is not None]
    if refused:
        reasons = {name: refused.count(name) for name in set(refused)}
        _logger.info("events", key=sender.key, party=sender.party, events=len(items), refused=reasons)
    else:
        _logger.debug("events", key=sender.key, party=sender.party, events=len(items))


def application(
    post: Callable[[Request], Awaitable[Response]], addresses: Addresses, *more: ImportAddresses
) -> FastAPI:
    """Return the HTTP application of ingest; its description is complete."""
    app = FastAPI(
        title=openapi.TITLE,
        version=openapi.VERSION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.router.routes.append(Route("/v1/events", post, methods=["POST"]))
    for router in (addresses.router(), *(each.router() for each in more)):
        app.include_router(router)
    problems.install(app, [RequestValidationError])
    openapi.describe(app)
    add_docs(app)
    return app
