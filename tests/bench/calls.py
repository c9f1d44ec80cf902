"""Webhooks alone: how fast full feeds are delivered, and how long an entry waits at half of that speed.

Each of eight parties has an endpoint, all at one receiver. What the matcher would tell is written to its
topic. Beside it a bare sender: as many connections, the same client library, a call at a time, nothing kept.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import aiohttp
import asyncpg
import msgspec

from notifier.handler import CONSUMED
from tenon.kafka import OutRecord, Producer
from tenon_local import ports
from tenon_local.stack import Stack
from tests.bench import baseline, measures
from tests.bench.course import Course
from tests.bench.cpu import Meter, Use
from tests.bench.failing import BenchFailed
from tests.bench.helpers import Helper, helper, listening, watched
from tests.bench.measures import Figures
from tests.bench.messages import Arrived, Heard, Judge, Received
from tests.bench.rig import Show
from tests.bench.stacks import stack_of_stores, stores, until_handled, write, writing
from tests.support.told import docking, record
from tests.support.waiting import until

PARTIES = [f"party-{number}" for number in range(8)]
Entry = tuple[str, str, float]
"""An endpoint or audience, an event, and when it came or was written."""
_STEP_S = 0.02
_DEADLINE_S = 120
_FEEDS = """
SELECT audience, event_id, extract(epoch FROM written_at) FROM notifier.feed
WHERE audience = ANY($1::text[]) AND number > $2 ORDER BY audience, number
"""


class Inbox:
    """The receiver as the course sees it."""

    def __init__(self, process: Helper) -> None:
        self._process = process
        self._moved = asyncio.Event()
        self._answers: list[Received] = []
        self.arrived = 0
        self.pid = process.pid

    def take(self, message: Heard) -> None:
        """Take note of what the receiver says."""
        if isinstance(message, Arrived):
            self.arrived = message.calls
        elif isinstance(message, Received):
            self._answers.append(message)
            self.arrived = 0
        self._moved.set()

    async def until(self, calls: int) -> None:
        """Return when so many calls came since the last judgement."""
        await self._until(lambda: self.arrived >= calls, f"{calls} calls")

    async def judged(self, secrets: dict[str, str]) -> list[tuple[str, str, float]]:
        """Return the calls since the last time; raises BenchFailed where one was badly signed."""
        self._process.say(Judge(secrets))
        await self._until(lambda: bool(self._answers), "an answer of the receiver")
        received = self._answers.pop()
        if received.badly_signed:
            raise BenchFailed(f"{received.badly_signed} calls were badly signed")
        return received.calls

    async def _until(self, done: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(_DEADLINE_S):
                while not done():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            raise BenchFailed(f"the receiver got {self.arrived} calls; not within time: {what}") from None


@dataclass
class Desk:
    """What the phases work with. `secrets`: of each endpoint; `told`: how many dockings were told."""

    stack: Stack
    inbox: Inbox
    producer: Producer
    secrets: dict[str, str] = field(default_factory=dict)
    told: int = 0

    def dockings(self, number: int) -> list[OutRecord]:
        """Return the next dockings between two of the parties, as the matcher tells them."""
        first, self.told = self.told, self.told + number
        return told_dockings(first, number)


async def run(course: Course, show: Show) -> Figures:
    """Return the figures as `bare.calls.…`, `webhooks.full.…` and `webhooks.half.…`."""
    port = ports.claim(0, "receiver", "")
    url = f"http://{ports.HOST}:{port}"
    async with stack_of_stores() as stack, helper("receiver", str(port)) as process:
        inbox = Inbox(process)
        async with listening(process, inbox.take), writing(stack) as producer:
            show("a bare sender")
            bare = await _bare(stack, inbox, url, course.deliveries)
            stack.notifier.start()
            await stack.notifier.wait_ready()
            desk = Desk(stack, inbox, producer)
            async with watched([stack.notifier.process]):
                show("feeds are filled")
                await write(producer, desk.dockings(course.deliveries // 2))
                await until_handled(stack, CONSUMED)
                show(f"{course.deliveries:,} entries are delivered")
                full = await _full(desk, url)
                show("half as many a second")
                half = await _half(desk, full["delivered_per_s"] / 2, course.seconds)
    return {
        **measures.named("bare.calls", bare),
        **measures.named("webhooks.full", full),
        **measures.named("webhooks.half", half),
    }


async def _bare(stack: Stack, inbox: Inbox, url: str, calls: int) -> Figures:
    each = str(calls // len(PARTIES))
    async with baseline.running(stack, "call", url, str(len(PARTIES)), each) as process:
        use = await _using(stack, inbox, process.pid, calls)
    return {"delivered_per_s": per_s(await inbox.judged({})), **measures.cpu(use)}


async def _full(desk: Desk, url: str) -> Figures:
    """Subscribe all parties from the beginning of their feeds, and wait until they have everything."""
    calls = 2 * desk.told
    desk.secrets = await subscribed(desk.stack, url)
    use = await _using(desk.stack, desk.inbox, desk.stack.notifier.process.pid, calls)
    received = await desk.inbox.judged(desk.secrets)
    check_order(received, await entries_of(desk.stack, after=0))
    await _recorded(desk.stack, calls)
    return {"delivered_per_s": per_s(received), **measures.cpu(use)}


async def _using(stack: Stack, inbox: Inbox, sender: int, calls: int) -> Use:
    """Wait until so many calls came, and return what those after the first of them took."""
    await inbox.until(1)
    span = Meter({**stores(stack), "sender": [sender], "receiver": [inbox.pid]}).span()
    before = inbox.arrived
    await inbox.until(calls)
    return span.use(calls - before)


async def _half(desk: Desk, deliveries_per_s: float, seconds: float) -> Figures:
    """Tell dockings at a steady rate, and return how long entries waited from the feed to the receiver."""
    before, began = desk.told, time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        due = before + int(passed * deliveries_per_s / 2) - desk.told
        await write(desk.producer, desk.dockings(due))
        await asyncio.sleep(_STEP_S)
    calls = 2 * (desk.told - before)
    await desk.inbox.until(calls)
    received = await desk.inbox.judged(desk.secrets)
    entries = await entries_of(desk.stack, after=2 * before // len(PARTIES))
    check_order(received, entries)
    return waits(received, entries)


async def subscribed(
    stack: Stack,
    url: str,
    name: str = "",
    *,
    after: int | None = 0,
    parties: Sequence[str] = PARTIES,
) -> dict[str, str]:
    """Subscribe each party to its feed from a number on, now if None; return the secret of each endpoint."""
    secrets = {}
    headers = {"authorization": f"Bearer {stack.admin_key}", "content-type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as http:
        for party in parties:
            body = msgspec.json.encode({"url": f"{url}/{party}{name}", "after": after})
            address = f"{stack.notifier.url}/v1/subscriptions"
            async with http.post(address, params={"party": party}, data=body) as answer:
                if answer.status != 201:
                    raise BenchFailed(f"a subscription was refused: {await answer.text()}")
                made = msgspec.json.decode(await answer.read())
            async with http.post(f"{address}/{made['id']}/ping", params={"party": party}) as answer:
                if not (await answer.json(content_type=None)).get("taken"):
                    raise BenchFailed(f"a trial was not taken: {await answer.text()}")
            secrets[party] = made["secret"]
    return secrets


async def entries_of(stack: Stack, after: int) -> list[Entry]:
    """Return the entries of the parties' feeds behind a number, in order."""
    connection = await asyncpg.connect(stack.postgres.url("auditor"))
    try:
        rows = await connection.fetch(_FEEDS, PARTIES, after)
    finally:
        await connection.close()
    return [(row[0], row[1], float(row[2])) for row in rows]


