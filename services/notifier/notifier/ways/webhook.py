"""Webhooks: one signed call for each event, bounded in time and size, never redirected."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

import aiohttp

from notifier.domain.classify import Attempt
from notifier.domain.sign import headers
from notifier.domain.ways import Message
from notifier.ways import Report, Target
from tenon.clock import Clock
from tenon.contracts.cloudevents import STRUCTURED
from tenon.guard import AddressDenied

_DETAIL = 300
_BODY_SECONDS = 1.0


class Webhooks:
    """Calls endpoints."""

    together = False

    def __init__(self, session: aiohttp.ClientSession, *, response_bytes: int, clock: Clock) -> None:
        self._session = session
        self._response_bytes = response_bytes
        self._clock = clock

    async def send(self, target: Target, messages: Sequence[Message]) -> AsyncGenerator[Report, None]:
        """Call with one event after the other."""
        for message in messages:
            at_ms, started = self._clock.now_ms(), time.perf_counter()
            attempt, response = await self._attempt(target, message, at_ms // 1000)
            yield Report(attempt, at_ms, round((time.perf_counter() - started) * 1000), response)

    async def handshake(self, url: str, origin: str) -> tuple[str | None, float | None]:
        """Ask whether events may come (CloudEvents HTTP 1.1 Web Hooks, §4).

        Returns why they may not, None if they may, and how many a second at most, None for any number.
        """
        asked = {"webhook-request-origin": origin, "webhook-request-rate": "*"}
        try:
            async with self._session.options(url, headers=asked, allow_redirects=False) as answer:
                return _permission(answer, origin)
        except TimeoutError:
            return "the handshake was not answered in time", None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return f"the handshake failed: {explain(error)}", None

    async def _attempt(self, target: Target, message: Message, timestamp_s: int) -> tuple[Attempt, str]:
        signed = headers(list(target.secrets), message.event_id, timestamp_s, message.body)
        try:
            async with self._session.post(
                target.url,
                data=message.body,
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


def _permission(answer: aiohttp.ClientResponse, origin: str) -> tuple[str | None, float | None]:
    allowed = answer.headers.get("webhook-allowed-origin", "")
    if not 200 <= answer.status < 300 or allowed not in ("*", origin):
        return f"the handshake allows no events from {origin}: HTTP {answer.status}, {allowed[:100]!r}", None
    per_minute = answer.headers.get("webhook-allowed-rate", "*").strip()
    if per_minute.isascii() and per_minute.isdigit() and int(per_minute[:9]):
        return None, int(per_minute[:9]) / 60
    return None, None
