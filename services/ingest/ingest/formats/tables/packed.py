"""The bytes of a workbook, before anybody parses them: how much they would become, and what they declare.

Parts are counted by what they say to unpack to; Python's zipfile reads no further than that. A parser keeps
all elements up to the end of a row, or of a shared text, so at most `_MOST_BETWEEN` bytes may lie between two
of these. For that to be seen in the bytes, sheets hold neither comments nor sections nor instructions, and no
part declares entities.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ingest.formats.tables.faults import Unreadable, shown

SAVE_AGAIN = "an .xlsx that a spreadsheet program has saved, or the sheet as CSV"
MOST_UNPACKED = 100 * 1024 * 1024
MOST_PARTS = 1_000
_MOST_STREAMED = 64 * 1024 * 1024
_MOST_WHOLE = 8 * 1024 * 1024
_MOST_BETWEEN = 1024 * 1024
_MOST_BEHIND = 2 * 1024 * 1024
_MOST_TAGS = 6_000_000
_MOST_ODD = 100_000
_SLICE = 1024 * 1024
_REACH = 16 * 1024
_OLD = b"\xd0\xcf\x11\xe0"
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, RuntimeError)
_ENCODING = re.compile(
    rb"\s{0,100}<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}[\"']([^\"']{0,40})", re.IGNORECASE
)
_ENDS = re.compile(rb"</(?:\w{1,20}:)?(?:row|si)\s{0,9}>|<(?:\w{1,20}:)?row(?:\s[^<>]{0,500})?/>")
_MERGED = re.compile(
    rb"<(?:\w{1,20}:)?mergeCell\s[^<>]{0,200}?ref=[\"']([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})[\"']"
)
# Text that a formula made may be empty (t="str"); any other value that is empty was never made.
_NEVER = re.compile(
    rb"<(?:\w{1,20}:)?c\s(?![^<>]{0,200}?t=[\"']str)[^<>]{0,200}?r=[\"']([A-Z]{1,3}\d{1,7})[\"'][^<>]{0,200}>\s{0,9}"
    rb"<(?:\w{1,20}:)?f(?:\s[^<>]{0,500})?(?:/>|>[^<]{0,9000}</(?:\w{1,20}:)?f>)\s{0,9}"
    rb"(?:<(?:\w{1,20}:)?v\s?/>|<(?:\w{1,20}:)?v></(?:\w{1,20}:)?v>)?\s{0,9}</(?:\w{1,20}:)?c>"
)


@dataclass(frozen=True, slots=True)
class Odd:
    """What a sheet has that no row of it tells: ranges of merged cells, cells with a formula and no value."""

    merged: Sequence[str] = ()
    uncalculated: Sequence[str] = ()


def odd_cells(body: bytes) -> dict[str, Odd]:
    """Return what is odd of each sheet, by its part's name; raise `Unreadable` for what must not be parsed.

    One part is in memory at a time.
    """
    if body.startswith(_OLD):
        raise Unreadable("an old workbook (.xls), or one with a password", "an .xlsx without a password")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            entries = packed.infolist()
            _measure(entries)
            return {name: _odd(part) for name, part in _parts(packed, entries) if _is_streamed(name)}
    except Unreadable:
        raise
    except _BROKEN as error:
        raise Unreadable(f"no .xlsx: {shown(str(error))}", SAVE_AGAIN) from error


def _odd(part: bytes) -> Odd:
    return Odd(*(list(islice(_found(pattern, part), _MOST_ODD)) for pattern in (_MERGED, _NEVER)))


def _measure(entries: Sequence[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_PARTS:
        raise Unreadable(f"{len(entries)} parts", f"a workbook of at most {MOST_PARTS} parts")
    if len({entry.filename for entry in entries}) < len(entries):
        raise Unreadable("two parts of one name", SAVE_AGAIN)
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unreadable("parts with a password", "an .xlsx without a password")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MOST_UNPACKED:
        raise Unreadable(
            f"it unpacks to {unpacked} bytes", f"at most {MOST_UNPACKED}; split it, or save it as CSV"
        )
    for entry in entries:
        most = _MOST_STREAMED if _is_streamed(entry.filename) else _MOST_WHOLE
        if _is_xml(entry.filename) and entry.file_size > most:
            expected = f"at most {most}; split the workbook, or save the sheet as CSV"
            raise Unreadable(f"{shown(entry.filename)} unpacks to {entry.file_size} bytes", expected)


def _parts(packed: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo]) -> Iterator[tuple[str, bytes]]:
    for entry in entries:
        if _is_xml(entry.filename):
            part = packed.read(entry)
            _check(entry.filename, part)
            yield entry.filename, part


def _is_xml(name: str) -> bool:
    return name.lower().endswith((".xml", ".rels"))


def _is_streamed(name: str) -> bool:
    """True for parts that are parsed row by row, or text by text."""
    return "worksheets/sheet" in name.lower() or name.lower().endswith("sharedstrings.xml")


def _check(name: str, part: bytes) -> None:
    encoding = _ENCODING.match(part)
    if b"\0" in part or (encoding is not None and encoding[1].upper() not in (b"UTF-8", b"US-ASCII")):
        raise Unreadable(f"{shown(name)} is not UTF-8", SAVE_AGAIN)
    if b"<!DOCTYPE" in part or b"<!ENTITY" in part:
        raise Unreadable(f"{shown(name)} declares a document type or entities", SAVE_AGAIN)
    if not _is_streamed(name):
        return
    if b"<!" in part or part.find(b"<?", 1) > _REACH or part.count(b"<?", 0, _REACH) > 1:
        raise Unreadable(f"{shown(name)} has comments, sections or instructions", SAVE_AGAIN)
    if part.count(b"<") > _MOST_TAGS:
        raise Unreadable(
            f"{shown(name)} has too many cells", "several files of fewer rows; or the sheet as CSV"
        )
    before = 0
    for end in _ends(part):
        if end - before > (_MOST_BEHIND if end == len(part) else _MOST_BETWEEN):
            raise Unreadable(f"{shown(name)} has {end - before} bytes without a row", SAVE_AGAIN)
        before = end


def _ends(part: bytes) -> Iterator[int]:
    for at in range(0, len(part), _SLICE):
        for match in _ENDS.finditer(part, at, min(len(part), at + _SLICE + _REACH)):
            if match.start() < at + _SLICE:
                yield match.end()
    yield len(part)


def _found(pattern: re.Pattern[bytes], part: bytes) -> Iterator[str]:
    """Yield what a pattern finds, slice by slice: one search of it all would hold up other threads."""
    for at in range(0, len(part), _SLICE):
        for match in pattern.finditer(part, at, min(len(part), at + _SLICE + _REACH)):
            if match.start() < at + _SLICE:
                yield match[1].decode()
