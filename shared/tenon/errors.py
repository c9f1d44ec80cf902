"""The errors every part of Tenon raises, and what each asks of the caller.

    TenonError
    ├── Transient      it may work later: retry with backoff until a deadline, then exit
    ├── Fenced         somebody else owns this now: drop the state in hand, never retry with it
    ├── Unusable       this one input can't be used: report it with its reason and go on
    ├── Duplicate      a row with this key exists already
    └── Misconfigured  no retry helps: stop; the message says which command to run or what to set

Anything else is a bug: the process ends, and the restart is the recovery. This module decides the kinds;
it must not know which library or service raises them.
"""


class TenonError(Exception):
    """Root of all errors that Tenon raises on purpose."""


class Transient(TenonError):
    """A dependency is away or too slow; the same call may succeed later."""


class Fenced(TenonError):
    """Ownership of a partition, lease or position has passed to another process."""


class Unusable(TenonError):
    """One input can't be used. `reason` is short and stable, `pointer` an RFC 6901 pointer into the input."""

    def __init__(self, reason: str, pointer: str = "") -> None:
        super().__init__(f"{pointer}: {reason}" if pointer else reason)
        self.reason = reason
        self.pointer = pointer


class Duplicate(TenonError):
    """A unique key was there already. `constraint` is the name of the constraint that refused the row."""

    def __init__(self, message: str, constraint: str) -> None:
        super().__init__(message)
        self.constraint = constraint


class Misconfigured(TenonError):
    """The process can't work as it is set up; the message says what to run or to set."""
