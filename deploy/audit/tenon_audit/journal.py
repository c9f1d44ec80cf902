"""Reads what the sender of events wrote down: JSON lines, one for each try of each event.

    {"id": "e-17", "source": "/loader", "answer": 202}

`answer` 0: there was none. For a party, a site or a policy the line also says `kind` (party, site, policy),
`key` (`acme`, `acme/main`, `everyday`) and `revision`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from tenon.errors import Misconfigured
from tenon_audit.facts import JournalLine


class _Line(msgspec.Struct, frozen=True):
    id: str
    source: str
    answer: int
    kind: Literal["", "party", "site", "policy"] = ""
    key: str = ""
    revision: int = 0


_line = msgspec.json.Decoder(_Line)


def lines(file: Path) -> Iterator[JournalLine]:
    """Yield the lines of a journal; raises `Misconfigured` where it can't be read.

    A last line without an end was being written when its writer died: it tells nothing yet.
    """
    try:
        with file.open("rb") as journal:
            for number, text in enumerate(journal, 1):
                if not text.endswith(b"\n") or not text.strip():
                    continue
                yield _read(file, number, text)
    except OSError as error:
        raise Misconfigured(f"the journal {file} can't be read: {error}") from error


def _read(file: Path, number: int, text: bytes) -> JournalLine:
    try:
        said = _line.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Misconfigured(f"line {number} of the journal {file} can't be read: {error}") from error
    return JournalLine(said.id, said.source, said.answer, said.kind, said.key, said.revision)
