"""What operators ask of every service: is it alive, is it ready, what are its numbers.

`/health/live` answers while the event loop turns, and depends on nothing else: a broker that is away must not
restart every service. `/health/ready` asks the service for each of its dependencies, within a deadline.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tenon.metrics import CONTENT_TYPE, Metrics, histogram

ANSWER_SECONDS = histogram(
    "http_answer_seconds", "time from a request's head to the head of its answer", "status"
)

Ready = Callable[[], Awaitable[Mapping[str, str | None]]]
_READY_SECONDS = 3.0
_JSON = "application/json"


def with_operations(app: ASGIApp, ready: Ready, metrics: Metrics) -> ASGIApp:
    """Return the app with the three addresses in front of it; what else it answers is measured."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        response = await _answer(scope, ready, metrics) if scope["type"] == "http" else None
        if response is None:
            await app(scope, receive, _measured(send, metrics))
        else:
            await response(scope, receive, send)

    return outer


def _measured(send: Send, metrics: Metrics) -> Send:
    started = time.perf_counter()

    async def measured(message: Message) -> None:
        if message["type"] == "http.response.start":
            metrics.observe(ANSWER_SECONDS, time.perf_counter() - started, status=message["status"])
        await send(message)

    return measured


async def _answer(scope: Scope, ready: Ready, metrics: Metrics) -> Response | None:
    if scope["method"] not in ("GET", "HEAD"):
        return None
    path = scope["path"]
    if path == "/health/live":
        return Response(b'{"status":"alive"}', media_type=_JSON)
    if path == "/health/ready":
        return await _readiness(ready)
    if path == "/metrics":
        return Response(metrics.render(), media_type=CONTENT_TYPE)
    return None


async def _readiness(ready: Ready) -> Response:
    asking = asyncio.ensure_future(ready())
    await asyncio.wait([asking], timeout=_READY_SECONDS)
    checks: Mapping[str, str | None] = {"readiness": f"not known within {_READY_SECONDS:.0f} s"}
    if asking.done():
        checks = asking.result()
    else:
        # Its end is not waited for: a driver takes its time to let go of a server that stands still.
        asking.cancel()
    fine = all(problem is None for problem in checks.values())
    body = {
        "status": "ready" if fine else "not ready",
        "checks": {name: problem or "ok" for name, problem in checks.items()},
    }
    return Response(msgspec.json.encode(body), 200 if fine else 503, media_type=_JSON)
