"""Requests that are repeated while there is hope: the one place that speaks HTTP for the client.

A request is sent again after 429 and 503, when the service says (Retry-After, RFC 9110 §10.2.3) or after a
growing wait, until a deadline. After a connection that broke, or a gateway that got no answer (502, 504),
only a request that may be repeated without harm is.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Self

import aiohttp

from tenon.client.errors import Unreachable, refused
from tenon.retry import backoff_ms

_AGAIN = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_NO_ANSWER = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
UNAVAILABLE = _AGAIN | _NO_ANSWER
"""Answers after which a request that changes nothing, or nothing twice, is sent again."""
_MOST_WAIT_SECONDS = 60.0
Parameters = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that was read to its end."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """A request. `repeatable`: sending it twice has no other effect than once."""

    method: str
    url: str
    parameters: Parameters = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    repeatable: bool = True


class Transport:
    """A pool of connections with one key."""

    def __init__(self, api_key: str, *, deadline_ms: int = 60_000, request_timeout_ms: int = 30_000) -> None:
        self._headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self.deadline_ms = deadline_ms
        self._timeout = aiohttp.ClientTimeout(total=request_timeout_ms / 1000)
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The open session; raises `RuntimeError` outside of `async with`."""
        if self._session is None:
            raise RuntimeError("use the client inside `async with TenonClient(…) as client:`")
        return self._session

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()
        self._session = None

    async def answer(self, call: Call) -> Answer:
        """Send until there is an answer of the service itself; raises `Unreachable` at the deadline."""
        ends = asyncio.get_running_loop().time() + self.deadline_ms / 1000
        attempt = 0
        while True:
            problem, wait = await self._try(call, attempt)
            if isinstance(problem, Answer):
                return problem
            if asyncio.get_running_loop().time() + wait > ends:
                raise Unreachable(f"{call.method} {call.url}: {problem}")
            await asyncio.sleep(wait)
            attempt += 1

    async def ask(self, call: Call) -> bytes:
        """Return the body of a successful answer; raises `Refused` for any other."""
        answer = await self.answer(call)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise refused(answer.status, answer.body)
        return answer.body

    async def _try(self, call: Call, attempt: int) -> tuple[Answer | str, float]:
        """Return the answer, or what went wrong and how many seconds to wait."""
        usual = backoff_ms(attempt, base_ms=100, jitter=random.random()) / 1000
        try:
            async with self.session.request(
                call.method, call.url, params=call.parameters, headers=call.headers, data=call.body
            ) as response:
                answer = Answer(response.status, await response.read())
                again = UNAVAILABLE if call.repeatable else _AGAIN
                if response.status not in again:
                    return answer, 0
                said = refused(answer.status, answer.body)
                return str(said), wait_seconds(response.headers.get("retry-after")) or usual
        except aiohttp.ClientConnectorError as error:
            return str(error), usual
        except (aiohttp.ClientError, TimeoutError) as error:
            if not call.repeatable:
                raise Unreachable(f"{call.method} {call.url}: no answer; it may have been done") from error
            return f"{type(error).__name__} {error}", usual


def wait_seconds(retry_after: str | None) -> float:
    """Return how long Retry-After asks to wait, at most a minute; 0 where it can't be read."""
    if retry_after is None:
        return 0
    if retry_after.strip().isdigit():
        return min(float(retry_after), _MOST_WAIT_SECONDS)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0
    seconds = (at - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0), _MOST_WAIT_SECONDS)
