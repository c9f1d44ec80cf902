"""Which events a file holds, and on which line each begins. Must not know who takes them.

Three forms are told apart by how they begin: a JSON array, one event over several lines, an event per line
(NDJSON).
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO, Final

from tenon.contracts.cloudevents import CloudEvent, NotCloudEvent, from_structured, split_batch
from tenon.contracts.codec import NotJson, parse

Place = tuple[int, CloudEvent | str]
"""The line (from 1) on which an event begins, and the event, or why it can't be read."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_AT_BYTE: Final = re.compile(r" \(byte (\d+)\)")


def events(file: BinaryIO) -> Iterator[Place]:
    """Yield the events of a file, in order; a line that holds none is told and passed over."""
    first, text = _first_line(file)
    if text.lstrip().startswith(b"["):
        yield from _array(text + file.read(), first)
        return
    following = file.readline()
    if following.strip() and not following.lstrip().startswith(b"{") and not _is_json(text):
        yield _event(text + following + file.read(), first)
        return
    yield from _lines(chain((text, following), file), first)


def _first_line(file: BinaryIO) -> tuple[int, bytes]:
    """Return the first line that is not blank, and its number."""
    for number, line in enumerate(file, start=1):
        text = line.removeprefix(_BYTE_ORDER_MARK)
        if text.strip():
            return number, text
    return 1, b""


def _is_json(line: bytes) -> bool:
    try:
        parse(line)
    except NotJson:
        return False
    return True


def _lines(lines: Iterable[bytes], first: int) -> Iterator[Place]:
    for number, line in enumerate(lines, start=first):
        if line.strip():
            yield _event(line, number)


def _array(body: bytes, first: int) -> Iterator[Place]:
    try:
        items = split_batch(body)
    except NotJson as error:
        yield _where(str(error), body, first)
        return
    at = 0
    for item in items:
        at = body.index(item, at)
        yield _event(item, first + body.count(b"\n", 0, at))
        at += len(item)


def _event(body: bytes, first: int) -> Place:
    try:
        return first, from_structured(body)
    except NotCloudEvent as error:
        return first, str(error)
    except NotJson as error:
        return _where(str(error), body, first)


def _where(reason: str, body: bytes, first: int) -> Place:
    """Turn the byte that a parser complains of into a line; what was cut off ends on the last one."""
    found = _AT_BYTE.search(reason)
    end = int(found[1]) if found else len(body.rstrip())
    return first + body.count(b"\n", 0, end), _AT_BYTE.sub("", reason)
