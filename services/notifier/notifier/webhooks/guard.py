"""The sockets that webhooks go through: only to public addresses, whatever a name resolves to.

The check stands where a socket is made, behind every resolution and for literal addresses too, so neither a
name that changes its address nor a redirect gets around it.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from notifier.domain.addresses import is_public

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]
LookUp = Callable[..., list[Any]]
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


class Resolver(AbstractResolver):
    """Looks names up in threads of its own: a name whose servers never answer holds up nobody else.

    The event loop's few shared threads would all hang in a handful of such names. A look-up that was given up
    occupies its thread until the system gives up too.
    """

    def __init__(self, *, threads: int, look_up: LookUp = socket.getaddrinfo) -> None:
        self._threads = ThreadPoolExecutor(threads, "resolver")
        self._look_up = look_up

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a name; raises `OSError` when it has none."""
        ask = partial(self._look_up, host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(
                hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=numeric
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Begin no look-up any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def connector_of(
    resolver: AbstractResolver, *, allow_private: bool, connections: int
) -> aiohttp.TCPConnector:
    """Return what connects to endpoints."""
    return aiohttp.TCPConnector(
        resolver=resolver,
        socket_factory=socket_factory(allow_private),
        limit=connections,
        limit_per_host=0,
        ttl_dns_cache=30,
    )


@asynccontextmanager
async def session(
    *, allow_private: bool, timeout_ms: int, connections: int
) -> AsyncIterator[aiohttp.ClientSession]:
    """Lend the client for endpoints: no proxies and cookies, a time limit on everything."""
    resolver = Resolver(threads=2 * connections)
    try:
        async with aiohttp.ClientSession(
            connector=connector_of(resolver, allow_private=allow_private, connections=connections),
            timeout=aiohttp.ClientTimeout(total=timeout_ms / 1000, sock_connect=min(5.0, timeout_ms / 1000)),
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"user-agent": "Tenon webhooks", "accept-encoding": "identity"},
        ) as lent:
            yield lent
    finally:
        await resolver.close()


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
