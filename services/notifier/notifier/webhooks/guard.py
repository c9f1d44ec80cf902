"""The sockets that webhooks go through: only to public addresses, whatever a name resolves to.

The check stands where a socket is made, behind every resolution and for literal addresses too, so neither a
name that changes its address nor a redirect gets around it.
"""

import socket
from collections.abc import Callable
from typing import Any

import aiohttp
from yarl import URL

from notifier.domain.addresses import is_public

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]
_MAX_URL = 2_000


class AddressDenied(OSError):
    """The address is not on the public internet."""


class BadUrl(ValueError):
    """The URL can't be an endpoint; the message says why and what would be right."""


def socket_factory(allow_private: bool) -> Callable[[AddressInfo], socket.socket]:
    """Return what makes sockets for endpoints."""

    def make(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        if not allow_private and not is_public(str(address[0])):
            raise AddressDenied(f"{address[0]} is not a public address")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    return make


def session(*, allow_private: bool, timeout_ms: int, connections: int) -> aiohttp.ClientSession:
    """Return the client for endpoints: no proxies and cookies, a time limit on everything."""
    connector = aiohttp.TCPConnector(
        socket_factory=socket_factory(allow_private), limit=connections, limit_per_host=0, ttl_dns_cache=30
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=timeout_ms / 1000, sock_connect=min(5.0, timeout_ms / 1000)),
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers={"user-agent": "Tenon webhooks", "accept-encoding": "identity"},
    )


def check_url(url: str, *, allow_private: bool) -> str:
    """Return the URL; raise `BadUrl` when it can never be called. It is read as the client will read it."""
    if len(url) > _MAX_URL:
        raise BadUrl(f"longer than {_MAX_URL} characters")
    if not url.isprintable() or " " in url:
        raise BadUrl("an endpoint's address has no spaces and no control characters")
    try:
        parts = URL(url)
    except ValueError as error:
        raise BadUrl(str(error)) from error
    if parts.scheme not in (("https", "http") if allow_private else ("https",)) or not parts.host:
        raise BadUrl("an endpoint's address starts with https:// and names a host")
    if parts.user is not None or parts.password is not None or "#" in url:
        raise BadUrl("an endpoint's address has no user, password or fragment")
    if not allow_private and _is_literal(parts.host) and not is_public(parts.host):
        raise BadUrl(f"{parts.host} is not a public address")
    return url


def _is_literal(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
