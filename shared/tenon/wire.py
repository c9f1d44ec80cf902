"""The head of a request, bounded before anything is made of it: its bytes, its address, and its time.

The server's own parser keeps what it is sent for as long as a head goes on. What is refused here is answered
by a problem document, and the connection is closed. Must not know which application answers.
"""

from asyncio import TimerHandle
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tenon.problems import Fault, Problem

MOST_ADDRESS_BYTES: Final = 8_192
"""Most bytes of a request's address: path and query."""
MOST_HEAD_BYTES: Final = 32_768
"""Most bytes of all that stands before a body."""
_LINGER_S: Final = 1.0


class BoundedHttp(HttpToolsProtocol):
    """Uvicorn's HTTP/1.1, with a bound on everything before a body.

    `head_deadline_ms`: time in which a head that has begun, and the first of a connection, have to be there.
    """

    head_deadline_ms = 10_000
    url = b""
    _in_head = True
    _head_bytes = 0
    _refused = False
    _deadline: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._waited()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head that has not ended, and refuse what is too long."""
        if self._refused:
            return
        was_in_head = self._in_head
        super().data_received(data)
        if not self._in_head or self._refused:
            return
        self._head_bytes += len(data) if was_in_head else 0
        if self._deadline is None:
            self._wait()
        if self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(_too_long(len(self.url)))

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """Hand a request on; one whose head is too long is no request."""
        self._waited()
        self._in_head = False
        head_bytes = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if len(self.url) > MOST_ADDRESS_BYTES or head_bytes > MOST_HEAD_BYTES:
            self._refuse(_too_long(len(self.url)))
            raise ValueError("the head is too long")  # ends the parser, which tells `send_400_response`
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, unless it was refused already."""
        if not self._refused:
            self._refuse(Problem(400, "this is no HTTP request (RFC 9112)"))

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(self.head_deadline_ms / 1000, self._late)

    def _waited(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        self._refuse(Problem(408, f"no whole request arrived within {self.head_deadline_ms} ms"))

    def _refuse(self, problem: Problem) -> None:
        """Answer without an application, unless an answer is under way, and close.

        What still comes is thrown away for a moment: a connection closed on it would take the answer along.
        """
        self._refused = True
        self._waited()
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete:
            self.transport.close()
            return
        problem.headers["connection"] = "close"
        response = problem.response()
        lines = [f"HTTP/1.1 {response.status_code} {problem.document.title}".encode()]
        lines += [name + b": " + value for name, value in response.raw_headers]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(response.body)]))
        self.transport.write_eof()
        self.loop.call_later(_LINGER_S, self.transport.close)


def _too_long(address_bytes: int) -> Problem:
    if address_bytes > MOST_ADDRESS_BYTES:
        fault = Fault("", "the address is too long", f"at most {MOST_ADDRESS_BYTES} bytes of path and query")
        return Problem(414, f"{fault.reason}; {fault.expected}", errors=[fault])
    fault = Fault("", "the headers are too long", f"at most {MOST_HEAD_BYTES} bytes before the body")
    return Problem(431, f"{fault.reason}; {fault.expected}", errors=[fault])
