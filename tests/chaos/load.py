"""Sends a story's events through both ingests, again and again until each is taken, and keeps a journal.

Decides when a batch is sent, and to whom it is repeated. What is in the journal was answered before any judge
looks at the line. Must not know which fault acts, nor what the events mean.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import aiohttp
import msgspec

from tenon.client.publishing import batches
from tenon.contracts.cloudevents import BATCH, CloudEvent
from tests.chaos.story import Story

ACCEPTED, UNAVAILABLE, NOTHING = 202, 503, 0
_EVERY_S = 0.1
_IN_FLIGHT = 5
_AT_FULL_RATE = 2_000
"""So many events, then a tenth of the rate: a fault that lasts shall not drown the line."""
_REPEAT_S = 0.2
_TAKEN_WITHIN_S = 300
_TIMEOUT = aiohttp.ClientTimeout(total=8, sock_connect=2)


class Tried(msgspec.Struct, omit_defaults=True):
    """A line of the journal: one try of one event. `answer`: an HTTP status; 0: none came.

    Of what goes into the registry, where no event id is kept, also what it says: kind, key and revision.
    """

    id: str
    source: str
    answer: int
    kind: str = ""
    key: str = ""
    revision: int = 0


class Journal:
    """What the senders were told, on disk before they go on: JSON lines, appended."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def write(self, tried: Sequence[Tried]) -> None:
        """Return when the lines are on disk."""
        await asyncio.to_thread(self._write, b"".join(msgspec.json.encode(one) + b"\n" for one in tried))

    def _write(self, lines: bytes) -> None:
        with self._file.open("ab") as journal:
            journal.write(lines)
            journal.flush()
            os.fsync(journal.fileno())


class Load:
    """A story under way. `rate`: new events per second, while only a few batches wait for an answer.

    What was offered for long goes on at a tenth of it.
    """

    def __init__(self, story: Story, urls: Sequence[str], key: str, journal: Journal, rate: int) -> None:
        self.story = story
        self._urls = urls
        self._key = key
        self._journal = journal
        self._per_batch = max(1, round(rate * _EVERY_S))
        self._numbers = count()
        self._waiting = asyncio.Semaphore(_IN_FLIGHT)
        self._over = asyncio.Event()
        self.offered: set[str] = set()
        self.accepted: set[str] = set()
        self.answers: Counter[int] = Counter()
        self.began: datetime | None = None
        self.ended: datetime | None = None

    async def introduce(self) -> None:
        """Register who takes part; before any fault."""
        async with self._session() as session:
            await self._send(session, self.story.cast())

    async def run(self) -> None:
        """Send until `finish`; return when everything that was offered was taken or refused."""
        self.began = datetime.now(UTC)
        async with self._session() as session, asyncio.TaskGroup() as sending:
            while not self._over.is_set():
                await self._waiting.acquire()
                batch = self.story.next(self._per_batch, datetime.now(UTC))
                sending.create_task(self._send_one_of_few(session, batch))
                full = len(self.offered) < _AT_FULL_RATE
                await _pause(self._over, _EVERY_S if full else 10 * _EVERY_S)
            self.ended = datetime.now(UTC)

    def finish(self) -> None:
        """Offer nothing new."""
        self._over.set()

    async def _send_one_of_few(self, session: aiohttp.ClientSession, batch: list[CloudEvent]) -> None:
        try:
            await self._send(session, batch)
        finally:
            self._waiting.release()

    async def _send(self, session: aiohttp.ClientSession, events: list[CloudEvent]) -> None:
        ((_, body),) = batches(events)
        self.offered |= {event.id for event in events}
        first = next(self._numbers)
        async with asyncio.timeout(_TAKEN_WITHIN_S):
            for number in count(first):
                url = self._urls[number % len(self._urls)]
                if await self._try(session, url, events, body):
                    return
                await asyncio.sleep(_REPEAT_S)

    async def _try(
        self, session: aiohttp.ClientSession, url: str, events: list[CloudEvent], body: bytes
    ) -> bool:
        """Send a batch once; return whether nothing of it has to be sent again."""
        answers = await _answers(session, f"{url}/v1/events", body, len(events))
        lines = [tried(event, told) for event, told in zip(events, answers, strict=True)]
        await self._journal.write(lines)
        self.answers.update(answers)
        self.accepted |= {one.id for one in lines if one.answer == ACCEPTED}
        return not any(told in (NOTHING, UNAVAILABLE) for told in answers)

    def _session(self) -> aiohttp.ClientSession:
        headers = {"authorization": f"Bearer {self._key}", "content-type": BATCH}
        return aiohttp.ClientSession(headers=headers, timeout=_TIMEOUT)


class _Registered(msgspec.Struct):
    revision: int
    party: str = ""
    site: str = ""
    policy: str = ""


_KEYS: Mapping[str, tuple[str, Callable[[_Registered], str]]] = {
    "tenon.party.registered.v1": ("party", lambda said: said.party),
    "tenon.site.published.v1": ("site", lambda said: f"{said.party}/{said.site}"),
    "tenon.policy.published.v1": ("policy", lambda said: said.policy),
}


def tried(event: CloudEvent, answer: int) -> Tried:
    """Return the line of a try of an event."""
    if event.type not in _KEYS:
        return Tried(event.id, event.source, answer)
    kind, key = _KEYS[event.type]
    said = msgspec.json.decode(event.data, type=_Registered)
    return Tried(event.id, event.source, answer, kind, key(said), said.revision)


class _Problem(msgspec.Struct, frozen=True):
    status: int = UNAVAILABLE


class _Result(msgspec.Struct):
    status: str
    problem: _Problem = _Problem()


class _Results(msgspec.Struct):
    results: list[_Result]


async def _answers(session: aiohttp.ClientSession, url: str, body: bytes, events: int) -> list[int]:
    """Return what each event of a batch was answered."""
    try:
        async with session.post(url, data=body) as response:
            status, told = response.status, await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError):
        return [NOTHING] * events
    try:
        results = msgspec.json.decode(told, type=_Results).results
    except msgspec.MsgspecError:
        return [status] * events
    return [ACCEPTED if one.status == "accepted" else one.problem.status for one in results]


async def _pause(over: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await over.wait()
    except TimeoutError:
        return
