"""The HTTP side of a process: a socket, a server on it, and a front that answers before there is a service.

Must not know what the service behind the front does, nor when the process ends.
"""

import asyncio
import errno
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from tenon import problems
from tenon.errors import Misconfigured
from tenon.health import Ready, with_operations
from tenon.metrics import Metrics
from tenon.settings import CommonSettings
from tenon.wire import BoundedHttp

_BACKLOG = 2048


class _Server(uvicorn.Server):
    """A server that leaves signals to the runner."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def http_server(app: ASGIApp, settings: CommonSettings) -> uvicorn.Server:
    """Return a server for an app; `serve_http` runs it."""
    config = uvicorn.Config(
        app,
        http=BoundedHttp,
        ws="none",
        loop="none",
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",  # it would begin before there is a service; a service begins and ends in `bind`
        timeout_graceful_shutdown=max(1, settings.stop_deadline_ms // 2000),
    )
    return _Server(config)


async def serve_http(server: uvicorn.Server, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serve on a socket until `stop` is set, then let the requests under way end."""
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="uvicorn")
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        stopping.cancel()
        serving.cancel()


@contextmanager
def listening_socket(settings: CommonSettings) -> Iterator[socket.socket]:
    """Listen where the settings say; raises `Misconfigured` with the variable to change."""
    family = socket.AF_INET6 if ":" in settings.http_host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.http_host, settings.http_port))
        except OSError as error:
            address = f"{settings.http_host}:{settings.http_port}"
            wrong = "PORT" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "HOST"
            raise Misconfigured(f"can't listen on {address} ({error}); set TENON_HTTP_{wrong}") from error
        listener.listen(_BACKLOG)
        yield listener


def url_of(listener: socket.socket) -> str:
    """Return the address of a socket that listens."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class Front:
    """The HTTP app: the service's own as soon as there is one."""

    def __init__(self) -> None:
        self._app = with_operations(_starting, _not_yet, Metrics())

    def show(self, app: ASGIApp, ready: Ready, metrics: Metrics) -> None:
        """Answer with the service's own app from now on."""
        self._app = with_operations(app, ready, metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        await self._app(scope, receive, send)


async def _starting(scope: Scope, receive: Receive, send: Send) -> None:
    await problems.unavailable("the service is starting").response()(scope, receive, send)


async def _not_yet() -> Mapping[str, str | None]:
    return {"service": "starting"}
