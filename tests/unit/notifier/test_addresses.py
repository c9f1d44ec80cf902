"""Which addresses webhooks may call, and how a socket is refused."""

from __future__ import annotations

import asyncio
import socket
import threading
from ipaddress import IPv4Address

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.ways.webhook import explain
from tenon.guard import (
    AddressDenied,
    BadUrl,
    LookUp,
    Resolver,
    check_url,
    connector_of,
    socket_factory,
)
from tenon.public import is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.0", "10.1.2.3", "100.64.0.1", "169.254.169.254", "172.31.255.255", "192.168.0.1",
        "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "::", "::1", "fe80::1",
        "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8",
        "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "::127.0.0.1", "x", "",
    ],
)  # fmt: skip
def test_what_is_not_the_public_internet_is_denied(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_nothing_that_python_calls_private_is_public(address: IPv4Address) -> None:
    assert not (is_public(str(address)) and (address.is_private or address.is_multicast))


def test_a_socket_to_a_private_address_is_never_made() -> None:
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80))
    with pytest.raises(AddressDenied, match="this is not a public address"):
        socket_factory(False)(info)
    socket_factory(True)(info).close()


async def test_names_that_never_resolve_hold_up_no_other() -> None:
    answering = threading.Event()

    def look_up(host: str, *_: object) -> list[object]:
        if host == "dead.example":
            answering.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 0))]

    resolver = Resolver(threads=40, allow_private=True, look_up=look_up)
    dead = [asyncio.create_task(resolver.resolve("dead.example", 443)) for _ in range(39)]
    try:
        async with asyncio.timeout(20):
            (found,) = await resolver.resolve("alive.example", 443)
        assert (found["hostname"], found["host"], found["port"]) == ("alive.example", "192.0.2.7", 443)
        assert not any(each.done() for each in dead)
    finally:
        answering.set()
        await asyncio.gather(*dead)
        await resolver.close()


async def test_a_name_without_an_address_is_an_error_of_the_network() -> None:
    def look_up(*_: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    resolver = Resolver(threads=1, allow_private=False, look_up=look_up)
    with pytest.raises(OSError, match="no such name"):
        await resolver.resolve("none.example")
    await resolver.close()


PRIVATE = (
    "127.0.0.1", "169.254.169.254", "10.0.0.9", "::1", "::ffff:10.0.0.1", "fd00:ec2::254", "64:ff9b::a00:1",
    "2002:a00:1::", "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "fe80::1", "ff02::1",
)  # fmt: skip


@pytest.mark.parametrize("others", [(), ("93.184.216.34",), ("2606:4700::1111", "93.184.216.34")])
@pytest.mark.parametrize("address", PRIVATE)
async def test_a_name_that_points_into_the_private_network_is_not_called(
    address: str, others: tuple[str, ...]
) -> None:
    resolver = Resolver(threads=1, allow_private=False, look_up=pointing_to(*others, address))
    connector = connector_of(resolver, allow_private=False, connections=1)
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.post("https://innocent.example/hook")
    assert explain(caught.value) == "not allowed: this name has an address that is not public"
    await resolver.close()


def pointing_to(*addresses: str) -> LookUp:
    """Return a look-up by which every name has these addresses."""

    def look_up(*_: object) -> list[object]:
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, 443),
            )
            for address in addresses
        ]

    return look_up


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "https://", "https:///x", "https://10.0.0.1/",
        "https://[::1]:8443/", "https://u:p@example.org/", "https://example.org/#f", "https://example.org:x/",
        "https://e.org/" + "x" * 2000, "", "//example.org", "https://exa mple.org/", "https://e.org/\0",
        "https://e.org/\r\nhost: x", "https://e.org\\@10.0.0.1/", "https://e.org:99999/", "https://e.org/#",
        "https://127.1/", "https://2130706433/", "https://１２７.0.0.1/", "https://①②⑦.0.0.1/", "https://:p@e.org/",
        "https://0177.0.0.1/", "https://0x7f.0.0.1/", "https://0x7f000001/", "https://017700000001/", "https://0/",
        "https://8.8.8.8./", "https://127.0.0.1./", "https://e.org.0x0/", "https://100.64.0.1/",
        "https://[fd00::1]/",
        "https://[2002:7f00:1::]/", "https://[64:ff9b::7f00:1]/", "https://[::]/", "https://[ff02::1]/",
        "https://255.255.255.255/", "https://224.0.0.1/", "https://１２７。0。0。1/", "https://%31%32%37.0.0.1/",
        "https://e.org:0/", "https://xn--/", "https://e..org/", "https://-e.org/",
        "https://" + "e" * 64 + ".org/",
        "https://" + "e." * 126 + "org/", "gopher://e.org/", "file:///etc/passwd", "HTTP://e.org/",
        "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/", "https://169.254.169.254/latest/meta-data",
    ],
)  # fmt: skip
def test_urls_that_can_never_be_called_are_refused(url: str) -> None:
    with pytest.raises(BadUrl):
        check_url(url, allow_private=False)


def test_private_urls_and_plain_http_are_for_development() -> None:
    assert check_url("http://127.0.0.1:9/hook", allow_private=True)
    assert check_url("https://example.org:8443/hook?x=1", allow_private=False)


@pytest.mark.parametrize(
    "url",
    ["https://8.8.8.8/", "https://[2606:4700::1111]:8443/x", "https://bücher.example./", "HTTPS://E.org",
     "https://a-b.c_d.e1/"],
)  # fmt: skip
def test_what_is_public_is_taken_as_it_was_written(url: str) -> None:
    assert check_url(url, allow_private=False) == url
