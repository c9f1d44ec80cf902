"""The receiver of webhooks, a process of its own: `python -m tests.bench.receiver PORT`.

Takes whatever is posted to `/ENDPOINT` and keeps it; what it says of it, it says when it is asked. Checks
signatures afterwards, so that this costs the sender nothing. Must not know what was to come.
"""

import asyncio
import base64
import hashlib
import hmac
import sys
import time
from typing import Any

import uvicorn
import uvloop

from tenon_local import ports
from tests.bench.messages import Arrived, Judge, Ready, Received, say, told
from tests.support.waiting import until

_TELL_S = 0.02
_PREFIX = "whsec_"
_HANGS = "-hangs-"
"""In the path of endpoints that answer a trial and nothing else."""
_TRIAL = b'"tenon.endpoint.pinged.v1"'


class Inbox:
    """What came since the last judgement: endpoint, time, headers, body."""

    def __init__(self) -> None:
        self._calls: list[tuple[str, float, dict[bytes, bytes], bytes]] = []

    def __len__(self) -> int:
        return len(self._calls)

    async def take(self, scope: Any, receive: Any, send: Any) -> None:
        """Take one call; an ASGI application."""
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if _TRIAL not in body:
            if _HANGS in scope["path"]:
                await asyncio.Event().wait()
            self._calls.append((scope["path"].removeprefix("/"), time.time(), dict(scope["headers"]), body))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def judged(self, secrets: dict[str, str]) -> Received:
        """Return what came, and begin anew."""
        calls, self._calls = self._calls, []
        badly = [
            each for each in calls if each[0] in secrets and not signed(secrets[each[0]], each[2], each[3])
        ]
        return Received(
            calls=[(endpoint, headers[b"webhook-id"].decode(), at) for endpoint, at, headers, _ in calls],
            badly_signed=len(badly),
        )


def signed(secret: str, headers: dict[bytes, bytes], body: bytes) -> bool:
    """Return whether a call was signed with a secret, as Standard Webhooks 1.0 says."""
    text = headers[b"webhook-id"] + b"." + headers[b"webhook-timestamp"] + b"." + body
    digest = hmac.digest(base64.b64decode(secret.removeprefix(_PREFIX)), text, hashlib.sha256)
    return headers[b"webhook-signature"] == b"v1," + base64.b64encode(digest)


async def _main(port: str) -> None:
    inbox = Inbox()
    config = uvicorn.Config(
        inbox.take,
        host=ports.HOST,
        port=int(port),
        http="httptools",
        loop="none",
        interface="asgi3",
        lifespan="off",
        log_level="warning",
        access_log=False,
    )
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        group.create_task(_count(inbox, server))
        async for message in told():
            if isinstance(message, Judge):
                say(inbox.judged(message.secrets))
        server.should_exit = True


async def _count(inbox: Inbox, server: uvicorn.Server) -> None:
    async def started() -> bool:
        return server.started

    await until(started, "the server listens")
    say(Ready())
    before = 0
    while not server.should_exit:
        if len(inbox) != before:
            before = len(inbox)
            say(Arrived(before))
        await asyncio.sleep(_TELL_S)


if __name__ == "__main__":
    uvloop.run(_main(*sys.argv[1:]))
