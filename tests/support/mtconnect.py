"""Documents of an MTConnect agent, and an agent that answers with them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from aiohttp import web

BEGIN = datetime(2029, 12, 3, 6, 0, tzinfo=UTC)
"""A Monday."""
INSTANCE = 1_000
DEVICE = "lathe-1"
CALENDAR: dict[str, Any] = {
    "zone": "UTC",
    "from": "2029-12-03",
    "until": "2029-12-08",
    "per_hour": 1,
    "shifts": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "06:00", "until": "14:00"}],
}
MACHINE: dict[str, Any] = {
    "agent": "https://agent.example/plant",
    "device": DEVICE,
    "resource": "lathe-1-hours",
    "site": "s1",
    "class": {"scheme": "hs", "code": "848420"},
    "unit": "HUR",
    "calendar": CALENDAR,
}


def at(hours: float) -> datetime:
    """Return the time so many hours after the begin."""
    return BEGIN + timedelta(hours=hours)


def written(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def execution(sequence: int, hours: float, state: str, item: str = "exec") -> str:
    return _element("Execution", "Events", sequence, at(hours), item, state)


def program(sequence: int, hours: float, name: str) -> str:
    return _element("Program", "Events", sequence, at(hours), "prog", name)


def parts(sequence: int, hours: float, count: int | str, subtype: str = "ALL") -> str:
    return _element("PartCount", "Events", sequence, at(hours), f"pc{subtype}", str(count), subType=subtype)


def condition(sequence: int, hours: float, level: str, code: str = "", item: str = "system") -> str:
    more = {"nativeCode": code} if code else {}
    text = "Spindle jammed" if level == "Fault" else ""
    return _element(level, "Condition", sequence, at(hours), item, text, type="SYSTEM", **more)


def position(sequence: int, hours: float) -> str:
    return _element("Position", "Samples", sequence, at(hours), "xpos", "1.5")


def document(
    *elements: str,
    hours: float,
    next_: int,
    first: int = 1,
    last: int | None = None,
    instance: int = INSTANCE,
    device: str = DEVICE,
    version: str = "1.7",
) -> bytes:
    """Return a document of streams, created so many hours after the begin."""
    last = next_ - 1 if last is None else last
    header = (
        f'<Header creationTime="{written(at(hours))}" instanceId="{instance}" sender="test" bufferSize="1024"'
        f' version="{version}" firstSequence="{first}" lastSequence="{last}" nextSequence="{next_}"/>'
    )
    stream = f'<DeviceStream name="{device}" uuid="u-{device}">{"".join(elements)}</DeviceStream>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<MTConnectStreams xmlns="urn:mtconnect.org:MTConnectStreams:{version}">'
        f"{header}<Streams>{stream}</Streams></MTConnectStreams>"
    ).encode()


def error(code: str, words: str = "that is gone") -> bytes:
    """Return the document that an agent refuses a request with."""
    return (
        '<MTConnectError xmlns="urn:mtconnect.org:MTConnectError:1.7"><Header instanceId="1"'
        f' creationTime="{written(BEGIN)}"/><Errors><Error errorCode="{code}">{words}</Error></Errors>'
        "</MTConnectError>"
    ).encode()


def _element(name: str, group: str, sequence: int, when: datetime, item: str, text: str, **more: str) -> str:
    attributes = {"sequence": str(sequence), "timestamp": written(when), "dataItemId": item, **more}
    told = " ".join(f"{key}={quoteattr(value)}" for key, value in attributes.items())
    return (
        f'<ComponentStream componentId="c" component="Path"><{group}><{name} {told}>{escape(text)}</{name}>'
        f"</{group}></ComponentStream>"
    )


class Agent:
    """An agent with a buffer, which can begin anew, forget, hang, or answer with anything."""

    def __init__(self) -> None:
        self.instance = INSTANCE
        self.first = 1
        self.said: list[tuple[str, str]] = []
        self.was_asked = asyncio.Event()
        self.answer: bytes | None = None
        self.hanging: asyncio.Event | None = None
        self.url = ""

    def say(self, make: Callable[..., str], *values: str) -> None:
        """Put an observation of now into the buffer."""
        hours = (datetime.now(UTC) - BEGIN) / timedelta(hours=1)
        self.said.append((make.__name__ + "".join(values[1:]), make(len(self.said) + 1, hours, *values)))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.was_asked.set()
        if self.hanging is not None:
            await self.hanging.wait()
        return web.Response(body=self._body(request), content_type="text/xml")

    def _body(self, request: web.Request) -> bytes:
        if self.answer is not None:
            return self.answer
        last, elements = len(self.said), [text for _, text in self.said]
        following = last + 1
        if request.path.endswith("/sample"):
            start = int(request.query["from"])
            if not self.first <= start <= last + 1:
                return error("OUT_OF_RANGE")
            following = min(last + 1, start + int(request.query["count"]))
            elements = elements[start - 1 : following - 1]
        else:
            elements = list(dict(self.said).values())
        hours = (datetime.now(UTC) - BEGIN) / timedelta(hours=1)
        first = min(self.first, last + 1)
        return document(
            *elements, hours=hours, next_=following, first=first, last=last, instance=self.instance
        )


@asynccontextmanager
async def running_agent() -> AsyncIterator[Agent]:
    """Run an agent at a free port until the block ends."""
    agent = Agent()
    agent.say(execution, "READY")
    agent.say(condition, "Normal")
    app = web.Application()
    app.router.add_get("/{device}/{request}", agent.handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    agent.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield agent
    finally:
        if agent.hanging is not None:
            agent.hanging.set()
        await runner.cleanup()


def machine(agent: str, **said: Any) -> dict[str, Any]:
    """Return a machine that works day and night from yesterday on, and is asked every second."""
    today = datetime.now(UTC).date()
    shifts = [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00", "until": "00:00"}]
    calendar = {
        **CALENDAR,
        "from": str(today - timedelta(days=1)),
        "until": str(today + timedelta(days=5)),
        "shifts": shifts,
    }
    return {**MACHINE, "agent": agent, "poll_s": 1, "fault_after_s": 0, "calendar": calendar, **said}
