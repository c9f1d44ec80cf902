"""The key that a request shows (RFC 6750 §2.1). Whose it is, is decided by each service."""

from typing import Final

from starlette.requests import HTTPConnection

CHALLENGE: Final = {"www-authenticate": 'Bearer realm="tenon"'}


def bearer(request: HTTPConnection) -> str | None:
    """Return the key of the Authorization header, None without one."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" and key.strip() else None