async def _recorded(stack: Stack, calls: int) -> None:
    """Return when an attempt is stored for each call; raises BenchFailed where there are more."""
    connection = await asyncpg.connect(stack.postgres.url("auditor"))
    try:
        question = "SELECT count(*) FROM notifier.attempts"
        await until(
            lambda: connection.fetchval(f"SELECT ({question}) >= $1", calls), f"{calls} calls recorded"
        )
        if (stored := await connection.fetchval(question)) != calls:
            raise BenchFailed(f"{calls} calls came, {stored} are recorded")
    finally:
        await connection.close()


def per_s(received: Sequence[Entry]) -> float:
    """Return how many calls a second came after the first."""
    times = [at for _, _, at in received]
    return (len(times) - 1) / (max(times) - min(times))


def check_order(received: Sequence[Entry], entries: Sequence[Entry]) -> None:
    """Raise BenchFailed unless each endpoint got the entries of its feed once and in order."""
    for party in PARTIES:
        got = [event for endpoint, event, _ in received if endpoint == party]
        if got != [event for audience, event, _ in entries if audience == party]:
            raise BenchFailed(f"{party} did not get its feed as it is: {len(got)} calls")


def waits(received: Sequence[Entry], entries: Sequence[Entry]) -> Figures:
    """Return how long after its entry in the feed a call came."""
    written = {(audience, event): at for audience, event, at in entries}
    found = sorted((at - written[endpoint, event]) * 1e3 for endpoint, event, at in received)
    return {
        "wait_p50_ms": measures.percentile(found, 0.5),
        "wait_p99_ms": measures.percentile(found, 0.99),
        "waits": float(len(found)),
    }


def told_dockings(first: int, number: int) -> list[OutRecord]:
    """Return so many dockings from a number on, as the matcher tells them."""
    return [_docking(each) for each in range(first, first + number)]


def _docking(number: int) -> OutRecord:
    supply, demand = number % len(PARTIES), (number + 1) % len(PARTIES)
    told = docking(f"{demand}-{number}-1", supply=PARTIES[supply], demand=PARTIES[demand])
    return record(told, number + 1, partition=demand)
