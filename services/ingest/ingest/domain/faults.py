"""What is wrong with an event, and what the sender is told.

Decides the form of a fault (where, why, what would be right) and of a refusal; knows neither HTTP nor
how problem documents are written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

MAX_FAULTS = 50
_LONGEST_WORD = 100  # no name is longer, and comparing takes time


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `pointer` is an RFC 6901 pointer into the event in its JSON format."""

    pointer: str
    reason: str
    expected: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an event was not taken: the HTTP status that says so, a stable name, words, and each fault."""

    status: int
    name: str
    title: str
    detail: str
    faults: tuple[Fault, ...] = ()


class Refused(Exception):
    """An event can't be taken; carries its refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


def invalid(faults: Sequence[Fault]) -> Refusal:
    """Return the refusal of an event whose content is wrong."""
    return Refusal(422, "invalid-event", "The event is not valid", _told(faults), tuple(faults[:MAX_FAULTS]))


def malformed(faults: Sequence[Fault]) -> Refusal:
    """Return the refusal of bytes that are no CloudEvent, or no JSON."""
    title = "The request can't be read"
    return Refusal(400, "malformed", title, _told(faults), tuple(faults[:MAX_FAULTS]))


def not_json(pointer: str, error: Exception, expected: str) -> Refusal:
    """Return the refusal of bytes that no JSON reader gets through; `error` is a reader's."""
    deep = isinstance(error.__cause__, RecursionError)
    return malformed([Fault(pointer, "nested too deeply" if deep else str(error), expected)])


def forbidden(pointer: str, reason: str, expected: str) -> Refusal:
    """Return the refusal of an event that this sender may not send."""
    fault = Fault(pointer, reason, expected)
    return Refusal(403, "forbidden", "This key may not do that", f"{reason}; expected {expected}", (fault,))


def conflict(pointer: str, reason: str, expected: str) -> Refusal:
    """Return the refusal of a statement that another one, in force already, contradicts."""
    fault = Fault(pointer, reason, expected)
    title = "Another revision is in force"
    return Refusal(409, "revision-conflict", title, f"{reason}; expected {expected}", (fault,))


def too_large(reason: str, expected: str) -> Refusal:
    """Return the refusal of an event that does not fit into one record of the log."""
    fault = Fault("/data", reason, expected)
    return Refusal(413, "too-large", "The event is too large", f"{reason}; expected {expected}", (fault,))


def unavailable(detail: str) -> Refusal:
    """Return the refusal of an event that can't be taken for now; the same one may be sent again."""
    return Refusal(503, "unavailable", "Not available for the moment", detail)


def _told(faults: Sequence[Fault]) -> str:
    first = faults[0]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{first.pointer or 'body'}: {first.reason}; expected {first.expected}{more}"


def refuse(refusal: Refusal) -> NoReturn:
    """Raise `Refused`."""
    raise Refused(refusal)


def step(name: str | int) -> str:
    """Return one step of a JSON pointer (RFC 6901 §3 escapes)."""
    return "/" + str(name).replace("~", "~0").replace("/", "~1")


def nearest(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return a hint: the nearest known word, or what to use where nothing is near."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1, cutoff=0.6) if len(word) <= _LONGEST_WORD else []
    if close:
        return f"{close[0]!r}, perhaps"
    return otherwise if len(names) > 30 or not names else f"{otherwise}: {', '.join(names)}"
