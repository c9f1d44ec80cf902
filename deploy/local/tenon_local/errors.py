"""What can go wrong with the embedded stack, each with a message that says what to do.

LocalError
├── PortTaken        another program listens where one of our processes should
├── JarsUntrusted    a jar is missing, or is not the one the lock names
├── ProcessFailed    a process ended, or was not ready in time; carries the end of its log
├── AlreadyRunning   another supervisor holds the same data folder
├── NotRunning       a command needs a running stack
└── Unsupported      this machine or user can't run it
"""

from __future__ import annotations


class LocalError(Exception):
    """Anything that keeps the embedded stack from running; the message is meant for the user."""


class PortTaken(LocalError):
    """Another program listens on the port; the message names the setting that changes it."""


class JarsUntrusted(LocalError):
    """A jar is missing or differs from the lock."""


class ProcessFailed(LocalError):
    """A process ended, or was not ready in time; the message carries the end of its log."""


class AlreadyRunning(LocalError):
    """Another supervisor holds the data folder."""


class NotRunning(LocalError):
    """No stack runs on the data folder."""


class Unsupported(LocalError):
    """This machine or user can't run the stack."""
