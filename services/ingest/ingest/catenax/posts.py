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

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ingest import answers
from ingest.access import Access
from ingest.addresses import json_response
from ingest.catenax.asking import Asking
from ingest.catenax.partners import Partners
from ingest.catenax.taking import Taking
from ingest.deadline import within
from ingest.domain.faults import Fault, Refused, malformed, step, unavailable
from ingest.formats.catenax import notification, reading
from ingest.formats.catenax.aspects import NOTIFICATION, AspectType
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
class Message:
    """A message that was read: with which key, by whom, to whom, and its objects."""

    key: str
    sender: str
    receiver: str
    reads: Sequence[Read]


@dataclass(frozen=True, slots=True)
class Posts:
    """Answers messages. `reader` reads what is large, one body at a time."""

    access: Access
    partners: Partners
    taking: Taking
    asking: Asking
    rate: Rate
    budget: Budget
    reader: Executor
    body_deadline_ms: int
    deadline_ms: int
    now: Callable[[], datetime]

    async def post(self, aspect: AspectType, request: Request) -> Response:
        """Answer a message of objects that are kept."""

        async def taken(message: Message) -> Response:
            ruled = await self.taking.take(aspect, message.reads, message.sender)
            return _told(message, aspect, ruled)

        return await self._answer(aspect, request, taken)

    async def note(self, aspect: AspectType, request: Request) -> Response:
        """Answer a message of short-term figures."""

        async def noted(message: Message) -> Response:
            ruled = await self.taking.note(aspect, message.reads, message.sender, message.receiver)
            return _told(message, aspect, ruled)

        return await self._answer(aspect, request, noted)

    async def ask(self, aspect: AspectType, request: Request) -> Response:
        """Answer a request for update."""

        async def asked(message: Message) -> Response:
            wrong = [read for read in message.reads if read.faults]
            if wrong:
                raise Refused(malformed([fault for read in wrong for fault in read.faults]))
            requests = [read.value for read in message.reads if read.value is not None]
            return json_response(await self.asking.answer(requests, message.sender, message.receiver))

        return await self._answer(aspect, request, asked)

    async def notify(self, aspect: AspectType, request: Request) -> Response:
        """Answer a notification of a disruption."""

        async def notified(message: Message) -> Response:
            (read,) = message.reads
            ruled = await self.taking.notify(read, message.sender, message.receiver)
            return _told(message, aspect, [ruled])

        return await self._answer(aspect, request, notified)

    async def _answer(
        self, aspect: AspectType, request: Request, answer: Callable[[Message], Awaitable[Response]]
    ) -> Response:
        try:
            with self.budget.hold() as take:
                sender = await self.access.sender(request)
                body = await body_of(request, reading.MOST_BYTES, self.body_deadline_ms, take)
                header, reads = await self._read(aspect, body)
                self.rate.charge(sender.key, len(reads), time.monotonic())
                async with within(self.deadline_ms):
                    bpnl = await self.partners.speaking(sender, header.sender_bpn)
                    return await answer(_message(sender.key, aspect, header, bpnl, reads))
        except Problem as problem:
            return problem.response()
        except Refused as refused:
            return answers.problem(refused.refusal).response()
        except (OverBudget, Transient):
            return answers.problem(unavailable("nothing was taken; send the message again")).response()

    async def _read(self, aspect: AspectType, body: bytes) -> tuple[Header, list[Read]]:
        """Return header and objects; a large body, which may be made to take long, holds up nobody else."""
        read = _notification if aspect is NOTIFICATION else _objects
        now = self.now()
        if len(body) <= _SMALL_BYTES:
            return read(aspect, body, now)
        return await asyncio.get_running_loop().run_in_executor(self.reader, read, aspect, body, now)


def _message(key: str, aspect: AspectType, header: Header, bpnl: str, reads: Sequence[Read]) -> Message:
    """Return a message; what is wrong with its header is wrong with each of its objects."""
    at = "/header" if aspect is NOTIFICATION else "/messageHeader/header"
    wrong = reading.context_faults(header, aspect, f"{at}/context")
    if header.sender_bpn != bpnl:
        wrong = (*wrong, Fault(f"{at}/senderBpn", "not the BPNL that belongs to the key", bpnl))
    judged = [Read(read.at, read.value, (*wrong, *read.faults)) for read in reads]
    return Message(key, bpnl, header.receiver_bpn, judged)


def _told(message: Message, aspect: AspectType, ruled: Sequence[Ruled]) -> Response:
    refused = [each.clause for each in ruled if each.status >= 400]
    write = _logger.info if refused else _logger.debug
    write("message", key=message.key, aspect=aspect.name, objects=len(ruled), refused=refused)
    return answered(ruled)


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


def _objects(aspect: AspectType, body: bytes, now: datetime) -> tuple[Header, list[Read]]:
    header, objects = reading.message(body)
    at = "".join(map(step, LIST))
    return header, [reading.read(aspect, value, at + step(index), now) for index, value in enumerate(objects)]


def _notification(aspect: AspectType, body: bytes, now: datetime) -> tuple[Header, list[Read]]:
    header, value = reading.bare_message(body, notification.NAME)
    return header, [reading.read(aspect, value, f"/content/{notification.NAME}", now)]


def _result(ruled: Ruled) -> ObjectResult:
    errors = [ProblemFault(fault.pointer, fault.reason, fault.expected) for fault in ruled.faults]
    return ObjectResult(ruled.status, ruled.clause, ruled.id, errors)
