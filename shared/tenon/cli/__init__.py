"""The `tenon` command: what operators and integrators do by hand.

Its own commands work on any installation; others are added by packages through entry points of the group
`tenon.commands` (name of the command = object reference). This package decides how people call Tenon; it must
not know how a service is built.
"""

from tenon.cli.main import main

__all__ = ["main"]
