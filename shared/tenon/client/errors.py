"""What a call of the client may raise.

TenonError
├── Unreachable (Transient)   nobody took the request before the deadline; the same call may succeed later
└── Refused                   the service answered with a problem (RFC 9457)
    ├── NotAllowed            401, 403: no key, an unknown one, or one that may not do this
    ├── NotThere              404: there is none, or it is not yours
    └── NoLongerKept          410: the events asked for are no longer kept; begin with after=0
"""

from collections.abc import Sequence

import msgspec

from tenon.errors import TenonError, Transient
from tenon.problems import Fault, ProblemDocument


class Unreachable(Transient):
    """The service could not be reached, or had no room, until the deadline."""


class Refused(TenonError):
    """The service refused the request; `problem` is what it said."""

    def __init__(self, problem: ProblemDocument) -> None:
        faults = "".join(f"\n  {fault.pointer or '/'}: {fault.reason}" for fault in problem.errors)
        super().__init__(f"{problem.status} {problem.title}: {problem.detail}{faults}")
        self.problem = problem

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status

    @property
    def errors(self) -> Sequence[Fault]:
        """Each single fault, with its place in the request."""
        return self.problem.errors


class NotAllowed(Refused):
    """The key is missing, unknown, revoked, or not allowed to do this."""


class NotThere(Refused):
    """There is no such thing, or it belongs to somebody else."""


class NoLongerKept(Refused):
    """The feed no longer reaches back that far."""


_KINDS: dict[int, type[Refused]] = {401: NotAllowed, 403: NotAllowed, 404: NotThere, 410: NoLongerKept}


def refused(status: int, body: bytes) -> Refused:
    """Return the error of an answer; one that is no problem document is told by its beginning."""
    try:
        problem = msgspec.json.decode(body, type=ProblemDocument)
    except msgspec.MsgspecError:
        problem = ProblemDocument("about:blank", "Error", status, body[:200].decode(errors="replace"))
    return _KINDS.get(status, Refused)(problem)
