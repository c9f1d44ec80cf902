"""`GET /v1/stream`: a feed as server-sent events, from any number on, without gaps."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from notifier.domain.frames import MEDIA_TYPE
from notifier.http.access import Access, chosen
from notifier.http.asking import selected
from notifier.http.documents import answers
from notifier.http.parameters import PartyName
from notifier.http.resuming import beginning, resumed
from notifier.live import Hub
from tenon.problems import Problem, unavailable

_LATER_S: Final = 5
_HEADERS: Final = {"content-type": MEDIA_TYPE, "cache-control": "no-store", "x-accel-buffering": "no"}
_EVENT: Final = {
    "type": "object",
    "description": "One of them, by its fields.",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$", "description": "Its number in the feed."},
        "event": {"type": "string", "description": "Its type."},
        "data": {"type": "string", "description": "A CloudEvent in JSON."},
    },
}
After = Annotated[
    int | None, Query(ge=0, description="Begin behind this number; 0: at the first event. Default: now.")
]
LastEventId = Annotated[
    str | None, Header(description="The last number that was received; goes before `after`.")
]
Types = Annotated[
    list[str] | None, Query(description="Only events of these types; repeated, or separated by commas.")
]
Where = Annotated[
    list[str] | None,
    Query(description="Only events of which this holds: class.code^=63, quantity>=100, status=open|filled."),
]


class EventStream(Response):
    """A response that writes chunks as they come and gives up on a client that takes none."""

    def __init__(self, chunks: AsyncGenerator[bytes, None], number: int, write_timeout_s: float) -> None:
        super().__init__(headers={**_HEADERS, "tenon-after": str(number)})
        del self.headers["content-length"]
        self._chunks = chunks
        self._write_timeout_s = write_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write until the chunks end or the client is gone."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        gone = asyncio.create_task(_gone(receive))
        writing = asyncio.create_task(self._write(send))
        try:
            await asyncio.wait([gone, writing], return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                writing.result()
        finally:
            for task in (gone, writing):
                task.cancel()
            await asyncio.gather(gone, writing, return_exceptions=True)

    async def _write(self, send: Send) -> None:
        with suppress(TimeoutError):
            async with aclosing(self._chunks) as chunks:
                async for chunk in chunks:
                    async with asyncio.timeout(self._write_timeout_s):
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


class Streams:
    """The handler of live streams."""

    def __init__(self, hub: Hub, access: Access, *, write_timeout_ms: int) -> None:
        self._hub = hub
        self._access = access
        self._write_timeout_s = write_timeout_ms / 1000

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter(prefix="/v1", tags=["live"])
        documented = answers(None, 400, 401, 403, 410, 422)
        documented[200] = {"description": "Events, for ever.", "content": {MEDIA_TYPE: {"schema": _EVENT}}}
        router.add_api_route(
            "/stream", self.stream, summary="Events as they happen", responses=documented, response_model=None
        )
        return router

    async def stream(
        self,
        request: Request,
        after: After = None,
        last_event_id: LastEventId = None,
        types: Types = None,
        where: Where = None,
        party: PartyName = None,
    ) -> EventStream:
        """The viewer's feed; without a key the wall's, where it is public.

        Numbers rise by one from event to event of a feed, so a client that filters nothing sees by itself
        that nothing is missing.
        """
        viewer = await self._access.anybody(request)
        audience = chosen(viewer, party)
        wanted = selected(types or [], where or [])
        if self._hub.full:
            raise unavailable("no more streams can be served here now", _LATER_S)
        if self._hub.has_enough(audience):
            detail = "as many streams of this feed are open as may be; end one first"
            raise Problem(429, detail, headers={"retry-after": str(_LATER_S)})
        number = await beginning(self._hub.feed, audience, resumed(last_event_id, after))
        chunks = self._hub.stream(audience, number, wanted, partial(self._access.still, request, viewer))
        return EventStream(chunks, number, self._write_timeout_s)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
