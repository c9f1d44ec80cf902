"""Which characters the bytes of a text file are.

A byte order mark says it, and what can be read as UTF-8 is hardly ever anything else. Of other encodings
GB18030 alone can be sure, where the first line then names columns that are known; the rest has to be named.
"""

import codecs
from collections.abc import Callable

from ingest.formats.tables.faults import Unreadable, shown

ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "windows-1252", "iso-8859-15")
"""What `encoding=` may name."""
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NAME_IT = f"UTF-8, or the encoding named: encoding=… one of {', '.join(ENCODINGS)}"


def text_of(body: bytes, named: str | None, knows: Callable[[str], bool]) -> tuple[str, str]:
    """Return the text and its encoding; raise `Unreadable`. `knows`: whether a line has known names in it."""
    encoding = named or _marked(body)
    if encoding is not None:
        text = _decoded(body, "utf-8-sig" if encoding == "utf-8" else encoding)
    else:
        encoding, text = _found(body, knows)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise Unreadable("a NUL character", "text; where it is UTF-16, say encoding=utf-16-le or -be", line)
    return text.removeprefix("\ufeff"), encoding.removesuffix("-sig")


def _marked(body: bytes) -> str | None:
    return next((name for mark, name in _MARKS if body.startswith(mark)), None)


def _found(body: bytes, knows: Callable[[str], bool]) -> tuple[str, str]:
    try:
        return "utf-8", body.decode()
    except UnicodeDecodeError as error:
        first = body[: body.find(b"\n") if b"\n" in body else len(body)]
        if not first.isascii() and _is_chinese(first) and knows(first.decode("gb18030")):
            return "gb18030", _decoded(body, "gb18030")
        raise Unreadable(_misfit(error, "UTF-8"), _NAME_IT, _line(body, error)) from None


def _is_chinese(line: bytes) -> bool:
    try:
        return any("\u4e00" <= letter <= "\u9fff" for letter in line.decode("gb18030"))
    except UnicodeDecodeError:
        return False


def _decoded(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        reason = _misfit(error, encoding.removesuffix("-sig").upper())
        raise Unreadable(reason, _NAME_IT, _line(body, error)) from None
    except UnicodeError as error:
        raise Unreadable(f"no {encoding.upper()}: {shown(str(error))}", _NAME_IT) from None


def _misfit(error: UnicodeDecodeError, encoding: str) -> str:
    return f"byte 0x{error.object[error.start]:02x} is no {encoding}"


def _line(body: bytes, error: UnicodeDecodeError) -> int:
    return body.count(b"\n", 0, error.start) + 1
