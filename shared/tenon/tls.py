"""The one place that makes TLS contexts, for Kafka and for PostgreSQL alike.

Decides what is trusted and how files that don't fit are told. Must not know who connects to what.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tenon.errors import Misconfigured


def client_context(
    ca_file: Path | None,
    certificate_file: Path | None = None,
    key_file: Path | None = None,
    *,
    verify: bool = True,
    check_hostname: bool = True,
) -> ssl.SSLContext:
    """Return how a client checks the server, and what it shows of itself.

    Without `ca_file` the authorities of this machine are trusted; `verify` False trusts anybody, which only
    keeps listeners out. All files are PEM. Raises `Misconfigured` with the file that can't be used.
    """
    with _told("certificates to trust", ca_file):
        context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = verify and check_hostname
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    if certificate_file is not None:
        with _told("a certificate with its key", certificate_file, key_file):
            context.load_cert_chain(certificate_file, key_file, password=_no_password)
    return context


def _no_password() -> str:
    raise Misconfigured("the key is encrypted, and nobody can be asked for its password: give a plain one")


@contextmanager
def _told(what: str, *files: Path | None) -> Iterator[None]:
    """Turn what OpenSSL and the file system say about files into one line."""
    try:
        yield
    except OSError as error:  # ssl.SSLError is one
        names = " and ".join(str(file) for file in files if file is not None)
        raise Misconfigured(f"{names} can't be used as {what} (PEM): {error.strerror or error}") from error
