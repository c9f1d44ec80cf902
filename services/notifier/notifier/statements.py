"""Several statements as one: what a round trip and a plan cost is paid once."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

Part = tuple[str, Sequence[object]]
"""A statement and its arguments, which it calls $1 and so on."""

_PLACE: Final = re.compile(r"\$(\d+)")


def union(parts: Iterable[Part]) -> Part:
    """Return one query for the rows of several with the same columns."""
    texts, arguments = _numbered(parts)
    return " UNION ALL ".join(texts), arguments


def all_of(parts: Iterable[Part]) -> Part:
    """Return one statement that does what several do. None sees what another does, nor waits for it."""
    texts, arguments = _numbered(parts)
    done = ", ".join(f"part_{number} AS ({text})" for number, text in enumerate(texts))
    return f"WITH {done} SELECT 1", arguments


def _numbered(parts: Iterable[Part]) -> tuple[list[str], list[object]]:
    texts: list[str] = []
    arguments: list[object] = []
    for text, of in parts:
        before = len(arguments)
        texts.append(_PLACE.sub(lambda place, before=before: f"${int(place[1]) + before}", text))  # type: ignore[misc]
        arguments += of
    return texts, arguments
