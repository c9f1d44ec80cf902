"""Reading server-sent events (WHATWG HTML, section 9.2.6). Pure: bytes in, messages out.

Lines may end in LF, CR or CRLF, and anything may be cut anywhere: the parser keeps what is not complete yet.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Message:
    """One dispatched event: the last id that was set, its type and its data."""

    id: str
    event: str
    data: str


@dataclass
class Parser:
    """Turns the chunks of one connection into messages. `retry_ms` is what the server wished, if it did."""

    last_id: str = ""
    retry_ms: int | None = None
    _rest: bytes = b""
    _after_cr: bool = False
    _first: bool = True
    _event: str = ""
    _data: list[str] = field(default_factory=list)

    def feed(self, chunk: bytes) -> list[Message]:
        """Take the next bytes and return the messages that are complete now."""
        if self._after_cr and chunk:
            # The LF of a CRLF that was cut in two.
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        lines = (self._rest + chunk).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._after_cr = chunk.endswith(b"\r")
        self._rest = lines.pop()
        found = (self._line(line) for line in lines)
        return [message for message in found if message is not None]

    def _line(self, line: bytes) -> Message | None:
        if self._first:
            line, self._first = line.removeprefix(b"\xef\xbb\xbf"), False
        if not line:
            return self._dispatch()
        name, _, value = line.decode(errors="replace").partition(":")
        self._field(name, value.removeprefix(" "))
        return None

    def _field(self, name: str, value: str) -> None:
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self.last_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry_ms = int(value)

    def _dispatch(self) -> Message | None:
        event, data = self._event, self._data
        self._event, self._data = "", []
        if not data:
            return None
        return Message(self.last_id, event or "message", "\n".join(data))
