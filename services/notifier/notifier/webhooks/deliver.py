"""One call of an endpoint: signed, bounded in time and size, never redirected."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import get_args

import aiohttp

from notifier.domain.classify import Attempt, Delivered, Verdict, judge
from notifier.domain.sign import headers
from notifier.metrics import ATTEMPT_SECONDS, ATTEMPTS
from notifier.webhooks.guard import AddressDenied
from tenon.clock import Clock
from tenon.contracts.cloudevents import STRUCTURED
from tenon.contracts.codec import instant
from tenon.metrics import Metrics

_DETAIL = 300
_BODY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Call:
    """What is sent to whom."""

    url: str
    secret: str
    event_id: str
    body: bytes
    failed_before: int


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a call."""

    verdict: Verdict
    attempt: Attempt
    at_ms: int
    latency_ms: int
    response: str


class Caller:
    """Calls endpoints and judges what comes of it."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        schedule_ms: Sequence[int],
        response_bytes: int,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._session = session
        self._schedule_ms = schedule_ms
        self._response_bytes = response_bytes
        self._clock = clock
        self._metrics = metrics
        for verdict in get_args(Verdict):
            metrics.add(ATTEMPTS, 0, outcome=verdict.__name__.lower())

    async def call(self, call: Call) -> Report:
        """Send one event; whatever goes wrong outside is part of the report."""
        at_ms = self._clock.now_ms()
        started = time.perf_counter()
        attempt, response = await self._attempt(call, at_ms // 1000)
        seconds = time.perf_counter() - started
        verdict = judge(
            attempt, call.failed_before, self._schedule_ms, random.random(), instant(self._clock.now_ms())
        )
        self._metrics.observe(ATTEMPT_SECONDS, seconds)
        self._metrics.add(ATTEMPTS, outcome=type(verdict).__name__.lower())
        return Report(verdict, attempt, at_ms, round(seconds * 1000), response)

    async def _attempt(self, call: Call, timestamp_s: int) -> tuple[Attempt, str]:
        signed = headers([call.secret], call.event_id, timestamp_s, call.body)
        try:
            async with self._session.post(
                call.url,
                data=call.body,
                headers={**signed, "content-type": STRUCTURED},
                allow_redirects=False,
            ) as answer:
                attempt = Attempt(answer.status, retry_after=answer.headers.get("retry-after"))
                return attempt, await self._beginning(answer)
        except TimeoutError:
            return Attempt(None, "no answer in time"), ""
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Attempt(None, explain(error)), ""

    async def _beginning(self, answer: aiohttp.ClientResponse) -> str:
        """Return the beginning of a response's body; what comes late or broken is not waited for."""
        cut = b""
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(_BODY_SECONDS):
                while len(cut) < self._response_bytes and not answer.content.at_eof():
                    cut += await answer.content.read(self._response_bytes - len(cut))
        return cut.decode(errors="replace").replace("\x00", "")


def explain(error: Exception) -> str:
    """Return in a few words why no answer came."""
    cause = getattr(error, "os_error", None) or error.__cause__ or error
    if isinstance(cause, AddressDenied) or isinstance(error, AddressDenied):
        return f"not allowed: {cause}"
    return f"{type(error).__name__}: {error}"[:_DETAIL]


def delivered(report: Report) -> bool:
    """True when the receiver has it."""
    return isinstance(report.verdict, Delivered)
