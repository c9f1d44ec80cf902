"""Which ports the stack listens on; a taken one is told by the setting that moves it."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterable

from tenon_local.errors import PortTaken

HOST = "127.0.0.1"
OUTSIDE_EPHEMERAL = range(20_000, 32_000)
"""Below what Linux gives to outgoing connections: a process that starts again finds its port free."""
_given_out: set[int] = set()


def is_free(port: int) -> bool:
    """Whether nobody listens on the port now."""
    return _bind_error(port) is None


def free_port() -> int:
    """A port that nobody listens on now, and that this process did not give out before."""
    while True:
        port = random.choice(OUTSIDE_EPHEMERAL)
        if port not in _given_out and is_free(port):
            _given_out.add(port)
            return port


def claim(port: int, what: str, setting: str) -> int:
    """`port`, or a free one for 0. Raises PortTaken, naming `setting`, when another program listens there."""
    if port == 0:
        return free_port()
    if why := _bind_error(port):
        raise PortTaken(
            f"port {port} for {what} on {HOST} is taken ({why}): "
            f"end the program that listens there, or choose another with {setting}"
        )
    return port


def check_distinct(wanted: Iterable[tuple[str, int]]) -> None:
    """Raise PortTaken where two processes of one stack would listen on the same port."""
    taken: dict[int, str] = {}
    for name, port in wanted:
        if (other := taken.setdefault(port, name)) != name:
            raise PortTaken(f"{other} and {name} both want port {port}: move one by its TENON_…_PORT")


def _bind_error(port: int) -> str | None:
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error.strerror or str(error)
    return None
