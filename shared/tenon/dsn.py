"""The address of a database: where it is, as whom, and how TLS is spoken with it.

TLS is said as libpq has it, in the address: `?sslmode=verify-full&sslrootcert=/etc/tenon/ca.pem`. This is the
one place that reads it, for the pool and the engine alike; it must not know who connects.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tenon.errors import Misconfigured
from tenon.tls import client_context

_FILES: Final = ("sslrootcert", "sslcert", "sslkey")
_MODES: Final = ("disable", "prefer", "require", "verify-ca", "verify-full")
_SHAPE = "postgresql://user:password@host:port/database"


@dataclass(frozen=True, slots=True)
class Address:
    """An address without what says how TLS is spoken, and that: None leaves it to the driver.

    The driver's own choice is to encrypt where the server does, without asking whose server it is.
    """

    url: URL
    tls: ssl.SSLContext | Literal["disable", "prefer"] | None

    @classmethod
    def of(cls, text: str) -> Self:
        """Read an address; raises `Misconfigured` for one that can't be used. It never tells the password."""
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):
            raise Misconfigured(f"this is no address of a database; {_SHAPE}") from None
        if url.get_backend_name() != "postgresql":
            raise Misconfigured(f"this is no address of a PostgreSQL database; {_SHAPE}")
        return cls(url.difference_update_query(("sslmode", *_FILES)), _tls(url))


def _tls(url: URL) -> ssl.SSLContext | Literal["disable", "prefer"] | None:
    said = {name: str(value) for name, value in url.query.items()}
    files = {name: Path(said[name]) for name in _FILES if name in said}
    mode = said.get("sslmode")
    if mode is None and not files:
        return None
    if mode not in _MODES:
        raise Misconfigured(f"sslmode is one of {', '.join(_MODES)}; in production verify-full")
    if mode in ("disable", "prefer"):
        if files:
            raise Misconfigured(f"sslmode={mode} checks no certificate: with {min(files)} say verify-full")
        return "disable" if mode == "disable" else "prefer"
    verify = mode != "require" or "sslrootcert" in files
    return client_context(
        *(files.get(name) for name in _FILES), verify=verify, check_hostname=mode == "verify-full"
    )
