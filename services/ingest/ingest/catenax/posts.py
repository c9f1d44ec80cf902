"""The addresses that partners send messages to: one for each aspect, as CX-0128 describes them.

Decides in which order a request is checked (key, room, size, form, rate, objects) and how it is answered: one
object with its own status, several with 200 when all were taken and 400 when any was not. What is right in
such a list is kept, as the standard allows; the results say which is which.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ingest import answers
from ingest.access import Access
from ingest.catenax.partners import Partners
from ingest.catenax.taking import Taking
from ingest.deadline import within
from ingest.domain.faults import Fault, Refused, step, unavailable
from ingest.formats.catenax import reading
from ingest.formats.catenax.aspects import AspectType
from ingest.formats.catenax.reading import LIST, Header, Read
from ingest.formats.catenax.ruling import Ruled
from ingest.limits import Budget, OverBudget
from tenon import log
from tenon.bodies import body_of
from tenon.errors import Transient
from tenon.problems import MEDIA_TYPE, Problem, ProblemDocument
from tenon.problems import Fault as ProblemFault
from tenon.rate import Rate

_SMALL_BYTES = 256 * 1024
_SENDER = "/messageHeader/header/senderBpn"
_CONTEXT = "/messageHeader/header/context"
_logger = log.get("catenax")
_TITLES = {400: "Not taken", 403: "Forbidden", 501: "Not Implemented"}


class ObjectResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of an object of a message. `clause`: the case of the standard's table that it is."""

    status: int
    clause: str
    id: str | None = None
    errors: Sequence[ProblemFault] = ()


class MessageTaken(msgspec.Struct, frozen=True):
    """Every object of the message is committed."""

    results: Sequence[ObjectResult]


class MessageProblem(ProblemDocument, frozen=True, kw_only=True):
    """At least one object was not taken; `results` says what became of each, in order."""

    results: Sequence[ObjectResult] = ()


@dataclass(frozen=True, slots=True)
class Posts:
    """Answers messages. `reader` reads what is large, one body at a time."""

    access: Access
    partners: Partners
    taking: Taking
    rate: Rate
    budget: Budget
    reader: Executor
    body_deadline_ms: int
    deadline_ms: int
    now: Callable[[], datetime]

    def of(self, aspect: AspectType) -> Callable[[Request], Awaitable[Response]]:
        """Return the handler of an aspect's address."""
        return partial(self.post, aspect)

    async def post(self, aspect: AspectType, request: Request) -> Response:
        """Answer one message."""
        try:
            return answered(await self._take(aspect, request))
        except Problem as problem:
            return problem.response()
        except Refused as refused:
            return answers.problem(refused.refusal).response()
        except (OverBudget, Transient):
            return answers.problem(unavailable("nothing was taken; send the message again")).response()

    async def _take(self, aspect: AspectType, request: Request) -> list[Ruled]:
        with self.budget.hold() as take:
            sender = await self.access.sender(request)
            body = await body_of(request, reading.MOST_BYTES, self.body_deadline_ms, take)
            header, reads = await self._read(aspect, body)
            self.rate.charge(sender.key, len(reads), time.monotonic())
            async with within(self.deadline_ms):
                bpnl = await self.partners.speaking(sender, header.sender_bpn)
                wrong = header_faults(header, aspect, bpnl)
                judged = [Read(read.at, read.value, (*wrong, *read.faults)) for read in reads]
                ruled = await self.taking.take(aspect, judged, bpnl)
        _log(sender.key, aspect, ruled)
        return ruled

    async def _read(self, aspect: AspectType, body: bytes) -> tuple[Header, list[Read[Any]]]:
        """Return header and objects; a large body, which may be made to take long, holds up nobody else."""
        now = self.now()
        if len(body) <= _SMALL_BYTES:
            return _objects(aspect, body, now)
        return await asyncio.get_running_loop().run_in_executor(self.reader, _objects, aspect, body, now)


def header_faults(header: Header, aspect: AspectType, bpnl: str) -> tuple[Fault, ...]:
    """Return what is wrong with a header: who sends, and what."""
    wrong = reading.context_faults(header, aspect, _CONTEXT)
    if header.sender_bpn != bpnl:
        wrong = (*wrong, Fault(_SENDER, "not the BPNL that belongs to the key", bpnl))
    return wrong


def answered(ruled: Sequence[Ruled]) -> Response:
    """Return the answer to a message (CX-0128 §4.1.2.6)."""
    results = [_result(each) for each in ruled]
    worst = [each for each in results if each.status >= 400]
    if not worst:
        status = results[0].status if len(results) == 1 else 200
        return Response(msgspec.json.encode(MessageTaken(results)), status, media_type="application/json")
    status = worst[0].status if len(results) == 1 else 400
    first = worst[0].errors[0]
    document = MessageProblem(
        type="/problems/message-refused",
        title=_TITLES[status],
        status=status,
        detail=f"{first.pointer}: {first.reason}; expected {first.expected} ({worst[0].clause})",
        errors=[fault for each in worst for fault in each.errors],
        results=results,
    )
    return Response(msgspec.json.encode(document), status, media_type=MEDIA_TYPE)


def _objects(aspect: AspectType, body: bytes, now: datetime) -> tuple[Header, list[Read[Any]]]:
    header, objects = reading.message(body)
    at = "".join(map(step, LIST))
    return header, [reading.read(aspect, value, at + step(index), now) for index, value in enumerate(objects)]


def _result(ruled: Ruled) -> ObjectResult:
    errors = [ProblemFault(fault.pointer, fault.reason, fault.expected) for fault in ruled.faults]
    return ObjectResult(ruled.status, ruled.clause, ruled.id, errors)


def _log(key: str, aspect: AspectType, ruled: Sequence[Ruled]) -> None:
    refused = [each.clause for each in ruled if each.status >= 400]
    write = _logger.info if refused else _logger.debug
    write("message", key=key, aspect=aspect.name, objects=len(ruled), refused=refused)
