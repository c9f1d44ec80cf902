"""The sockets that addresses of parties are called through: only to public ones, whatever a name resolves to.

The check stands where a socket is made, behind every resolution and for literal addresses too, so neither a
name that changes its address nor a redirect gets around it.
"""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from tenon.public import is_public
from tenon.tls import client_context

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]
LookUp = Callable[..., list[Any]]
_MAX_URL = 2_000
_LOOK_UP_SECONDS = 5.0
_MAX_NAME = 253
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class AddressDenied(OSError):
    """The address is not on the public internet."""


class BadUrl(ValueError):
    """The URL can't be an endpoint; the message says why and what would be right."""


def socket_factory(allow_private: bool) -> Callable[[AddressInfo], socket.socket]:
    """Return what makes sockets for endpoints."""

    def make(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        if not allow_private and not is_public(str(address[0])):
            raise AddressDenied("this is not a public address")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    return make


class Resolver(AbstractResolver):
    """Looks names up in threads of its own: a name whose servers never answer holds up nobody else.

    The event loop's few shared threads would all hang in a handful of such names. A look-up that was given up
    occupies its thread until the system gives up too. A name with a private address among others is refused
    like one that has no other. Which address it is, is not told: names inside are nobody's business.
    """

    def __init__(self, *, threads: int, allow_private: bool, look_up: LookUp = socket.getaddrinfo) -> None:
        self._threads = ThreadPoolExecutor(threads, "resolver")
        self._allow_private = allow_private
        self._look_up = look_up

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a name; raises `OSError` when it has none, or one that is not public."""
        ask = partial(self._look_up, host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        if not self._allow_private and not all(is_public(str(each[4][0])) for each in found):
            raise AddressDenied("this name has an address that is not public")
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
    resolver: AbstractResolver, *, allow_private: bool, connections: int, ca_file: Path | None = None
) -> aiohttp.TCPConnector:
    """Return what connects to endpoints; `ca_file`: whom to trust, else whom the machine does."""
    return aiohttp.TCPConnector(
        resolver=resolver,
        ssl=True if ca_file is None else client_context(ca_file, None, None),
        socket_factory=socket_factory(allow_private),
        limit=2 * connections,  # trials beside deliveries
        limit_per_host=0,
        ttl_dns_cache=30,
    )


@asynccontextmanager
async def session(
    resolver: AbstractResolver,
    *,
    allow_private: bool,
    timeout_ms: int,
    connections: int,
    ca_file: Path | None = None,
    called: str = "Tenon webhooks",
) -> AsyncIterator[aiohttp.ClientSession]:
    """Lend the client for endpoints: no proxies and cookies, limits of time; ends the resolver."""
    try:
        async with aiohttp.ClientSession(
            connector=connector_of(
                resolver, allow_private=allow_private, connections=connections, ca_file=ca_file
            ),
            timeout=aiohttp.ClientTimeout(total=timeout_ms / 1000, sock_connect=min(5.0, timeout_ms / 1000)),
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"user-agent": called, "accept-encoding": "identity"},
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
        host = parts.raw_host or ""
    except ValueError as error:
        raise BadUrl(str(error)) from error
    if parts.scheme not in (("https", "http") if allow_private else ("https",)) or not host:
        raise BadUrl("an endpoint's address starts with https:// and names a host")
    if parts.user is not None or parts.password is not None or "#" in url:
        raise BadUrl("an endpoint's address has no user, password or fragment")
    if parts.port == 0:
        raise BadUrl("port 0 is no port")
    if _is_literal(host):
        if not allow_private and not is_public(host):
            raise BadUrl(f"{host} is not a public address")
    elif len(host) > _MAX_NAME or not _NAME.fullmatch(host):
        raise BadUrl(f"{host!r} is no name of a host")
    return url


async def check_host(resolver: AbstractResolver, url: str) -> None:
    """Raise `BadUrl` when the host of a checked URL has no address now, or one that is not public.

    It is looked up again at each connection; this is for whoever subscribes to hear of it.
    """
    host = URL(url).raw_host or ""
    if _is_literal(host):
        return
    try:
        async with asyncio.timeout(_LOOK_UP_SECONDS):
            await resolver.resolve(host, URL(url).port or 443, socket.AF_UNSPEC)
    except AddressDenied as error:
        raise BadUrl(str(error)) from error
    except TimeoutError:
        raise BadUrl(f"the name {host!r} could not be looked up in {_LOOK_UP_SECONDS:.0f} s") from None
    except OSError as error:
        raise BadUrl(f"the name {host!r} has no address") from error


def _is_literal(host: str) -> bool:
    """True for what a system reads as an address: IPv6, and all that ends in a number (127.1, 0x7f000001)."""
    return ":" in host or _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None
