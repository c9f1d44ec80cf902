"""What the outside gets while faults act: a live stream from each notifier, webhooks of some parties.

Notes each docking's steps in the order of arrival, and says what was missing or out of order, so that the
fifth guarantee is judged where it is meant. Must not look into the line's tables.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, get_args

import msgspec

from tenon.client import FeedEntry, TenonClient
from tenon.client.errors import NoLongerKept, NotAllowed
from tenon.contracts.dockings import DockingStatus
from tenon.contracts.families import docking_type
from tests.chaos.line import Line
from tests.integration.notifier.receiver import Receiver, receiving
from tests.support.waiting import until

_STEPS = "tenon.docking."
_TYPES = [docking_type(status) for status in get_args(DockingStatus)]

Steps = Mapping[str, int]
"""The last revision of each docking."""


@dataclass
class Heard:
    """The steps that one subscriber got. `numbers`: of a stream's entries, behind where it began."""

    who: str
    numbers: list[int] = field(default_factory=list)
    revisions: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def note(self, data: Mapping[str, Any]) -> None:
        """Take note of a step."""
        self.revisions[data["docking"]].append(data["revision"])

    def begin_anew(self) -> None:
        """Forget what came: everything that is kept comes again, from its beginning."""
        self.numbers.clear()
        self.revisions.clear()

    def missing(self, told: Steps) -> list[str]:
        """What it did not get of the steps that were told."""
        return [
            f"{self.who}: {docking}/{revision} did not arrive"
            for docking, last in told.items()
            for revision in range(1, last + 1)
            if revision not in self.revisions.get(docking, ())
        ]

    def disorder(self) -> list[str]:
        """Steps that came before an earlier one of their docking; numbers of a stream with a gap."""
        faults = [
            f"{self.who}: {docking} came as {came}"
            for docking, came in self.revisions.items()
            if (fresh := list(dict.fromkeys(came))) != sorted(fresh)
        ]
        gaps = [
            (one, other)
            for one, other in zip(self.numbers, self.numbers[1:], strict=False)
            if other != one + 1
        ]
        return faults + [f"{self.who}: number {other} follows {one}" for one, other in gaps]


@dataclass
class Watch:
    """Every subscriber of a trial: streams of the administrator, webhooks by party."""

    streams: list[Heard] = field(default_factory=list)
    hooks: dict[str, Receiver] = field(default_factory=dict)

    def steps(self) -> int:
        """How many steps came, on the stream that got most."""
        return max(sum(map(len, stream.revisions.values())) for stream in self.streams)

    def missing(self, told: Steps, of: Mapping[str, Iterable[str]]) -> list[str]:
        """What did not arrive. `of`: the dockings that concern each party."""
        found = [fault for stream in self.streams for fault in stream.missing(told)]
        for party, receiver in self.hooks.items():
            own = {docking: told[docking] for docking in of.get(party, ())}
            found += _heard(party, receiver).missing(own)
        return found

    def disorder(self) -> list[str]:
        """What came in the wrong order."""
        heard = [*self.streams, *(_heard(party, receiver) for party, receiver in self.hooks.items())]
        return [fault for one in heard for fault in one.disorder()]


@asynccontextmanager
async def watching(
    line: Line, parties: Iterable[str], seen: Callable[[dict[str, Any]], None]
) -> AsyncIterator[Watch]:
    """Follow both notifiers' streams, and subscribe a real receiver for each of `parties`, until the end."""
    watch, ingest, notifiers = Watch(), line.urls("ingest")[0], line.urls("notifier")
    async with AsyncExitStack() as stack:
        following = []
        for url in notifiers:
            client = await stack.enter_async_context(TenonClient(ingest, url, line.stack.admin_key))
            heard = Heard(f"the stream of {url}", [line.fed])
            watch.streams.append(heard)
            following.append(asyncio.create_task(_follow(line, client, heard, seen)))
        for party in parties:
            watch.hooks[party] = await stack.enter_async_context(_hook(line, party))
        try:
            yield watch
        finally:
            line.fed = max(heard.numbers[-1] for heard in watch.streams)
            for task in following:
                task.cancel()
            ended = await asyncio.gather(*following, return_exceptions=True)
        broken = [each for each in ended if not isinstance(each, asyncio.CancelledError)]
        assert not broken, broken


async def _follow(
    line: Line, client: TenonClient, heard: Heard, seen: Callable[[dict[str, Any]], None]
) -> None:
    while True:
        after = heard.numbers[-1] if heard.numbers else 0
        try:
            async with aclosing(client.stream(after=after)) as entries:
                async for entry in entries:
                    _note(entry, heard, seen)
        except NoLongerKept:
            if not line.restored:
                raise
            heard.begin_anew()


def _note(entry: FeedEntry, heard: Heard, seen: Callable[[dict[str, Any]], None]) -> None:
    heard.numbers.append(entry.number)
    if entry.event.type.startswith(_STEPS):
        data = msgspec.json.decode(entry.event.data)
        heard.note(data)
        seen(data)


@asynccontextmanager
async def _hook(line: Line, party: str) -> AsyncIterator[Receiver]:
    """Subscribe a receiver with the party's own key; unsubscribe it at the end."""
    ingest, notifier = line.urls("ingest")[0], line.urls("notifier")[0]
    async with TenonClient(ingest, notifier, line.stack.admin_key) as admin:
        key = (await admin.make_key(party))["secret"]
    async with receiving() as receiver, TenonClient(ingest, notifier, key) as client:
        await until(partial(_knows, client), f"the notifier knows {party}'s key")
        subscription = await client.subscribe(receiver.url, types=_TYPES)
        assert await client.ping(subscription["id"])
        yield receiver
        await client.unsubscribe(subscription["id"])


async def _knows(client: TenonClient) -> bool:
    """Whether the notifier takes the key yet: it reaches it over Kafka."""
    try:
        await client.subscriptions()
    except NotAllowed:
        return False
    return True


def _heard(party: str, receiver: Receiver) -> Heard:
    heard = Heard(f"the webhook of {party}")
    for event in receiver.got:
        heard.note(event["data"])
    return heard
